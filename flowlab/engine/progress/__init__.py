"""How a run tells of its progress."""
