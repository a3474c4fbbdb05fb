"""The documentation: pages for readers, and one for each installed component, written by `flowlab docs`."""
