"""The built-in components: optimizers."""
