"""A dataset for flowlab: training points on rays at right angles."""
