"""`flowlab doctor`."""

from __future__ import annotations

import sys

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug
from flowlab.output.terminal import echo
from flowlab.registry.registry import Registry


def doctor(debug: Debug = False) -> None:
    """Check the installation: what is wrong with it, and the command that mends each."""
    with handle_errors(debug):
        from flowlab.introspection.doctor import diagnose, format_diagnosis

        facts, ailments = diagnose(Registry.installed())
        echo(format_diagnosis(facts, ailments))
        sys.exit(1 if ailments else 0)
