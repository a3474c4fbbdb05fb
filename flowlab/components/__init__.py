"""The built-in components, one file each, in a folder per kind."""
