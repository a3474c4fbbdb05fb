"""The built-in components: integrators."""
