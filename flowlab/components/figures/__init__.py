"""The built-in components: figures."""
