"""Training points on rays at right angles, a geometry for flowlab."""
