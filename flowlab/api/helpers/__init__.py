"""Helpers for components: starts, frames, flow equations, node labels, plots."""
