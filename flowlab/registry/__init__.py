"""Names to component classes, from installed entry points; torch is not imported."""
