"""The built-in components: classifiers."""
