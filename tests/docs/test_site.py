"""The guide's pages: every component has one, every link leads somewhere, nothing is fetched."""

from __future__ import annotations

import inspect
import json
import posixpath
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urldefrag

import attrs
import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from flowlab import api
from flowlab.docs.api_reference import api_groups
from flowlab.docs.contents import SECTIONS
from flowlab.docs.site import build_site
from flowlab.registry.distributions import Distribution
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "flowlab/docs/pages"
HOSTILE = "<script>document.title = 'taken'</script>"


class Reader(HTMLParser):
    """The links, anchors and sources of a page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.sources: list[str] = []
        self.tags: set[str] = set()
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attributes:
            if name == "href":
                self.links.append(value or "")
            elif name == "id":
                self.anchors.append(value or "")
            elif name in ("src", "srcset", "data"):
                self.sources.append(value or "")


def pages_of(files: Mapping[str, bytes]) -> dict[str, Reader]:
    return {name: Reader(page) for name, page in files.items() if name.endswith(".html")}


def lost(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """The links that lead nowhere."""
    pages = pages_of(files)
    for name, page in pages.items():
        for link in page.links:
            if "://" in link or link.startswith("data:"):
                continue
            path, anchor = urldefrag(link)
            end = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path))) if path else name
            if end not in files or (anchor and unquote(anchor) not in pages[end].anchors):
                yield name, link


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return build_site(Registry.installed())


def test_every_link_leads_somewhere(files: Mapping[str, bytes]) -> None:
    assert list(lost(files)) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    page = b'<a href="b.html#x"></a> <a href="c.html"></a> <a href="#y"></a> <a href="b.html#z"></a>'
    assert [link for _, link in lost({"a.html": page, "b.html": b'<p id="x">'})] == ["c.html", "#y", "b.html#z"]


def test_nothing_is_fetched_and_no_anchor_is_there_twice(files: Mapping[str, bytes]) -> None:
    for name, page in pages_of(files).items():
        up = "../" * name.count("/")
        scripts = [f"{up}search-index.js", f"{up}search.js"]
        assert [source for source in page.sources if not source.startswith("data:")] == scripts
        assert page.tags.isdisjoint({"iframe", "object"})
        assert len(page.anchors) == len(set(page.anchors))


def test_equal_installations_give_equal_pages(files: Mapping[str, bytes]) -> None:
    assert build_site(Registry.installed()) == files


def test_every_component_has_its_page(files: Mapping[str, bytes]) -> None:
    names = {f"components/{entry.kind}.{entry.name}.html" for entry in Registry.installed().entries}
    assert names <= files.keys()


def test_a_page_says_all_of_a_component(files: Mapping[str, bytes]) -> None:
    page = files["components/denoiser.closed-form.html"].decode()
    for part in (
        "maps the ball <math",
        "arXiv 2506.19031, Section 3 and Appendices B, C; arXiv 2311.06748.",
        "ball radius divided by the noise level, <math",
        "<mi>ρ</mi><mo>=</mo><mi>α</mi><mo>·</mo><mi>σ</mi>",
        "<code>3.0</code>",
        "&gt; 0",
        "flowlab/components/denoisers/closed_form.py:",
        "experiments/tour.toml",
        "[denoiser.",
        "required",
    ):
        assert part in page


@pytest.mark.parametrize("text", ["explanation/theory.html", "tutorial/tour.html"])
def test_texts_lead_to_components(files: Mapping[str, bytes], text: str) -> None:
    assert "../components/optimizer.max-margin.html" in Reader(files[text]).links


def test_every_page_is_reached_from_the_index(files: Mapping[str, bytes]) -> None:
    pages = pages_of(files)
    reached: set[str] = set()
    ahead = ["index.html"]
    while ahead:
        name = ahead.pop()
        if name in reached or name not in pages:
            continue
        reached.add(name)
        for link in pages[name].links:
            ahead.append(posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(urldefrag(link)[0]))))
    assert reached == pages.keys()


def test_every_text_is_in_the_contents() -> None:
    written = {path.relative_to(PAGES).with_suffix("").as_posix() for path in PAGES.rglob("*.md")}
    assert written == {f"{section.folder}/{name}" for section in SECTIONS for name in section.texts}


def test_the_contents_stand_on_every_page_and_mark_it(files: Mapping[str, bytes]) -> None:
    contents = [f"{section.folder}/{name}.html" for section in SECTIONS for name in section.texts]
    for name in contents:
        assert files[name].decode().count('aria-current="page"') == 1
        up = "../"
        assert {f"{up}{path}" for path in contents} <= set(Reader(files[name]).links)


def test_pages_lead_to_their_neighbours_in_the_order_of_the_contents(files: Mapping[str, bytes]) -> None:
    order = [
        path
        for section in SECTIONS
        for path in (*(f"{section.folder}/{name}.html" for name in section.texts), *dict(section.generated))
    ]
    for before, after in pairwise(order):
        assert f'<a rel="next" href="../{after}">' in files[before].decode()
        assert f'<a rel="prev" href="../{before}">' in files[after].decode()


def test_every_name_of_the_api_has_signature_docstring_and_source(files: Mapping[str, bytes]) -> None:
    names = {one.name: one for group in api_groups() for one in group.names}
    assert list(names) != []
    assert names.keys() == set(api.__all__)
    page = Reader(files["reference/api.html"])
    for name, one in names.items():
        assert name in page.anchors
        assert f"../source/{one.source}.html#L{one.line}" in page.links
        assert name in (ROOT / one.source).read_text().splitlines()[one.line - 1]
        assert one.signature
        assert " at 0x" not in one.signature
        if inspect.isclass(getattr(api, name)) or inspect.isfunction(getattr(api, name)):
            assert one.doc


def test_the_api_page_has_methods_and_defaults(files: Mapping[str, bytes]) -> None:
    page = files["reference/api.html"].decode()
    for part in (
        "sigma(dtype: torch.dtype) -&gt; Tensor",
        "training_set(geometry: Geometry, samples: int, context: Context, draw: int = 0",
        "CLASSES = (&#34;training&#34;, &#34;virtual&#34;",
        "progress: Progress = no_progress",
    ):
        assert part in page


def test_the_index_of_the_search_has_every_word(files: Mapping[str, bytes]) -> None:
    script = files["search-index.js"].decode()
    index = json.loads(script.removeprefix("window.searchIndex = ").removesuffix(";\n"))
    words: dict[str, set[str]] = {name: set() for name in pages_of(files)}
    for page, _, title, heading, text in index:
        words[page] |= set(re.findall(r"\w+", f"{title} {heading} {text}"))
    for source in PAGES.rglob("*.md"):
        tokens = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin).parse(source.read_text())
        inner = [child for token in tokens for child in (token, *(token.children or ()))]
        said = " ".join(one.content for one in inner if one.type in ("text", "code_inline", "fence"))
        missing = set(re.findall(r"\w+", said)) - words[source.relative_to(PAGES).with_suffix(".html").as_posix()]
        assert missing == set()
    assert not any(name.startswith("source/") for name in {page for page, *_ in index})


def test_a_plugin_has_its_pages_unasked_and_a_broken_one_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_plugin.py").write_text(
        f'''from attrs import frozen
from flowlab.api import parameter


@frozen
class Star:
    """Points {HOSTILE} of a star."""

    tips: int = parameter(help="how many {HOSTILE}", ge=2)
'''
    )
    (tmp_path / "broken_plugin.py").write_text(
        '"""Broken."""\nimport nowhere_at_all\n\n\nclass Far:\n    """Points far away."""\n'
    )
    (tmp_path / "star.toml").write_text('[experiment]\nname = "s"\n[dataset.mine]\nuse = "star"\ntips = 7\n')
    (tmp_path / "no.toml").write_text("[experiment\n")
    monkeypatch.syspath_prepend(tmp_path)
    root = str(tmp_path)
    star = Entry("dataset", "star", "a_plugin:Star", "flowlab-star", "1", root=root, editable=True)
    far = attrs.evolve(star, name="far", target="broken_plugin:Far")
    files = build_site(Registry((star, far), distributions=(Distribution("flowlab-star", "1", root, True),)))
    page = files["components/dataset.star.html"].decode()
    assert "flowlab-star" in page
    assert "tips = 7" in page
    assert "star.toml" in page
    assert "a_plugin.py:6" in page
    broken = files["components/dataset.far.html"].decode()
    assert "nowhere_at_all" in broken
    assert "Points far away." in broken
    assert "can't be used" in files["reference/components.html"].decode()
    assert all(page.decode().count("<script") == 2 for name, page in files.items() if name.endswith(".html"))
    assert "<" not in files["search-index.js"].decode()
    # what no experiment uses is shown with the keys that it needs
    alone = build_site(Registry((star,)))["components/dataset.star.html"].decode()
    assert "# tips = ..." in alone


@pytest.mark.slow
def test_the_command_writes_the_pages_and_says_where(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flowlab", "docs", "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout == "out/index.html\n"
    assert (tmp_path / "out/components/flow.score.html").exists()
    blocked = tmp_path / "file"
    blocked.write_text("")
    refused = subprocess.run([*command[:-1], "file"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode == 4
    assert "Traceback" not in refused.stderr
