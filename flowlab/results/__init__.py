"""The results of a run in Python: of one that has just ended, and of one that is opened again."""
