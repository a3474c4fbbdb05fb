"""The built-in components: denoisers."""
