"""The built-in components: trackers."""
