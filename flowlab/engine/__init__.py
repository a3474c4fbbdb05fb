"""From a graph of nodes to their results."""
