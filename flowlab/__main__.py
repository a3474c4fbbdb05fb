"""The command line: `flowlab`, and `python -m flowlab`."""

from flowlab.engine.exit_on_signal import exit_on_signals, ignore_signals


def main() -> None:
    """Run the command line; from the first line on, an interrupt ends it in one line and with 128 + signal."""
    exit_on_signals()
    try:
        from flowlab.cli.app import main as run_app

        run_app()
    finally:
        ignore_signals()


if __name__ == "__main__":
    main()
