"""Probability and score flows, exact and in steps, and where they end."""
