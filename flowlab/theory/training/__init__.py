"""Training to exact interpolation at minimum norm."""
