"""The view of the flows: the page computes what the run did, and its picture follows the controls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from contrast import CONTRAST
from flows_in_a_plane import SIGMA, made, write_flows

from flowlab.theory.geometry.classes import classify
from flowlab.theory.geometry.frame import training_frame

PICTURE = "canvas[data-state=done]"
EVALUATE = """
([flow, level, points]) => {
  const view = JSON.parse(document.getElementById("view-data").textContent);
  const one = view.flows.find(({ label }) => label === flow);
  const packed = view.banks[one.bank];
  const bank = bankOf(packed, view.geometries[packed.geometry]);
  const all = points.map((y) => Float64Array.from(y));
  return [
    all.map((y) => [...bank.h[level](y)]), all.map((y) => classOf(y, bank, one)),
    all.map((y) => [...follow(one, bank, level, y).at(-1)]), bank.sigma,
  ];
}
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_flows(tmp_path_factory.mktemp("flows"))


def picture(page: Any) -> str:
    """The finished canvas."""
    page.locator(PICTURE).wait_for()
    return page.evaluate("() => document.querySelector('canvas').toDataURL()")


@pytest.mark.parametrize("dimension", [2, 4])
def test_the_page_evaluates_what_the_run_did(open_page: Any, dimension: int) -> None:
    page = open_page()
    generator = torch.Generator().manual_seed(2)
    y = 0.5 + torch.randn(50, dimension, generator=generator, dtype=torch.float64)
    for name, flow in made(dimension).items():
        frame = training_frame(flow.bank.training.geometry)  # the page's coordinates
        for level in (0, 5, 11):
            found = page.evaluate(EVALUATE, [name, level, frame.inside(y).tolist()])
            denoised, ends = (frame.outside(torch.tensor(found[k], dtype=torch.float64)) for k in (0, 2))
            classes, sigma = found[1], found[3]
            place = int((SIGMA - sigma[level]).abs().argmin())
            assert sigma[level] == pytest.approx(SIGMA[place].item())
            # the page's numbers are float32, 6e-8 of their size off; a sum of 20 neurons, or a softmax between
            # two points, which multiplies the error of a squared distance by 1 / (2 sigma^2), at most 3e4, makes
            # more of it
            torch.testing.assert_close(denoised, flow.bank.denoise(y, place), atol=1e-4, rtol=0)
            geometry = flow.bank.training.geometry
            assert classes == classify(y, geometry, 0.1, "linf").labels.tolist()
            if name.startswith("slabs-probability"):
                # DDIM is exact on balls, whichever levels it steps through: the end is h of the first
                torch.testing.assert_close(ends, flow.bank.denoise(y, place), atol=1e-4, rtol=0)


def test_score_flow_ends_where_the_run_ended(open_page: Any) -> None:
    flow = made(4)["slabs-score-4"]
    frame = training_frame(flow.bank.training.geometry)
    found = open_page().evaluate(EVALUATE, ["slabs-score-4", 0, frame.inside(flow.starts).tolist()])[2]
    ends = frame.outside(torch.tensor(found, dtype=torch.float64))
    # the page stops where |h(y) - y| < 1e-5 of the points' size, the run at r = 50
    torch.testing.assert_close(ends, flow.ends, atol=1e-3, rtol=0)


def test_the_picture_follows_the_level_by_key(open_page: Any) -> None:
    page = open_page()
    before = picture(page)
    page.locator("[name=level]").press("ArrowRight")
    assert page.locator("output").inner_text() == "σ = 0.112"
    assert picture(page) != before
    page.locator("[name=level]").press("Home")
    assert picture(page) == before


def test_the_picture_follows_the_plane(open_page: Any) -> None:
    page = open_page()
    assert not page.locator(".plane").is_visible()  # of two dimensions there is one
    page.locator("[name=flow]").select_option(label="slabs-score-4")
    before = picture(page)
    page.locator("[name=second]").select_option("3")
    assert picture(page) != before
    page.locator("[name=first]").select_option("3")
    assert page.locator("[name=second]").input_value() == "0"  # taken: they change places


@pytest.mark.parametrize("part", ["field", "trajectories", "basins"])
def test_parts_of_the_picture_come_and_go(open_page: Any, part: str) -> None:
    page = open_page()
    before = picture(page)
    page.locator(f"[name={part}]").press("Space")
    without = picture(page)
    assert without != before
    page.locator(f"[name={part}]").press("Space")
    assert picture(page) == before


def test_shares_are_told_in_words(open_page: Any) -> None:
    page = open_page()
    picture(page)
    shares = [float(text.removesuffix(" %")) for text in page.locator(".shares td").all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.3)  # five numbers rounded to 0.05
    assert shares[0] > 10


@pytest.mark.parametrize("width", [390, 320])
def test_it_fits_a_phone(open_page: Any, width: int) -> None:
    page = open_page(width)
    picture(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    assert page.locator("canvas").bounding_box()["width"] > 0.85 * width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out(open_page: Any, scheme: str) -> None:
    ratio, text = open_page(scheme=scheme).evaluate(CONTRAST)
    assert ratio >= 4.5, text
