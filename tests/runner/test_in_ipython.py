"""A notebook's own machinery runs an experiment and shows its figures inline."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

CELL = """
from flowlab import Experiment
from flowlab.components.classifiers.stable_points import StablePoints
from flowlab.components.datasets.equilateral_triangle import EquilateralTriangle
from flowlab.components.denoisers.closed_form import ClosedForm
from flowlab.components.figures.plane import Plane
from flowlab.components.flows.probability import ProbabilityFlow
from flowlab.components.schedules.noise_levels import NoiseLevels

results = Experiment("notebook", {
    "dataset.triangle": EquilateralTriangle(),
    "schedule.levels": NoiseLevels((0.1, 0.05)),
    "denoiser.theory": ClosedForm(dataset="triangle", schedule="levels"),
    "flow.pf": ProbabilityFlow(denoiser="theory", samples=20),
    "classifier.ends": StablePoints(flow=("pf",)),
    "figure.plane": Plane(classifier="ends"),
}).run(quiet=True)
"""


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell = InteractiveShell()
    shell.history_manager.enabled = False
    yield shell
    shell.history_manager.end_session()


def test_the_last_value_of_a_cell_is_shown_as_a_picture(shell, tmp_path):
    shown = {}
    for line in ("results['figure.plane']", "results"):
        ran = shell.run_cell(f"{CELL}\n{line}" if not shown else line, store_history=False)
        ran.raise_error()
        shown[line], _ = shell.display_formatter.format(ran.result)
    assert shown["results['figure.plane']"]["image/png"].startswith(b"\x89PNG")
    assert "data:image/png;base64," in shown["results"]["text/html"]
    assert not (tmp_path / "runs").exists()
