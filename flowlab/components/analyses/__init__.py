"""The built-in components: analyses."""
