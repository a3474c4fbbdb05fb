"""The tables of a run as files for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from attrs import frozen

from flowlab.api import ExperimentError, Problem
from flowlab.engine.format_error import format_error
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


@frozen
class TableFiles:
    """Files of tables in one format, in one folder. Raises ExtraMissing where that needs what isn't installed."""

    form: Form
    folder: Path
    each_seed: bool = False  # in LaTeX, instead of means over the seeds

    def __attrs_post_init__(self) -> None:
        if self.form == "parquet":
            require_pandas()
            require_pyarrow()

    def write(self, table: ResultTable) -> str:
        """Write a table's file; its path. Raises OutputError, ExperimentError for one that has no such form."""
        path = self.folder / f"{to_file_name(table.name)}.{_SUFFIXES[self.form]}"
        write_file(path, self._to_bytes(table))
        return str(path)

    def _to_bytes(self, table: ResultTable) -> bytes:
        match self.form:
            case "latex":
                return to_latex(table, each_seed=self.each_seed).encode()
            case "parquet":
                return _to_parquet(table)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(map(format_cell, row.values()) for row in table.rows)
        return text.getvalue().encode()


def export_named(results: Results, names: Sequence[str], columns: Sequence[str], files: TableFiles) -> list[str]:
    """Write some tables, or some columns of them; the paths of the files.

    Raises UnknownName before any is written; ExperimentError, OutputError.
    """
    tables = [results.table(name) for name in names]
    chosen = [table.choose_columns(columns) if columns else table for table in tables]
    return [files.write(table) for table in chosen]


def export_all(results: Results, files: TableFiles, warn: Callable[[str], None]) -> list[str]:
    """Write all tables; the paths of the files. Raises OutputError.

    Left out, with a warning, are those that can't be read or have no such form, and long ones in LaTeX.
    """
    paths = []
    for name in results.table_names:
        try:
            table = results.table(name)
            if files.form == "latex" and len(table) > _LONGEST_LATEX:
                warn(f"{name}: left out, its {len(table)} rows are too many for a page; --table {name} writes it")
                continue
            paths.append(files.write(table))
        except ExperimentError as error:
            warn(f"{name}: left out: {error}")
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


def _to_parquet(table: ResultTable) -> bytes:
    """The bytes of a parquet file. Raises ExperimentError for a column of several types."""
    stream = io.BytesIO()
    try:
        table.to_frame().to_parquet(stream, engine="pyarrow", index=False)
    except (ValueError, TypeError) as error:  # of pyarrow, which names the column
        raise ExperimentError([Problem(table.name, f"has no form in parquet: {format_error(error)}")]) from error
    return stream.getvalue()
