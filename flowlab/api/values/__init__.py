"""What the built-in analyses yield, a class each, so that a figure can say which of them it takes."""
