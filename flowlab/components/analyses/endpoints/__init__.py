"""Analyses of where flows end: the classes of endpoints, and what changes them."""
