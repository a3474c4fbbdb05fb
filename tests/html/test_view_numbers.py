"""The numbers of a page, evaluated by its own script without a page: the same in any units and at any place."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from flows_in_a_plane import made, outcome_of_flows
from report_nodes import graph_of

import flowlab.html
from flowlab.html.explorer import build_explorer
from flowlab.theory.geometry.classes import classify
from flowlab.theory.geometry.frame import Frame, training_frame

NODE = shutil.which("node")
SCRIPT = (Path(flowlab.html.__file__).parent / "templates" / "view.js").read_text()
ASKED = """
const { view, asked } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answers = asked.map(([label, level, points]) => {
  const flow = view.flows.find((one) => one.label === label);
  const bank = bankOf(view.banks[flow.bank], view.geometries[view.banks[flow.bank].geometry]);
  const all = points.map((y) => Float64Array.from(y));
  return [all.map((y) => [...bank.h[level](y)]), all.map((y) => classOf(y, bank, flow)), bank.sigma[level],
          virtualPoints(bank, planeOf(bank, [0, 1, 2])).length, [...unpacked(flow.paths)]];
});
console.log(JSON.stringify(answers));
"""

pytestmark = pytest.mark.skipif(NODE is None, reason="needs node")


def answers(data: Any, asked: list[Any]) -> Any:
    given = json.dumps({"view": data, "asked": asked})
    told = subprocess.run([str(NODE), "-e", SCRIPT + ASKED], input=given, capture_output=True, text=True)
    assert not told.returncode, told.stderr
    return json.loads(told.stdout)


@pytest.mark.parametrize(("size", "shift"), [(1.0, 0.0), (1e-12, 0.0), (1e12, 0.0), (1e-6, 1e6), (1.0, 1e6)])
def test_the_page_evaluates_what_the_run_did(size: float, shift: float) -> None:
    place = Frame(size * shift * torch.tensor([1.0, -0.5], dtype=torch.float64), size)
    flows = made(2, place)
    outcome = outcome_of_flows(flows)
    data = build_explorer(graph_of(outcome), outcome).data  # type: ignore[union-attr]
    generator = torch.Generator().manual_seed(2)
    y = place.outside(0.5 + torch.randn(40, 2, generator=generator, dtype=torch.float64))
    frame = training_frame(flows["slabs-score-2"].bank.training.geometry)
    asked = [[name, level, frame.inside(y).tolist()] for name in flows for level in (0, 5, 11)]
    for (name, _, _), (denoised, classes, sigma, virtual, paths) in zip(asked, answers(data, asked), strict=True):
        flow = flows[name]
        level = int((flow.bank.sigma - sigma).abs().argmin())
        expected = frame.inside(flow.bank.denoise(y, level))
        # float32, and what a sum of 20 neurons or a softmax of 1 / (2 sigma^2) = 3e4 makes of its rounding
        torch.testing.assert_close(torch.tensor(denoised).to(y), expected, atol=1e-4, rtol=0)
        assert classes == classify(y, flow.bank.training.geometry, 0.1, "linf").labels.tolist()
        assert virtual == 1
        starts = frame.outside(torch.tensor(paths[:20], dtype=torch.float64).reshape(-1, 2))
        torch.testing.assert_close(starts, flow.starts[:10], atol=1e-6 * size, rtol=0)
