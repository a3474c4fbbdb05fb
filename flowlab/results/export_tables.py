"""The tables of a run as files for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from flowlab.api import ExperimentError
from flowlab.output.file_names import to_file_name
from flowlab.output.run_folder import write_file
from flowlab.output.tables import format_cell
from flowlab.output.text_table import align_columns
from flowlab.results.extras import require_pandas, require_pyarrow
from flowlab.results.latex import to_latex
from flowlab.results.result_table import ResultTable
from flowlab.results.results import Results

Form = Literal["csv", "parquet", "latex"]
_SUFFIXES = {"csv": "csv", "parquet": "parquet", "latex": "tex"}
_LONGEST_LATEX = 100  # rows; a paper prints no longer table, unless it is asked for by name


def export_tables(
    results: Results,
    names: Sequence[str],
    form: Form,
    folder: Path,
    columns: Sequence[str],
    each_seed: bool,
    warn: Callable[[str], None],
) -> list[str]:
    """Write tables by name, or all of them; the paths of the files.

    Of all tables, those are left out with a warning that can't be read or, as LaTeX, are long or can't be averaged
    over seeds. Raises UnknownName, ExtraMissing, ExperimentError, OutputError.
    """
    if form == "parquet":
        require_pandas(), require_pyarrow()
    # all names are checked before a file is written
    contents = {name: _choose(results.table(name), columns) for name in names}
    paths = []
    for name in names or results.table_names:
        try:
            table = contents[name] if names else results.table(name)
            if not names and form == "latex" and len(table) > _LONGEST_LATEX:
                warn(f"{name}: left out, its {len(table)} rows are too many for a page; --table {name} writes it")
                continue
            content = _to_bytes(table, form, each_seed)
        except ExperimentError as error:
            if names:
                raise
            warn(f"{name}: left out: {error}")
            continue
        path = folder / f"{to_file_name(name)}.{_SUFFIXES[form]}"
        write_file(path, content)
        paths.append(str(path))
    return paths


def list_tables(results: Results) -> list[str]:
    """The names of the tables, with their numbers of rows and their columns."""
    rows = [("table", "rows", "columns")]
    for name in results.table_names:
        try:
            table = results.table(name)
        except ExperimentError as error:
            rows.append((name, "-", str(error)))
        else:
            rows.append((name, str(len(table)), ", ".join(table.columns)))
    return align_columns(rows)


def _choose(table: ResultTable, columns: Sequence[str]) -> ResultTable:
    return table.choose_columns(columns) if columns else table


def _to_bytes(table: ResultTable, form: Form, each_seed: bool) -> bytes:
    if form == "latex":
        return to_latex(table, each_seed=each_seed).encode()
    if form == "parquet":
        stream = io.BytesIO()
        table.to_frame().to_parquet(stream, engine="pyarrow", index=False)
        return stream.getvalue()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(map(format_cell, row.values()) for row in table.rows)
    return text.getvalue().encode()
