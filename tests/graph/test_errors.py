"""Every mistake in an experiment: its message, its position, all at once."""

from pathlib import Path

import pytest
import tomli
from built_in import BUILT_IN
from hypothesis import given
from hypothesis import strategies as st

from flowlab.api import ExperimentError
from flowlab.graph.graph import load_graph
from flowlab.registry.registry import Registry
from flowlab.spec.document import read_document
from flowlab.spec.locate import locate_keys

REGISTRY = BUILT_IN
GOOD = """\
[experiment]
name = "good"

[dataset.box]
use = "orthogonal"
dimension = 4
points = 3

[schedule.ve]
use = "variance-exploding"
final_time = 0.01
levels = 4

[denoiser.theory]
use = "closed-form"
dataset = "box"
schedule = "ve"

[integrator.ddim]
use = "ddim"

[flow.pf]
use = "probability"
denoiser = "theory"
integrator = "ddim"

[classifier.ends]
use = "stable-points"
flow = ["pf"]
"""


def problems(tmp_path, text, *overrides):
    path = tmp_path / "x.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ExperimentError) as caught:
        load_graph(path, overrides, REGISTRY)
    return [str(each).removeprefix(str(tmp_path) + "/") for each in caught.value.problems]


def good(tmp_path, text=GOOD, *overrides):
    path = tmp_path / "x.toml"
    path.write_text(text)
    return load_graph(path, overrides, REGISTRY)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("points = 3", "points = 2.7", "x.toml:7:10: points must be an integer, found 2.7"),
        (
            'flow = ["pf"]',
            "flow = []",
            "x.toml:29:8: flow must be a list of at least one item, found an empty list",
        ),
        ("points = 3", "points = true", "x.toml:7:10: points must be an integer, found true"),
        ("points = 3", "points = 9", "x.toml:7:1: points: 8 orthogonal directions don't fit in 4 dimensions"),
        (
            "points = 3",
            "points = 3\nnorm = nan",
            "x.toml:8:8: norm must be a number or a list, each item a number",
        ),
        ("points = 3", 'points = 3\nframe = "rnd"', "x.toml:8:9: frame must be one of 'random', 'standard'"),
        ("final_time = 0.01", "final_time = inf", "x.toml:11:14: final_time must be a number, found inf"),
        ('"good"', '"../x"', "x.toml:2:8: name must be 1 to 100 letters"),
        ('"good"', '"good"\nseed = -1', "x.toml:3:8: seed must be >= 0, found -1"),
        (
            "[dataset.box]",
            "[datasets.box]",
            "x.toml:4:1: 'datasets' is no kind of component (did you mean 'dataset'?)",
        ),
        (
            'use = "ddim"',
            "",
            'x.toml:19:1: [integrator.ddim] needs use = "...", one of: ddim, euler-t, exact, heun',
        ),
        (
            'flow = ["pf"]',
            'flow = ["pf", "fp"]',
            "x.toml:29:15: flow = 'fp' names no [flow.fp] (did you mean 'pf'?)",
        ),
        ("dimension = 4", "dimension = 4\ndimension = 5", "x.toml:7:"),
        (
            'denoiser = "theory"',
            'denoiser = "box"',
            "x.toml:24:12: denoiser = 'box' names no [denoiser.box]; there are: theory",
        ),
        (
            "[experiment]",
            "[experimant]",
            "x.toml:1:1: 'experimant' is no kind of component (did you mean 'experiment'?)",
        ),
        ("[dataset.box]", "[dataset]", "x.toml:4:1: [dataset] needs a name: [dataset.NAME]"),
        ("[dataset.box]", "[dataset.box.x]", 'x.toml:4:1: [dataset.box] needs use = "..."'),
        ("[experiment]", "seed = 1\n[experiment]", "x.toml:1:1: 'seed' stands outside of any table"),
        ('"ddim"\n', "ddim\n", "x.toml:20:7: not valid TOML: expected a string in quotes, a number"),
        (
            "[dataset.box]",
            "[schedule.ve]\n[dataset.box]",
            "x.toml:10:13: not valid TOML: [schedule.ve] is declared twice",
        ),
        (
            '"good"',
            '"good"\n[sweep]\n"dataset.box.points" = [2]',
            "x.toml:3:1: [sweep] needs a name: [sweep.NAME]",
        ),
        (
            '"good"',
            '"good"\n[sweep.a]\n"dataset.bix.points" = [2]',
            "x.toml:4:1: 'dataset.bix.points' names no parameter: there is no [dataset.bix] (did you mean",
        ),
        (
            '"good"',
            '"good"\n[sweep.a]\n"dataset.box.points" = 2',
            "x.toml:4:24: expected a list of values, found 2",
        ),
        (
            '"good"',
            '"good"\n[sweep.a]\n"dataset.box.points" = []',
            "x.toml:4:24: expected a list of values, found an empty one",
        ),
    ],
)
def test_one_mistake(tmp_path, old, new, message):
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    assert any(each.startswith(message) for each in found), found


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    assert good(tmp_path, "\ufeff" + GOOD).name == "good"
    (found,) = problems(tmp_path, "\ufeff" + GOOD.replace("points = 3", "points = 2.7"))
    assert found.startswith("x.toml:7:10: ")


