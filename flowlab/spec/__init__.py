"""Text to checked tables, each key with its file, line and column."""
