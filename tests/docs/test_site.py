"""The guide's pages: every component has one, every link leads somewhere, nothing is fetched."""

from __future__ import annotations

import posixpath
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import attrs
import pytest

from flowlab.docs.site import build_site
from flowlab.registry.distributions import Distribution
from flowlab.registry.entry_points import Entry
from flowlab.registry.registry import Registry

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


def lost(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """The links that lead nowhere."""
    pages = {name: Reader(page) for name, page in files.items()}
    for name, page in pages.items():
        for link in page.links:
            if "://" in link or link.startswith("data:"):
                continue
            path, anchor = urldefrag(link)
            end = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path))) if path else name
            if end not in pages or (anchor and unquote(anchor) not in pages[end].anchors):
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
    for page in map(Reader, files.values()):
        assert all(source.startswith("data:") for source in page.sources)
        assert page.tags.isdisjoint({"script", "iframe", "object"})
        assert len(page.anchors) == len(set(page.anchors))


def test_equal_installations_give_equal_pages(files: Mapping[str, bytes]) -> None:
    assert build_site(Registry.installed()) == files


def test_every_component_has_its_page(files: Mapping[str, bytes]) -> None:
    names = {f"components/{entry.kind}.{entry.name}.html" for entry in Registry.installed().entries}
    assert names <= files.keys()


def test_a_page_says_all_of_a_component(files: Mapping[str, bytes]) -> None:
    page = files["components/denoiser.closed-form.html"].decode()
    for part in (
        "maps the ball B(x_n, rho) to x_n",
        "arXiv 2506.19031, Section 3 and Appendices B, C; arXiv 2311.06748.",
        "ball radius in noise levels, rho = alpha * sigma",
        "<code>3.0</code>",
        "&gt; 0",
        "flowlab/components/denoisers/closed_form.py:",
        "experiments/tour.toml",
        "[denoiser.",
        "required",
    ):
        assert part in page


@pytest.mark.parametrize("text", ["theory.html", "tour.html"])
def test_texts_lead_to_components(files: Mapping[str, bytes], text: str) -> None:
    assert "components/optimizer.max-margin.html" in Reader(files[text]).links


def test_the_language_is_the_readmes(files: Mapping[str, bytes]) -> None:
    assert b"An experiment is a TOML 1.0 file" in files["language.html"]


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
    assert "can&#39;t be used" in files["index.html"].decode() or "can't be used" in files["index.html"].decode()
    assert all("script" not in Reader(page).tags for page in files.values())
    # what no experiment uses is shown with the keys that it needs
    alone = build_site(Registry((star,)))["components/dataset.star.html"].decode()
    assert "# tips = ..." in alone


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