def test_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ExperimentError, match=":1:1: "):
            read_document(path)


def test_no_exact_flow_of_a_denoiser_that_is_not_piecewise_affine(tmp_path):
    text = GOOD.replace('[integrator.ddim]\nuse = "ddim"', '[integrator.ddim]\nuse = "exact"').replace(
        'use = "closed-form"', 'use = "empirical-mmse"'
    )
    (found,) = problems(tmp_path, text)
    assert found.startswith("x.toml:25:1: integrator: the denoiser 'theory' is not piecewise affine")


def test_overrides_replace_values_and_are_blamed_by_name(tmp_path):
    graph = good(tmp_path, GOOD, "dataset.box.points=4", "flow.pf.samples=7", "experiment.seed=3")
    assert graph.seed == 3
    assert graph.resolved["dataset"]["box"]["points"] == 4
    found = problems(tmp_path, GOOD, "dataset.box.points=x", "dataset.bix.points=3")
    assert found == ["--set dataset.bix.points: there is no [dataset.bix] (did you mean 'box'?)"]
    found = problems(tmp_path, GOOD, "dataset.box.points=x")
    assert found == ["--set dataset.box.points: points must be an integer, found the string 'x'"]


SWEEP = '\n[sweep.a]\n"dataset.box.points" = [2, 3]\n"schedule.ve.levels" = [4, 5]\n'


def test_a_grid_multiplies_and_untouched_nodes_exist_once(tmp_path):
    labels = [node.id for node in good(tmp_path, GOOD + SWEEP).nodes]
    assert sum(each.startswith("flow.pf") for each in labels) == 4
    assert labels.count("integrator.ddim") == 1
    assert "dataset.box[points=2,levels=4]" in labels


def test_separate_axes_touch_only_what_depends_on_them(tmp_path):
    text = GOOD + '\n[sweep.a]\n"dataset.box.points" = [2, 3]\n[sweep.b]\n"flow.pf.samples" = [4, 5, 6]\n'
    labels = [node.id for node in good(tmp_path, text).nodes]
    assert sum(each.startswith("dataset.box") for each in labels) == 2
    assert sum(each.startswith("flow.pf") for each in labels) == 6
    assert labels.count("schedule.ve") == 1


def test_zip_pairs_values_and_checks_their_number(tmp_path):
    paired = GOOD + SWEEP.replace("[sweep.a]", '[sweep.a]\nuse = "zip"')
    assert sum(node.id.startswith("flow.pf") for node in good(tmp_path, paired).nodes) == 2
    (found,) = problems(tmp_path, paired.replace("[4, 5]", "[4, 5, 6]"))
    assert "zipped lists differ in length" in found


def test_swept_values_are_checked_and_sweeps_bounded(tmp_path):
    found = problems(tmp_path, GOOD + SWEEP.replace("[2, 3]", '[2, "3"]'))
    assert found == ["x.toml:32:24: points must be an integer, found the string '3'"]
    long = ", ".join(map(str, range(2, 1502)))
    found = problems(tmp_path, GOOD + SWEEP.replace("[2, 3]", f"[{long}]").replace("[4, 5]", f"[{long}]"))
    assert found[-1].endswith("2250000 combinations; at most 100000")


def test_a_circle_of_references_is_named(tmp_path, monkeypatch):
    import attrs

    from flowlab.api import reference
    from flowlab.registry.entry_points import Entry

    @attrs.frozen
    class Loop:
        """Refers to a flow."""

        flow: str = reference("flow", help="any")

    monkeypatch.setattr(Entry, "load", lambda self: Loop)
    registry = Registry((Entry("flow", "loop", "m:Loop", "d", "1"),))
    path = tmp_path / "x.toml"
    path.write_text('[experiment]\nname="x"\n[flow.a]\nuse="loop"\nflow="b"\n[flow.b]\nuse="loop"\nflow="a"\n')
    with pytest.raises(ExperimentError, match="a circle of references: flow"):
        load_graph(path, (), registry)


keys = st.text("abcdefgh_", min_size=1, max_size=6)
values = st.sampled_from(
    ["1", '"a = b"', "[1,\n 2,\n]", "'#'", "{ x = 1 }", '"""\nk = 1\n[no]\n"""', "[ ['a'], # ]\n ]", "1979-05-27"]
)


@given(st.lists(st.tuples(keys, st.dictionaries(keys, values, max_size=4)), max_size=5, unique_by=lambda t: t[0]))
def test_the_locator_finds_every_key_where_it_was_written(tables):
    lines, expected = [], {}
    for name, table in tables:
        lines.append(f"[k.{name}]  # {name}")
        expected["k", name] = (len(lines), 1)
        for key, value in table.items():
            expected["k", name, key] = (len(lines) + 1, 3)
            lines += f"  {key} = {value}".split("\n")
            lines.append("# = [")
    text = "\n".join(lines)
    tomli.loads(text)
    marks = locate_keys(text)
    assert {path: (marks[path].line, marks[path].column) for path in expected} == expected


def test_every_shipped_experiment_passes_its_check():
    files = sorted(Path(__file__).parents[2].glob("experiments/*.toml"))
    assert len(files) >= 4
    for file in files:
        load_graph(file, (), REGISTRY)
