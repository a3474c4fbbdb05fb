"""Nodes in other processes: which process gets which node, and what becomes of nodes whose process dies."""
