"""The commands, one a file, each a function that typer reads."""
