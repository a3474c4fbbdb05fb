"""Lower bounds on the cost of interpolation: proved bounds, and estimates."""
