"""A notebook's own machinery runs an experiment and shows its figures inline."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

CELL = """
from flowlab import Experiment
from flowlab.components.classifiers.stable_points import StablePoints
from flowlab.components.datasets.equilateral_triangle import EquilateralTriangle
from flowlab.components.denoisers.closed_form import ClosedForm
from flowlab.components.figures.plane.plane import Plane
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


@pytest.fixture
def kernel(shell, monkeypatch):
    """The shell as a kernel's: the one of this process, and what it publishes."""
    published = []
    monkeypatch.setattr(InteractiveShell, "_instance", shell)
    monkeypatch.setattr(InteractiveShell, "kernel", object(), raising=False)

    def publish(data, *_, update=False, transient=None, **__):
        published.append((data["text/html"], update, transient["display_id"]))

    monkeypatch.setattr(shell.display_pub, "publish", publish)
    return published


def test_a_kernel_shows_progress_in_one_place(shell, kernel, capsys):
    """The bars are HTML of the cell, published once and updated after that; stderr stays empty."""
    shell.run_cell(CELL.replace("run(quiet=True)", "run()"), store_history=False).raise_error()
    assert [update for _, update, _ in kernel] == [False, *[True] * (len(kernel) - 1)]
    assert len({place for *_, place in kernel}) == 1
    assert "0 of 5 nodes" in kernel[0][0]
    assert '<progress value="5" max="5"></progress> 5 of 5 nodes' in kernel[-1][0]
    assert capsys.readouterr().err == ""


def test_a_table_of_the_results_is_rich(shell):
    shell.run_cell(CELL, store_history=False).raise_error()
    ran = shell.run_cell("results.table('ends')", store_history=False)
    shown, _ = shell.display_formatter.format(ran.result)
    assert "<caption>ends</caption>" in shown["text/html"]
    ran = shell.run_cell("results['figure.plan']", store_history=False)
    assert "did you mean 'figure.plane'?" in str(ran.error_in_exec)
