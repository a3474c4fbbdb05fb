"""Confidence intervals and trends over seeds."""
