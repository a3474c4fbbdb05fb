"""Lower bounds on the cost of interpolation: proved ones, and estimates."""
