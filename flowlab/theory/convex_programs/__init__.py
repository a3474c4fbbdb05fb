"""Minimum-norm denoisers as convex programs: margins, slabs, dichotomies."""
