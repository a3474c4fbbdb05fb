"""Probability flow and score flow, exact and in steps, and where they end."""
