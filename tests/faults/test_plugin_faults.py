"""Plugins that are broken, disabled, of another API, or of one name: each breaks itself alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from site_packages import STAR, SitePackages

POINTS = "[flowlab.dataset]\n{name} = {target}\n"
PICTURE = '''
from flowlab.api import reference


@frozen
class Picture:
    """A picture of nothing."""

    dataset: str = reference("dataset", help="what it doesn't show")

    def build(self, context, *, dataset):
        from matplotlib.figure import Figure

        return Result(Figure())
'''
DOC = '"""A plugin."""\n'
BROKEN = {
    "missing-dependency": (
        DOC + "import no_such_package\n" + STAR,
        "ModuleNotFoundError: No module named 'no_such",
    ),
    "exits": (DOC + "raise SystemExit(0)\n" + STAR, "SystemExit: 0"),
    "base-exception": (DOC + "class Odd(BaseException): pass\nraise Odd('odd')\n" + STAR, "Odd: odd"),
    "syntax-error": (DOC + "def (:\n" + STAR, "SyntaxError"),
    "no-such-class": (DOC, "AttributeError"),
    "no-attrs-class": (DOC + "class Star:\n    pass\n", "is no attrs class"),
    "no-class": (DOC + "Star = 3\n", "is no attrs class"),
    "not-utf-8": (b'"""Caf\xe9."""\n' + STAR.encode(), "SyntaxError"),
    "null-bytes": (b"\0" + STAR.encode(), "null bytes"),
}


def experiment(folder: Path, use: str, name: str = "x") -> Path:
    file = folder / f"{name}.toml"
    file.write_text(f'[experiment]\nname = "{name}"\n\n[dataset.d]\nuse = "{use}"\n')
    return file


@pytest.fixture
def broken(site: SitePackages) -> SitePackages:
    """Every kind of broken plugin at once, and a sound one among them."""
    for name, (source, _) in BROKEN.items():
        module = name.replace("-", "_")
        points = POINTS.format(name=name, target=f"{module}:Star")
        site.add(f"{name}-plugin", points, {f"{module}.py": source})
    site.add("no-module-plugin", POINTS.format(name="no-module", target="no_such_module:Star"))
    site.add("no-target-plugin", POINTS.format(name="no-target", target="not a target"))
    points = (
        POINTS.format(name="sound", target="sound_star:Star") + "[flowlab.figure]\npicture = sound_star:Picture\n"
    )
    site.add("sound", points, {"sound_star.py": STAR + PICTURE})
    site.add("bad-bytes", b"[flowlab.dataset]\nx = caf\xe9:Star\n")
    site.add("bad-line", "[flowlab.dataset]\nno equals sign\n")
    site.add("no-name", POINTS.format(name="nameless", target="sound_star:Star"), metadata="")
    site.add("no-header", POINTS.format(name="nameless", target="sound_star:Star"), metadata="just text\n")
    return site


@pytest.mark.slow
def test_row_21_broken_plugins_break_nobody_else(broken: SitePackages, tmp_path: Path) -> None:
    listed = broken.flowlab("list-components", "--json")
    assert (listed.returncode, listed.stderr) == (0, "")
    names = {row["name"] for row in json.loads(listed.stdout)}
    assert {*BROKEN, "no-module", "no-target", "sound", "line"} <= names
    assert "nameless" not in names
    shown = broken.flowlab("list-components").stdout
    assert "bad-bytes 1.0" in shown
    assert "its entry_points.txt can't be read (UnicodeDecodeError" in shown
    assert "bad-line 1.0" in shown
    file = experiment(tmp_path, "sound", "sound")
    file.write_text(file.read_text() + '[figure.f]\nuse = "picture"\ndataset = "d"\n')
    done = broken.flowlab("run", file, "--quiet", "--device", "cpu")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "runs/sound/figures/f.png").exists()


def test_row_21_a_broken_plugin_that_is_used_is_named_with_its_place(broken: SitePackages, tmp_path: Path) -> None:
    file = tmp_path / "all.toml"
    tables = (f'[dataset.d{i}]\nuse = "{name}"\n' for i, name in enumerate(BROKEN))
    file.write_text('[experiment]\nname = "all"\n' + "".join(tables))
    done = broken.flowlab("check", file)
    assert (done.returncode, done.stdout) == (3, "")
    lines = done.stderr.splitlines()
    assert len(lines) == len(BROKEN)
    for number, (line, (name, (_, reason))) in enumerate(zip(lines, BROKEN.items(), strict=True)):
        assert line.startswith(f"{file}:{4 + 2 * number}:7: the dataset '{name}' of {name}-plugin 1.0")
        assert reason in line


@pytest.mark.parametrize("name", ["missing-dependency", "exits"])
def test_what_cannot_be_imported_is_described_from_its_source(broken: SitePackages, name: str) -> None:
    done = broken.flowlab("describe", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Points at the tips of a star." in done.stdout
    assert re.search(r"tips +an integer += 5 +>= 2 +number of points", done.stdout)
    assert f"can't be used: the dataset '{name}' of {name}-plugin 1.0" in done.stdout
    assert BROKEN[name][1] in done.stdout
    assert f"{name.replace('-', '_')}.py:" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("name", ["syntax-error", "no-such-class", "not-utf-8", "no-module", "no-target"])
def test_what_has_no_source_is_described_by_its_error(broken: SitePackages, name: str) -> None:
    done = broken.flowlab("describe", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"can't be used: the dataset '{name}' of {name}-plugin 1.0" in done.stdout


def test_annotations_that_do_not_resolve_are_described_as_written(site: SitePackages) -> None:
    source = "from __future__ import annotations\n" + STAR.replace("tips: int", "tips: Unknown")
    site.add("odd", POINTS.format(name="odd", target="odd_star:Star"), {"odd_star.py": source})
    done = site.flowlab("describe", "odd")
    assert done.returncode == 0
    assert re.search(r"tips +Unknown += 5 +>= 2", done.stdout)
    assert "name 'Unknown' is not defined" in done.stdout


def test_a_name_of_two_distributions(site: SitePackages, tmp_path: Path) -> None:
    site.add("one", POINTS.format(name="star", target="one_star:Star"), {"one_star.py": STAR})
    site.add("Two.Stars", POINTS.format(name="star", target="two_star:Star"), {"two_star.py": STAR})
    shown = site.flowlab("list-components", "--kind", "dataset").stdout
    assert "  one:star " in shown
    assert "  Two.Stars:star " in shown
    file = experiment(tmp_path, "star")
    done = site.flowlab("check", file)
    assert done.returncode == 2
    rule = "'star' is claimed by several distributions: write 'Two.Stars:star' or 'one:star'"
    assert done.stderr == f"{file}:5:7: {rule}\n"
    for use in ("one:star", "Two.Stars:star", "two-stars:star"):
        assert site.flowlab("check", experiment(tmp_path, use)).returncode == 0
    assert "Two.Stars 1.0, no API version" in site.flowlab("describe", "two-stars:star").stdout


@pytest.fixture
def versions(site: SitePackages) -> SitePackages:
    """Plugins written for this API, for the next, and for both."""
    for name, group in {
        "now": "[flowlab.api]\n2 = now\n",
        "next": "[flowlab.api]\n3 = next\n",
        "both": "[flowlab.api]\n1 = both\n2 = both\n",
        "words": "[flowlab.api]\nlatest = words\n",
    }.items():
        points = group + POINTS.format(name=name, target=f"{name}_star:Star")
        site.add(f"{name}-plugin", points, {f"{name}_star.py": STAR})
    return site


@pytest.mark.parametrize(("name", "said"), [("next", "API 3"), ("words", "API latest")])
def test_an_api_version_of_another_flowlab(versions: SitePackages, tmp_path: Path, name: str, said: str) -> None:
    reason = f"written for {said}, but this flowlab has API 2"
    rows = {row["name"]: row for row in json.loads(versions.flowlab("list-components", "--json").stdout)}
    assert rows[name]["unusable"] == reason
    assert [rows[other]["unusable"] for other in ("now", "both", "line")] == ["", "", ""]
    assert rows["both"]["api"] == ["1", "2"]
    shown = versions.flowlab("list-components").stdout
    assert f"unusable: {reason}" in next(line for line in shown.splitlines() if line.startswith(f"  {name} "))
    file = experiment(tmp_path, name)
    done = versions.flowlab("check", file)
    assert done.returncode == 3
    assert done.stderr == f"{file}:5:7: the dataset {name!r} of {name}-plugin 1.0 is {reason}\n"
    assert f"can't be used: the dataset {name!r} of {name}-plugin 1.0 is {reason}" in (
        versions.flowlab("describe", name).stdout
    )
    assert versions.flowlab("check", experiment(tmp_path, "both")).returncode == 0


def test_disabled_plugins(versions: SitePackages, tmp_path: Path) -> None:
    file = experiment(tmp_path, "now")
    for options, variables, code in (
        ((), {}, 0),
        ((), {"FLOWLAB_DISABLE_PLUGINS": "0"}, 0),
        ((), {"FLOWLAB_DISABLE_PLUGINS": "both-plugin, other"}, 0),
        ((), {"FLOWLAB_DISABLE_PLUGINS": "1"}, 2),
        ((), {"FLOWLAB_DISABLE_PLUGINS": "both-plugin,Now_Plugin"}, 2),
        (("--no-plugins",), {}, 2),
    ):
        done = versions.flowlab(*options, "check", file, **variables)
        assert done.returncode == code, (options, variables, done.stderr)
        if code:
            setting = variables.get("FLOWLAB_DISABLE_PLUGINS", "1")
            said = f"now-plugin has it, but is disabled (FLOWLAB_DISABLE_PLUGINS={setting})"
            assert done.stderr == f"{file}:5:7: no dataset is called 'now'; {said}\n"
    described = versions.flowlab("--no-plugins", "describe", "now")
    assert described.returncode == 2
    assert "is disabled" in described.stderr
    rows = json.loads(versions.flowlab("--no-plugins", "list-components", "--json").stdout)
    assert {row["distribution"] for row in rows} == {"flowlab"}
    assert (
        "now-plugin: disabled by FLOWLAB_DISABLE_PLUGINS"
        in versions.flowlab("--no-plugins", "list-components").stdout
    )
