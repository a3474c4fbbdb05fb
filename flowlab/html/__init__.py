"""HTML pages that need nothing else: a run, several runs, the flows to explore."""
