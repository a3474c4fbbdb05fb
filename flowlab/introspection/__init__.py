"""The installed components as lists, descriptions and JSON Schema, and what is wrong with an installation."""
