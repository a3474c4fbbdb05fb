"""The version of the interface that this package offers to plugins."""

API_VERSION = 2
"""It increases by one when plugins for the previous version may no longer work.

A distribution states the versions that it works with by entry points, which can be read without an import:
`2 = "my_package"` in the group `flowlab.api`, one for each version. A distribution that states none is tried.
"""
