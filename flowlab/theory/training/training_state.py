"""All that changes during a training, as one object and as named tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from attrs import asdict, define, field
from torch import Tensor

from flowlab.theory.networks.relu_network import ReluNetwork
from flowlab.theory.training.descent import Descent, Weights, optimizer_of
from flowlab.theory.training.history import HistoryEntry, pack_history, unpack_history
from flowlab.theory.training.working_set import Shuffle

Keep = Callable[[int, int, Callable[[], Mapping[str, Tensor]]], None]  # steps done, steps in all, the state


@define
class TrainingState:
    """A training after `step` steps; with the problem and the method it determines all later steps, to the bit.

    multipliers (L, Q, d), in units of the penalty, belong to the Q samples that a method constrains: all samples,
    or the working set chosen (L, Q). `rate` is the present share of the learning rate and `penalty` the present
    penalty, for methods where these do not follow from the step.
    """

    weights: Weights
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    multipliers: Tensor
    chosen: Tensor
    shuffle: Shuffle = field(factory=Shuffle)
    step: int = 0
    rate: float = 1.0
    penalty: float = 0.0
    history: list[HistoryEntry] = field(factory=list)

    @classmethod
    def of(
        cls,
        start: ReluNetwork,
        descent: Descent,
        generator: torch.Generator,
        device: torch.device,
        constraints: int = 0,
        saved: Mapping[str, Tensor] | None = None,
    ) -> TrainingState:
        """The state at step 0, with `constraints` = Q multipliers of zero, or the state that was saved."""
        weights = Weights.of(start, descent.dtype, device)
        levels, _, dimension = weights.inner.shape
        state = cls(
            weights,
            optimizer_of(descent, weights),
            generator,
            multipliers=torch.zeros(levels, constraints, dimension, dtype=descent.dtype, device=device),
            chosen=torch.empty(levels, 0, dtype=torch.int64, device=device),
        )
        if saved is not None:
            state.restore(saved)
        return state

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of the state by name; they are no copies, so the next step changes them.

        Their shapes are those of the fields, of the weights (`Weights`), of the optimizer's state, and (T, L) or
        (T,) of the history (`pack_history`).
        """
        named = {
            "step": torch.tensor(self.step),
            "rate": torch.tensor(self.rate, dtype=torch.float64),
            "penalty": torch.tensor(self.penalty, dtype=torch.float64),
            "generator": self.generator.get_state(),
            "multipliers": self.multipliers,
            "chosen": self.chosen,
            "shuffle.order": self.shuffle.order,
            "shuffle.used": torch.tensor(self.shuffle.used),
        }
        named |= {f"history.{name}": column for name, column in pack_history(self.history).items()}
        for name, leaf in asdict(self.weights, recurse=False).items():
            named[f"weights.{name}"] = leaf.detach()
            named |= {f"optimizer.{name}.{key}": value for key, value in self.optimizer.state[leaf].items()}
        return named

    def restore(self, saved: Mapping[str, Tensor]) -> None:
        """Replace this state by the one that was saved, as copies on this state's device."""
        device = self.multipliers.device
        self.step = int(saved["step"])
        self.rate, self.penalty = saved["rate"].item(), saved["penalty"].item()
        self.generator.set_state(saved["generator"].cpu())
        self.multipliers = saved["multipliers"].to(device, copy=True)
        self.chosen = saved["chosen"].to(device, copy=True)
        self.shuffle = Shuffle(saved["shuffle.order"].to(device, copy=True), int(saved["shuffle.used"]))
        self.history = unpack_history(_select_prefix("history.", saved))
        # a fused optimizer counts its steps on the weights' device, the others on the CPU
        counter_device = device if self.optimizer.defaults.get("fused") else torch.device("cpu")
        for name, leaf in asdict(self.weights, recurse=False).items():
            leaf.data = saved[f"weights.{name}"].to(device, copy=True)
            self.optimizer.state[leaf] = {
                key: value.to(device if value.dim() else counter_device, copy=True)
                for key, value in _select_prefix(f"optimizer.{name}.", saved).items()
            }


def _select_prefix(prefix: str, saved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start with a prefix, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in saved.items() if name.startswith(prefix)}
