"""From results to files and to the lines that answer a person."""
