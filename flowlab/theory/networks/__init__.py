"""Denoisers as tensors: shallow ReLU networks, slabs, the interpolation problem."""
