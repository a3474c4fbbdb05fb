"""What a run rests on: its environment, lock file and summary, and how two runs differ."""
