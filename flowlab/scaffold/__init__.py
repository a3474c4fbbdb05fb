"""Plugins to begin with: a package of one component that installs, passes its suite and runs."""
