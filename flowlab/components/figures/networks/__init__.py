"""Figures of denoisers as networks: training, interpolation, representation cost, certificates."""
