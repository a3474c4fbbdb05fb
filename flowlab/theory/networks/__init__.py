"""Denoisers as tensors: shallow ReLU networks, slabs, and the interpolation problem."""
