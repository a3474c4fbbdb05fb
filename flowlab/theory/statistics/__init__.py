"""Intervals and trends over seeds."""
