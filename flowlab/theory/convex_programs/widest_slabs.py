"""The widest slabs between the clusters of a set and all others, each solved once."""

from __future__ import annotations

import numpy as np
import torch
from attrs import define, field
from torch import Tensor

from flowlab.theory.convex_programs.dichotomies import Array, Sides
from flowlab.theory.convex_programs.max_margin import separate


@define
class WidestSlabs:
    """The hard-margin slabs of samples (N, M, d), by the set of clusters on which they are 1; points have M = 1.

    The slab of a set that no hyperplane separates from the others is nan.
    """

    samples: Tensor
    solved: dict[bytes, tuple[Array, Sides]] = field(factory=dict)

    def of(self, above: Sides) -> tuple[Array, Sides]:
        """The slabs (w, b) (R, d + 1) of the sets above (R, N), and the clusters that they touch (R, N)."""
        new = np.array([row for row in above if row.tobytes() not in self.solved])
        if len(new):
            margins = separate(self.samples[None], torch.from_numpy(new))
            slabs = torch.cat([margins.weights[0], margins.biases[0, :, None]], dim=-1).numpy()
            for row, slab, touching in zip(new, slabs, margins.touching[0].numpy(), strict=True):
                self.solved[row.tobytes()] = slab, touching
        solutions = [self.solved[row.tobytes()] for row in above]
        return np.stack([slab for slab, _ in solutions]), np.stack([touching for _, touching in solutions])

    def gaps(self) -> dict[bytes, float]:
        """The widths 1 / |w| of all slabs that have been solved, by their set."""
        return {row: 1 / float(np.linalg.norm(slab[:-1])) for row, (slab, _) in self.solved.items()}
