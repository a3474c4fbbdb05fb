"""From results to files and to the lines on a terminal."""
