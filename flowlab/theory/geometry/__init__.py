"""Training points, their closed forms, and the classes of endpoints."""
