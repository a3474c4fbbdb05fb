"""The version of what this package offers to plugins."""

API_VERSION = 2
"""Goes up by one where a plugin written for the version before may no longer work.

A distribution says which it is written for by an entry point, which can be read without importing it:
`2 = "my_package"` in the group `flowlab.api`, one for each version that it works with. One that says nothing is
tried.
"""
