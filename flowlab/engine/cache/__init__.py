"""The result cache: stored results by the key of what decides them."""
