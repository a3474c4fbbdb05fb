"""The built-in components: flows."""
