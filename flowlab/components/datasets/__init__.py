"""The built-in components: datasets."""
