"""The command line: `flowlab run experiments/simplex.toml`."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from flowlab import __version__
from flowlab.registry.registry import DISABLE, Registry
from flowlab.report import complete
from flowlab.report.guard import guarded
from flowlab.report.plain import as_json
from flowlab.report.say import say

app = typer.Typer(
    help="Run declarative experiments on where diffusion flows end.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

File = Annotated[
    Path, typer.Argument(help="experiment file (TOML)", show_default=False, autocompletion=complete.experiments)
]
Files = Annotated[
    list[Path],
    typer.Argument(help="experiment files (TOML)", show_default=False, autocompletion=complete.experiments),
]
Past = Annotated[Path, typer.Argument(help="a run's folder, or a lock file", metavar="RUN", show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KIND.NAME.KEY=VALUE",
        help="replace a value of the file; repeatable",
        autocompletion=complete.settings,
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="show tracebacks")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"flowlab {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
    no_plugins: Annotated[
        bool, typer.Option("--no-plugins", help=f"use built-in components only, like {DISABLE}=1")
    ] = False,
) -> None:
    """Run declarative experiments on where diffusion flows end."""
    if no_plugins:
        os.environ[DISABLE] = "1"  # so that worker processes know of it, too


@app.command()
def run(
    files: Files,
    out: Annotated[
        Path | None,
        typer.Option(help="folder for the results; of several, that of their folders [default: runs/<name>]"),
    ] = None,
    settings: Settings = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto")] = "auto",
    executor: Annotated[
        str | None,
        typer.Option(help="component that does the work, like --set executor=NAME; none: this process"),
    ] = None,
    scheduler_file: Annotated[
        Path | None,
        typer.Option(help="file that names a running scheduler, like --set executor.scheduler_file=FILE"),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="show no progress")] = False,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="compute all anew, and keep no results for later runs")
    ] = False,
    debug: Debug = False,
    json: Json = False,
) -> None:
    """Run experiments and write their figures, tables, summaries and claims."""
    with guarded(debug):
        from flowlab.report.conduct import Report, prepare
        from flowlab.report.series import in_turn
        from flowlab.spec.overrides import carried_out_by

        def show(report: Report) -> None:
            if debug:
                print(*report.traces, sep="\n", end="", file=sys.stderr)
            if not json:
                say(report.answer)

        chosen = carried_out_by(executor, scheduler_file)
        plans = prepare(files, out, [*chosen, *(settings or ())], device, not no_store)
        series = in_turn(plans, device, quiet, debug, show)
        table = series.close(plans[0].folder.parent) if len(plans) > 1 else ""
        if json or table:
            say(as_json(series.summary) if json else table)
        sys.exit(series.exit_code)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="file to write")] = Path("experiment.toml"),
    debug: Debug = False,
) -> None:
    """Write a commented experiment that runs in seconds, to start from."""
    with guarded(debug):
        from flowlab.report.start import start

        path = file if file.suffix else file.with_name(f"{file.name}.toml")
        start(path)
        say(f"flowlab run {shlex.quote(str(path))}")


@app.command()
def check(files: Files, settings: Settings = None, debug: Debug = False) -> None:
    """Check experiments without running them: every mistake, with its place."""
    with guarded(debug):
        from flowlab.graph.graph import load_all

        for graph in load_all(files, settings or (), Registry.installed()):
            say(f"{graph.path}: ok, {len(graph.nodes)} nodes")


@app.command()
def explain(
    file: File,
    node: Annotated[
        str, typer.Argument(help="kind.name; in a sweep all of its settings, or kind.name[key=value]")
    ],
    out: Annotated[Path | None, typer.Option(help="folder of the run [default: runs/<name>]")] = None,
    settings: Settings = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto")] = "auto",
    debug: Debug = False,
) -> None:
    """Tell whether a node would be computed or its stored result reused, and what changed since."""
    with guarded(debug):
        from flowlab.engine.store import Store
        from flowlab.graph.graph import load
        from flowlab.report.conduct import runs_folder
        from flowlab.report.explain import explain as text

        loaded = load(file, settings or (), Registry.installed())
        say(text(loaded, node, device, Store.beside(runs_folder(out))))


@app.command()
def rerun(
    lock: Past,
    out: Annotated[
        Path | None, typer.Option(help="folder for the results [default: a new one beside the run's]")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or auto [default: the lock's]")] = None,
    executor: Annotated[
        str | None, typer.Option(help="component that does the work [default: the lock's]; none: this process")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="show no progress")] = False,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="compute all anew, and keep no results for later runs")
    ] = False,
    debug: Debug = False,
) -> None:
    """Run the experiment of a lock again, and warn of what is not as it was."""
    with guarded(debug):
        from flowlab.report.rerun import rerun as again

        sys.exit(again(lock, out, device, executor, not no_store, quiet, debug))


@app.command()
def verify(
    run: Past,
    exact: Annotated[
        bool, typer.Option("--exact", help="to the bit, as the same machine and versions promise")
    ] = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or auto [default: the lock's]")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="show no progress")] = False,
    debug: Debug = False,
) -> None:
    """Compute a run anew, without the store, and tell whether it comes out the same."""
    with guarded(debug):
        from flowlab.report.verify import verify as verdict

        found = verdict(run, exact, device, quiet)
        say(found.text)
        sys.exit(found.exit_code)


@app.command()
def diff(a: Past, b: Past, debug: Debug = False, json: Json = False) -> None:
    """Tell what two runs do not share: settings, versions, source code, results."""
    with guarded(debug):
        from flowlab.report.difference import difference

        found = difference(a, b)
        say(as_json(found.data) if json else found.text)


@app.command()
def gc(
    runs: Annotated[Path, typer.Argument(help="folder of the runs whose store it is")] = Path("runs"),
    keep_days: Annotated[
        float, typer.Option(help="keep what was used in so many days: less could be a run's at work", min=1)
    ] = 30.0,
    delete: Annotated[bool, typer.Option("--delete", help="remove them [default: only tell]")] = False,
    debug: Debug = False,
) -> None:
    """Find stored results that no run beside the store needs, and remove them if asked to."""
    with guarded(debug):
        from flowlab.engine.store import Store
        from flowlab.report.garbage import collect

        say(collect(Store.beside(runs), runs, keep_days, delete))


@app.command()
def figure(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="folder of a finished run", show_default=False)],
    name: Annotated[str, typer.Argument(help="the figure, as the experiment names it", show_default=False)],
    form: Annotated[Literal["pdf", "svg", "png"], typer.Option("--format", help="of the file")] = "pdf",
    width: Annotated[
        Literal["single", "double"] | None,
        typer.Option(help="printed column that it fills [default: as the run drew it]"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="file to write [default: NAME.FORMAT]")] = None,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="compute again what is no longer stored, however long it takes")
    ] = False,
    debug: Debug = False,
) -> None:
    """Draw one figure of a finished run again, from its stored results."""
    with guarded(debug):
        from flowlab.report.redraw import redraw

        say(str(redraw(folder, name, form, width, out, recompute)))


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="folders of finished runs", show_default=False)],
    out: Annotated[Path, typer.Option(help="page to write")] = Path("compare.html"),
    debug: Debug = False,
) -> None:
    """Write one page of several finished runs: what was changed, and what came of it."""
    with guarded(debug):
        from flowlab.report.compare import compare as page

        say(str(page(runs, out)))


@app.command()
def graph(file: File, settings: Settings = None, debug: Debug = False) -> None:
    """Print an experiment's graph as Mermaid."""
    with guarded(debug):
        from flowlab.graph.graph import load
        from flowlab.graph.mermaid import mermaid

        say(mermaid(load(file, settings or (), Registry.installed())))


