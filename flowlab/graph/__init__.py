"""Components and their references: a graph of nodes."""
