"""What the components of several authors have in common: starts, frames, paths, labels, figures."""
