"""`python -m flowlab`: the command line."""

from flowlab.cli.app import main

if __name__ == "__main__":
    main()
