"""Denoisers and geometries as the numbers that view.js evaluates them from.

All of a bank is packed in its training frame: float32 keeps 1e-7 of the points' size in it, wherever they lie.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from flowlab.api import DenoiserBank

if TYPE_CHECKING:
    from torch import Tensor

    from flowlab.theory.geometry.geometry import Geometry

_SUMS = 12  # edges; of more, the nearest sum is found by rounding, as in theory
# A neuron that moves h by less than this share of the data's size is left out: of 500 all of them together
# move it by less than float32 does.
_NEGLIGIBLE = 1e-9


def pack_level(bank: DenoiserBank, level: int) -> dict[str, Any] | None:
    """One denoiser; None of a kind that view.js doesn't know."""
    import torch

    from flowlab.theory.geometry.frame import training_frame
    from flowlab.theory.networks.mmse import EmpiricalMmse
    from flowlab.theory.networks.relu_network import ReluNetwork, from_slabs
    from flowlab.theory.networks.slabs import Slabs

    network = bank.network.at(level)
    sigma = float(bank.sigma[level])
    frame = training_frame(bank.training.geometry)
    noise = sigma / frame.scale
    if isinstance(network, EmpiricalMmse):
        points = frame.inside(network.points)
        weights = points.new_zeros(len(points)) if network.counts is None else network.counts.to(points).log()
        data = pack_numbers(torch.cat([points.flatten(), weights]))
        return {"kind": "mmse", "sigma": sigma, "noise": noise, "width": len(points), "data": data}
    if isinstance(network, Slabs):
        network = from_slabs(network)
    if not isinstance(network, ReluNetwork):
        return None
    network = frame.network_inside(network.to(torch.float64))
    outer, inner, biases = network.outer[0], network.inner[0], network.biases[0]
    size = 1 + 10 * noise
    moves = outer.norm(dim=-1) * (inner.norm(dim=-1) * size + biases).relu()
    kept = moves > _NEGLIGIBLE * size
    parts = [inner[kept], biases[kept], outer[kept], network.offset[0]]
    skip = bool(network.skip.any())
    if skip:
        parts.append(network.skip[0])
    data = pack_numbers(torch.cat([part.flatten() for part in parts]))
    return {"kind": "relu", "sigma": sigma, "width": int(kept.sum()), "skip": skip, "data": data}


def pack_geometry(geometry: Geometry) -> dict[str, Any]:
    """What the class of an endpoint is decided by."""
    import torch

    from flowlab.theory.geometry.frame import training_frame
    from flowlab.theory.geometry.subset_sums import subset_masks

    geometry = training_frame(geometry).geometry_inside(geometry)
    edges, rays = geometry.edges, geometry.rays
    sums = inverse = cell = None
    if len(edges) <= _SUMS:
        subsets = subset_masks(len(edges), rays)
        order = subsets.sum(-1)
        allowed = subsets[(order >= 2) & (order <= len(geometry.points) - 1)]
        sums = pack_numbers(geometry.anchor + allowed.to(edges) @ edges)
    else:
        inverse = pack_numbers(torch.linalg.pinv(edges))
    if geometry.cell is not None:
        names = ("normals", "heights", "center", "basis")
        cell = {name: pack_numbers(getattr(geometry.cell, name)) for name in names}
    return {
        "dimension": geometry.points.shape[-1],
        "points": pack_numbers(geometry.points),
        "anchor": pack_numbers(geometry.anchor),
        "edges": pack_numbers(edges),
        "rays": None if rays is None else rays.tolist(),
        "sums": sums,
        "inverse": inverse,
        "cell": cell,
    }


def pack_numbers(numbers: Tensor) -> str:
    """Numbers as base64 of little-endian float32: half the size of float64, and more than pixels can show."""
    return base64.b64encode(numbers.detach().cpu().numpy().astype("<f4").tobytes()).decode()
