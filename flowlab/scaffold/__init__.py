"""Templates for a first experiment, and for a plugin that installs, passes its test suite and runs."""
