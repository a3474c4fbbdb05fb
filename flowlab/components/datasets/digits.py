"""Real images: handwritten digits."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from flowlab.api import (
    Context,
    NodeError,
    NodeSpec,
    Result,
    TrainingSetSpec,
    ValidationIssue,
    parameter,
    training_set,
)
from flowlab.api.helpers.training_set import points_table

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class Digits:
    """Handwritten digits of 8x8 pixels as training points, d = 64; they come with scikit-learn.

    Linearly independent images are the vertices of a simplex. Its closed form is an upper bound of the minimum
    norm. Its subset sums are c + sum_{n in I} (x_n - c), where c is the Fermat-Weber point of the noiseless
    denoiser. Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits (1998).
    """

    digits: tuple[int, ...] = parameter(
        (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), help="which digits, in this order", ge=0, le=9
    )
    each: int = parameter(1, help="images of each digit, drawn at random", ge=1)
    samples: int = parameter(100, help="noisy samples per point, M", ge=1)
    scale: float = parameter(1.0, help="value of the brightest pixel; the darkest is 0", unit="data units", gt=0)

    def check(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> Iterator[ValidationIssue]:
        """Check that scikit-learn is installed and that there are two images or more."""
        if importlib.util.find_spec("sklearn") is None:
            yield ValidationIssue(
                "use", "the digits come with scikit-learn, which is missing: pip install 'flowlab[digits]'"
            )
        if len(set(self.digits)) < len(self.digits):
            yield ValidationIssue("digits", "a digit is listed twice; `each` sets the number of images of a digit")
        if len(self.digits) * self.each < 2:
            yield ValidationIssue("digits", "a simplex has at least two vertices")

    def value_spec(self, inputs: Mapping[str, tuple[NodeSpec, ...]]) -> TrainingSetSpec:
        """What is known of the training set before the run."""
        return TrainingSetSpec(
            points=len(self.digits) * self.each,
            dimension=64,
            samples=self.samples,
            closed_form=True,
            separable=False,
            axis_box=False,
        )

    def build(self, context: Context) -> Result:
        """Draw the images and their geometry.

        Raises NodeError where there are too few images of a digit, or where the images are no simplex.
        """
        import torch

        from flowlab.theory.geometry.simplex import simplex_geometry

        points = self._images(context).to(context.device, context.dtype)
        try:
            geometry = simplex_geometry(points)
        except ValueError as error:
            raise NodeError(str(error)) from error
        count, dimension = points.shape
        metrics = {
            "points": count,
            "dimension": dimension,
            "smallest_gap": torch.nn.functional.pdist(points).min().item(),
            "conjecture": geometry.conjecture,
        }
        names = [digit for digit in self.digits for _ in range(self.each)]
        table = points_table(points)
        return Result(
            training_set(geometry, self.samples, context),
            metrics,
            {"points": type(table)({"digit": names, **table.columns})},
        )

    def _images(self, context: Context) -> Tensor:
        import torch
        from sklearn.datasets import load_digits

        data, target = (torch.from_numpy(part) for part in load_digits(return_X_y=True))
        generator = context.generator("images")
        chosen = []
        for digit in self.digits:
            known = (target == digit).nonzero()[:, 0]
            if self.each > len(known):
                raise NodeError(f"there are {len(known)} images of the digit {digit}, not {self.each}")
            chosen.append(known[torch.randperm(len(known), generator=generator)[: self.each]])
        return self.scale * data[torch.cat(chosen)] / data.max()
