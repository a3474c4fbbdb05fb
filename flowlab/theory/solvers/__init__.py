"""Solvers of convex programs that know nothing of denoisers."""
