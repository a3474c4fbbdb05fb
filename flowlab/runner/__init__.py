"""From experiment files to their folders: plan, run, write, run again, verify."""
