"""A graph as a picture in columns: each box right of its inputs, long arrows led past the boxes between."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from flowlab.graph.graph import Graph
from flowlab.graph.node import Node

_HEIGHT, _LANE, _GAP, _BETWEEN, _MARGIN = 40.0, 6.0, 12.0, 52.0, 4.0
_CHARACTER, _LONGEST = 7.4, 36  # a character's width in the page's font, and how many a box shows
_STATUS = len(" (failed)")  # room for it beside the name
_PASSES = 12  # orders within columns settle within a few

Place = tuple[str, int]  # a name in its own column (a box) or in one right of it (a lane for its arrows)
Link = tuple[Place, Place]  # from one column to the next


@frozen
class Box:
    """A declaration with its variants, and where it is drawn."""

    nodes: tuple[Node, ...]
    x: float
    y: float
    width: float
    height: float = _HEIGHT

    @property
    def id(self) -> str:
        """`kind.name`, which the variants share."""
        return _id(self.nodes[0])

    @property
    def lines(self) -> tuple[str, str]:
        """What stands in it."""
        first, second = _lines(self.nodes)
        return _cut(first), _cut(second)


@frozen
class Drawing:
    """Boxes, arrows as SVG path data, and the size of the picture."""

    boxes: tuple[Box, ...]
    arrows: tuple[str, ...]
    width: float
    height: float


def columns(graph: Graph) -> Drawing:
    """Draw a graph: columns, then the order within them, then heights (Sugiyama et al., IEEE SMC 11, 1981)."""
    groups: dict[str, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        groups[_id(node)].append(node)
    ends = {name: _inputs(nodes) for name, nodes in groups.items()}
    column = _columns(ends)
    arrows = [[*((end, at) for at in range(column[end], column[name])), (name, column[name])]
              for name, inputs in ends.items() for end in inputs]  # fmt: skip
    links = list(dict.fromkeys(link for arrow in arrows for link in itertools.pairwise(arrow)))
    order = _order(dict.fromkeys([*column.items(), *(place for link in links for place in link)]), links)
    middle = _heights(order, links, set(column.items()))
    lefts, rights = _sides(order, {name: _width(groups[name]) for name in groups}, column)
    boxes = tuple(
        Box(tuple(nodes), lefts[column[name]], middle[name, column[name]] - _HEIGHT / 2, _width(nodes))
        for name, nodes in groups.items()
    )
    reach = {(box.id, column[box.id]): box.x + box.width for box in boxes}
    paths = tuple(_path(arrow, middle, lefts, rights, reach) for arrow in arrows)
    height = max([*(box.y + _HEIGHT for box in boxes), *middle.values()], default=0.0)
    return Drawing(boxes, paths, max(rights, default=0.0) + _MARGIN, height + _MARGIN)


def _columns(ends: dict[str, list[str]]) -> dict[str, int]:
    """Right of all inputs, and then as near to the first that uses it as can be."""
    column: dict[str, int] = {}
    for name, inputs in ends.items():
        column[name] = max((column[end] + 1 for end in inputs), default=0)
    for name in reversed(ends):
        users = [column[user] for user, inputs in ends.items() if name in inputs]
        column[name] = min(users, default=column[name] + 1) - 1
    return column


def _order(places: Iterable[Place], links: Sequence[Link]) -> list[list[Place]]:
    """Places column by column, each near the mean of its neighbours: few arrows cross."""
    order: dict[int, list[Place]] = defaultdict(list)
    for place in places:
        order[place[1]].append(place)
    for step in range(_PASSES):
        rightward = step % 2 == 0
        near = _neighbours(links if rightward else [(b, a) for a, b in links])
        for at in sorted(order, reverse=not rightward):
            beside = {place: index for index, place in enumerate(order.get(at - 1 if rightward else at + 1, ()))}
            rank = {
                place: _mean([beside[one] for one in near[place]], index) for index, place in enumerate(order[at])
            }
            order[at].sort(key=rank.__getitem__)
    return [order[at] for at in sorted(order)]


def _heights(order: Sequence[Sequence[Place]], links: Sequence[Link], boxes: set[Place]) -> dict[Place, float]:
    """The height of each place's middle: near its neighbours', without overlap and in the order found."""
    from scipy.optimize import isotonic_regression

    half = {place: (_HEIGHT if place in boxes else _LANE) / 2 for places in order for place in places}
    offset: dict[Place, float] = {}
    for places in order:
        above = 0.0
        for place in places:
            offset[place] = above + half[place]
            above += 2 * half[place] + _GAP
    middle = dict(offset)
    near = _neighbours([*links, *((b, a) for a, b in links)])
    for step in range(_PASSES):
        for places in order if step % 2 == 0 else order[::-1]:
            wanted = [_mean([middle[one] for one in near[place]], middle[place]) for place in places]
            slack = [height - offset[place] for height, place in zip(wanted, places, strict=True)]
            for place, shift in zip(places, isotonic_regression(slack).x, strict=True):
                middle[place] = offset[place] + float(shift)
    top = min((height - half[place] for place, height in middle.items()), default=0.0)
    return {place: height - top + _MARGIN for place, height in middle.items()}


def _sides(
    order: Sequence[Sequence[Place]], width: Mapping[str, float], column: Mapping[str, int]
) -> tuple[list[float], list[float]]:
    """Where each column begins and ends."""
    lefts, rights = [], []
    left = _MARGIN
    for places in order:
        lefts.append(left)
        rights.append(left + max(width[name] for name, at in places if column[name] == at))
        left = rights[-1] + _BETWEEN
    return lefts, rights


def _path(
    arrow: Sequence[Place],
    middle: Mapping[Place, float],
    lefts: Sequence[float],
    rights: Sequence[float],
    reach: Mapping[Place, float],
) -> str:
    """Straight across a column, bent between two."""
    start = arrow[0]
    parts = [f"M{reach[start]:.1f} {middle[start]:.1f}"]
    for here, there in itertools.pairwise(arrow):
        end, begin = rights[here[1]], lefts[there[1]]
        bend = (end + begin) / 2
        below = middle[there]
        parts.append(f"H{end:.1f}C{bend:.1f} {middle[here]:.1f} {bend:.1f} {below:.1f} {begin:.1f} {below:.1f}")
    return "".join(parts)


def _id(node: Node) -> str:
    return f"{node.kind.name}.{node.name}"


def _inputs(nodes: Sequence[Node]) -> list[str]:
    ends = (_id(end) for node in nodes for group in node.inputs.values() for end in group)
    return list(dict.fromkeys(ends))


def _lines(nodes: Sequence[Node]) -> tuple[str, str]:
    first = nodes[0]
    times = f" × {len(nodes)}" if len(nodes) > 1 else ""
    return first.name + times, f"{first.kind.name}: {first.use}"


def _width(nodes: Sequence[Node]) -> float:
    first, second = map(_cut, _lines(nodes))
    return _CHARACTER * max(len(first) + _STATUS, len(second)) + 16


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _neighbours(links: Iterable[Link]) -> Mapping[Place, list[Place]]:
    near: dict[Place, list[Place]] = defaultdict(list)
    for one, other in links:
        near[other].append(one)
    return near


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
