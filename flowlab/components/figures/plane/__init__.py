"""A flow in a plane: its velocity field, its paths and its ends."""
