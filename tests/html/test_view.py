"""Which flows a page's view holds, and how many numbers."""

from __future__ import annotations

import json

import pytest
import torch
from attrs import evolve
from flows_in_a_plane import SIGMA, flows, made, outcome_of_flows, random_network
from report_nodes import done, failed, graph_of, outcome_of

from flowlab.api import Classes, DenoiserBank
from flowlab.engine.missing_value import MissingValue
from flowlab.html import explorer as module
from flowlab.html.explorer import build_explorer

SIZE = 1.5  # of the points in `made`, whose scale is 1


def shown(outcome):
    return build_explorer(graph_of(outcome), outcome)


def test_every_flow_is_there_with_levels_of_its_bank():
    found = shown(outcome_of_flows(made(4)))
    assert not found.left_out
    assert [flow["label"] for flow in found.data["flows"]] == list(made(4))
    assert {flow["threshold"] for flow in found.data["flows"]} == {0.1 / SIZE}
    for bank in found.data["banks"]:
        sigma = [level["sigma"] for level in bank["levels"]]
        assert len(sigma) == 12
        assert (sigma[0], sigma[-1]) == pytest.approx((SIGMA[0].item(), SIGMA[-1].item()))
    json.dumps(found.data, allow_nan=False)


def test_no_flow_no_view():
    assert shown(outcome_of(done("denoiser", "alone"))) is None


def test_a_bank_too_large_has_fewer_levels_or_none(monkeypatch):
    outcome = outcome_of_flows({name: flow for name, flow in made(4).items() if "network" in name})
    size = len(shown(outcome).data["banks"][0]["levels"][0]["data"])
    monkeypatch.setattr(module, "BUDGET", 5 * size)
    assert len(shown(outcome).data["banks"][0]["levels"]) == 5
    monkeypatch.setattr(module, "BUDGET", size)
    found = shown(outcome)
    assert found.data["flows"] == []
    assert set(found.left_out.values()) == {"its networks are too large for a page"}


class Foreign:
    """A denoiser of somebody else's."""

    def __call__(self, y):
        return 0 * y

    def at(self, level):
        return self


def test_what_cannot_be_evaluated_is_left_out_with_its_reason():
    flow = made(2)["slabs-score-2"]
    foreign = evolve(flow, bank=evolve(flow.bank, network=Foreign()))
    unsolved = evolve(flow, bank=evolve(flow.bank, usable=torch.zeros(len(SIGMA), dtype=torch.bool)))
    third = evolve(flow, name="third")
    flows = {"foreign": foreign, "unsolved": unsolved, "third": third, "slabs": flow}
    reasons = shown(outcome_of_flows(flows)).left_out
    assert "kind" in reasons["foreign"]
    assert "no solution" in reasons["unsolved"]
    assert "follow" in reasons["third"]
    assert len(reasons) == 3


def test_levels_without_a_solution_are_left_out():
    flow = made(2)["network-score-2"]
    network = random_network(2)
    network.outer[0] = torch.nan
    bank = DenoiserBank(SIGMA, network, flow.bank.training, SIGMA[0] > SIGMA)
    found = shown(outcome_of_flows({"score": evolve(flows(flow.bank)["score"], bank=bank, level=1)}))
    assert found.data["banks"][0]["levels"][0]["sigma"] == pytest.approx(SIGMA[1].item())
    assert found.data["flows"][0]["level"] == 0


def test_flows_of_equal_values_share_their_bank_and_geometry():
    twice = {name: evolve(flow, bank=made(2)[name].bank) for name, flow in made(2).items()}
    assert len({id(flow.bank) for flow in twice.values()}) == 6
    data = shown(outcome_of_flows(twice)).data
    assert data == shown(outcome_of_flows(made(2))).data
    assert (len(data["banks"]), len(data["geometries"])) == (3, 1)


def test_more_flows_than_a_page_shows():
    flow = made(2)["slabs-probability-2"]
    taken = []

    def kept(kind, name, variant):
        """A record whose value another process made."""
        record = done(kind, name, variant, value=MissingValue("Trajectories"))
        label = f"{name}: x {variant['a.b.x']}" if variant else name
        return evolve(record, again=lambda: taken.append(label) or flow)

    records = [kept("flow", "many", {"a.b.x": x}) for x in range(20)] + [
        kept("flow", "few", {}),
        failed("flow", "no"),
    ]
    found = shown(outcome_of(*records))
    labels = [flow["label"] for flow in found.data["flows"]]
    assert labels == [f"many: x {x}" for x in range(11)] + ["few"]
    assert sorted(taken) == sorted(labels)  # each once, and none in vain
    assert found.reasons == {"a page shows 12 flows": [f"many: x {x}" for x in range(11, 20)]}


def test_a_flow_is_judged_by_its_own_classifier():
    flows = made(2)
    outcome = outcome_of_flows(flows)
    ends = outcome.records[-1]
    one, other = (record.node for record in outcome.records[:2])
    coarse = done("classifier", "coarse", value=Classes({}, {}, 0.3, "l2"))
    coarse = evolve(coarse, node=evolve(coarse.node, inputs={"flow": (one,)}))
    ends = evolve(ends, node=evolve(ends.node, inputs={"flow": (one, other)}))
    found = shown(evolve(outcome, records=(*outcome.records[:3], coarse, ends))).data["flows"]
    assert [flow["metric"] for flow in found] == ["l2", "linf", "linf"]
    assert [flow["threshold"] for flow in found] == pytest.approx([0.3 / SIZE, 0.1 / SIZE, 0.2 / SIZE])
