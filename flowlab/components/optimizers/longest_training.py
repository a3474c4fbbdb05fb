"""The most steps of a training that anybody means."""

LONGEST_TRAINING = 10**9
"""A step takes a millisecond on most machines, so that a billion of them take more than a week."""
