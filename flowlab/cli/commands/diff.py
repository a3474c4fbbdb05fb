"""`flowlab diff`."""

from __future__ import annotations

from flowlab.cli.errors import handle_errors
from flowlab.cli.options import Debug, Json, Past
from flowlab.output.echo import echo
from flowlab.output.jsonable import to_json


def diff(a: Past, b: Past, debug: Debug = False, json: Json = False) -> None:
    """Tell what two runs do not share: settings, versions, source code, results."""
    with handle_errors(debug):
        from flowlab.provenance.diff import diff_runs

        found = diff_runs(a, b)
        echo(to_json(found.data) if json else found.text)
