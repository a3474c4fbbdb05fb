"""Nodes in other processes: who does which, and what becomes of those whose process dies."""
