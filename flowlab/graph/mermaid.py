"""A graph as a Mermaid picture."""

from __future__ import annotations

from flowlab.graph.graph import Graph


def to_mermaid(graph: Graph) -> str:
    """A flowchart: one box a node, arrows from each input labelled by the field that names it."""
    names = {node: f"n{index}" for index, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for node, name in names.items():
        text = f"{node.kind.name} {node.label}<br/>{node.use}".replace('"', "#quot;")
        lines.append(f'    {name}["{text}"]')
    for node, name in names.items():
        for field, ends in node.inputs.items():
            lines += [f"    {names[end]} -->|{field}| {name}" for end in ends]
    return "\n".join(lines)