@app.command()
def list_components(
    kind: Annotated[str | None, typer.Option(help="only this kind", autocompletion=complete.kinds)] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """List the installed components."""
    with guarded(debug):
        from flowlab.report.catalogue import catalogue, listing

        registry = Registry.installed()
        say(as_json(listing(registry, kind)) if json else catalogue(registry, kind))


@app.command()
def describe(
    component: Annotated[
        str,
        typer.Argument(help="name, kind:name or distribution:name", autocompletion=complete.components),
    ],
    debug: Debug = False,
) -> None:
    """Describe a component: its keys, their types, defaults and ranges."""
    with guarded(debug):
        from flowlab.report.describe import describe as text
        from flowlab.report.describe import find

        say(text(find(Registry.installed(), component)))


@app.command()
def docs(
    out: Annotated[Path, typer.Option(help="folder for the pages")] = Path("docs"),
    debug: Debug = False,
) -> None:
    """Write the guide as HTML: a tour, the theory, and a page for each installed component."""
    with guarded(debug):
        from flowlab.guide.site import publish

        say(publish(Registry.installed(), out))


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option(help="file to write [default: standard output]")] = None,
    debug: Debug = False,
) -> None:
    """Print the language with the installed components as JSON Schema, for editors."""
    with guarded(debug):
        from flowlab.report.schema import publish

        publish(Registry.installed(), out)


@app.command()
def doctor(debug: Debug = False) -> None:
    """Check the installation: what is wrong with it, and the command that mends each."""
    with guarded(debug):
        from flowlab.report.doctor import diagnosis, told

        facts, ailments = diagnosis(Registry.installed())
        say(told(facts, ailments))
        sys.exit(1 if ailments else 0)


@app.command()
def new_plugin(
    name: Annotated[str, typer.Argument(help="name of the distribution, such as flowlab-star")],
    kind: Annotated[str, typer.Option(help="what its component is: dataset, integrator or schedule")],
    out: Annotated[Path, typer.Option(help="folder in which its own is made")] = Path(),
    debug: Debug = False,
) -> None:
    """Write a package of one component that installs, passes its suite and runs."""
    with guarded(debug):
        from flowlab.scaffold.plugin import Plugin, write

        plugin = Plugin(name, kind)
        folder = write(plugin, out, Registry.installed())
        say(
            f"{folder}: the {kind} {plugin.component!r}. Next:\n"
            f"  pip install -e '{folder}[test]'\n"
            f"  pytest {folder}\n"
            f"  flowlab run {folder / plugin.component}.toml"
        )


def main() -> None:
    """Run the command line."""
    # torch would read everybody's entry points, and fail on broken ones, to find devices that we don't use
    os.environ.setdefault("TORCH_DEVICE_BACKEND_AUTOLOAD", "0")
    app(prog_name="flowlab")
