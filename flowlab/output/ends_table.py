"""Where the flows end as a table: swept keys as columns, classes in which no flow ends left out and named."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from flowlab.api import CLASSES
from flowlab.output.fractions import EXACT, EndFractions
from flowlab.output.seed_statistics import OVER_SEEDS, OVER_STARTS, SAME_STARTS
from flowlab.output.swept_columns import column_names, setting_cells, union_paths


@frozen
class EndsTable:
    """The ends of several flows, a row a classifier, setting and flow."""

    ends: Sequence[EndFractions]

    @property
    def paths(self) -> list[str]:
        """The swept paths that any of the flows depends on, without the seed."""
        return union_paths(row.setting for row in self.ends)

    @property
    def classes(self) -> list[str]:
        """The classes in which at least one point ends."""
        return [name for name in CLASSES if any(row.counts[name] for row in self.ends)]

    @property
    def title(self) -> str:
        """What the numbers are shares of; starts and seeds that are not the same in all rows have columns."""
        title = "Where the flows end, % of the starts"
        if self._equal_starts:
            title = f"Where the flows end, % of {self.ends[0].starts} starts"
        if self._equal_seeds and self.ends[0].seeds > 1:
            title += f" at each of {self.ends[0].seeds} seeds"
        return title

    @property
    def caption(self) -> list[str]:
        """What the numbers in brackets are, and which classes are left out."""
        return [*self._intervals, *self._empty, *self._steps]

    @property
    def long_caption(self) -> list[str]:
        """The same of the table with a row a class."""
        empty = f"a class without a line has no point{self._bound(CLASSES)}"
        return [*self._intervals, empty, *self._steps]

    @property
    def keys(self) -> list[str]:
        """The header of the columns that name a row."""
        return ["classifier", *column_names(self.paths), "flow", *self._sizes]

    @property
    def header(self) -> list[str]:
        """The header of all columns."""
        return [*self.keys, *self.classes, *(["half step"] if self.stepped else [])]

    @property
    def stepped(self) -> bool:
        """Whether a flow has a step, so that half of it can change an end."""
        return any(row.step_error != EXACT for row in self.ends)

    @property
    def rows(self) -> list[list[str]]:
        """The cells under the header."""
        return [
            [
                *self.key_cells(row),
                *(row.shares[name] for name in self.classes),
                *([row.step_error] if self.stepped else []),
            ]
            for row in self.ends
        ]

    @property
    def long_rows(self) -> list[list[str]]:
        """The table with a row a class that has a point, the header first; keys stand in the first of these."""
        table = [[*self.keys, "class", "share", *(["half step"] if self.stepped else [])]]
        for row in self.ends:
            keys, step = self.key_cells(row), [row.step_error] if self.stepped else []
            for name, share in row.shares.items():
                if row.counts[name]:
                    table.append([*keys, name, share, *step])
                    keys, step = [""] * len(keys), [""] * len(step)
        return table

    def key_cells(self, row: EndFractions) -> list[str]:
        """The cells that name a row."""
        sizes = {"starts": str(row.starts), "seeds": str(row.seeds)}
        names = [sizes[name] for name in self._sizes]
        return [row.classifier, *setting_cells(row.setting, self.paths), row.flow, *names]

    @property
    def _equal_starts(self) -> bool:
        return len({row.starts for row in self.ends}) == 1

    @property
    def _equal_seeds(self) -> bool:
        return len({row.seeds for row in self.ends}) == 1

    @property
    def _sizes(self) -> list[str]:
        equal = (("starts", self._equal_starts), ("seeds", self._equal_seeds))
        return [name for name, same in equal if not same]

    @property
    def _intervals(self) -> list[str]:
        seeds = {row.seeds > 1 for row in self.ends}
        pinned = dict.fromkeys(row.flow for row in self.ends if row.seeds > 1 and row.same_starts)
        return [
            *(text for several, text in ((True, OVER_SEEDS), (False, OVER_STARTS)) if several in seeds),
            *([f"{', '.join(pinned)}: {SAME_STARTS}"] if pinned else []),
        ]

    @property
    def _empty(self) -> list[str]:
        empty = [name for name in CLASSES if name not in self.classes]
        return [f"no flow ends in: {', '.join(empty)}{self._bound(empty)}"] if empty else []

    @property
    def _steps(self) -> list[str]:
        return [] if self.stepped else ["all flows are exact, without steps"]

    def _bound(self, classes: Sequence[str]) -> str:
        """How large a share without a point can be, by the widest of the intervals."""
        intervals = [
            row.statistics[name].interval
            for row in self.ends
            for name in classes
            if row.total and not row.counts[name]
        ]
        highest = max((interval[1] for interval in intervals if interval), default=None)
        return "" if highest is None else f" (95 % intervals reach up to {100 * highest:.1f} %)"
