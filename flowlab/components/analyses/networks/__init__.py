"""Analyses of denoisers as networks: interpolation, representation cost, certificates."""
