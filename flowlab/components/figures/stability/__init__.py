"""Figures of stable points: fixed points and subset sums of training points."""
