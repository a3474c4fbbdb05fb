"""How a run shows its progress."""
