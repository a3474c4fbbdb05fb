"""Random faults for an hour, by hand: `python tests/faults/hour.py --minutes 60 --seed 0`.

Round after round, runs of two small experiments with one store meet a fault, in one process or with those of
`--executor local`; a clean run after each must end in the results of a run that met none, digest by digest. Exit
code 1 where a stored result was lost, a result wrong, an exit code or a traceback unexpected, or a run didn't end.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from attrs import define, field, frozen

from flowlab.engine.cache.store import Store
from flowlab.engine.cache.tensor_file import read_tensor_file

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from living import members, workers
from summaries import results

EXPERIMENTS = {
    "sweep": """
[experiment]
name = "sweep"
threads = 1

[dataset.box]
use = "orthogonal"
dimension = 3
points = 3
samples = 20

[schedule.levels]
use = "noise-levels"
levels = [0.08, 0.05]

[optimizer.al]
use = "augmented-lagrangian"
steps = 2_000

[denoiser.al]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "al"
width = 30

[integrator.ddim]
use = "ddim"

[flow.pf]
use = "probability"
denoiser = "al"
integrator = "ddim"
samples = 50

[classifier.ends]
use = "stable-points"
flow = ["pf"]

[analysis.fractions]
use = "class-fractions"
classifier = "ends"

[sweep.width]
"denoiser.al.width" = [20, 30]
""",
    "single": """
[experiment]
name = "single"
threads = 1

[dataset.line]
use = "line"
coordinates = [-1.0, 0.0, 2.0]
samples = 20

[schedule.levels]
use = "noise-levels"
levels = [0.05]

[optimizer.wd]
use = "weight-decay"
steps = 3_000

[optimizer.slabs]
use = "max-margin"

[denoiser.wd]
use = "shallow-relu"
dataset = "line"
schedule = "levels"
optimizer = "wd"
width = 30

[denoiser.slabs]
use = "shallow-relu"
dataset = "line"
schedule = "levels"
optimizer = "slabs"
""",
}
# The command line, but with a checkpoint every half second: there is one to meet a fault.
COMMAND = """
import functools
from flowlab.cli import app
from flowlab.engine.checkpoints import Checkpoints
from flowlab.runner import run_experiment

run_experiment.Checkpoints = functools.partial(Checkpoints, every=0.5)
app.main()
"""
LOCAL = ("--executor", "local", "--set", "executor.workers=2")
INTERRUPTED = {signal.SIGKILL: {-9}, signal.SIGTERM: {143, -15}, signal.SIGINT: {130, -2}}


@frozen
class End:
    """How a run ended."""

    code: int | None  # None: it had to be killed
    error: str


@define
class Place:
    """A folder with the experiments, their runs and the store; what has gone wrong there so far."""

    folder: Path
    rng: random.Random
    length: float = 0.0  # seconds of a clean run
    reference: Mapping[str, object] = field(factory=dict)
    faults: Counter[str] = field(factory=Counter)
    wrong: Counter[str] = field(factory=Counter)

    @property
    def store(self) -> Path:
        """The store."""
        return self.folder / "runs/.store"

    def command(self, out: str = "runs", *options: str) -> list[str]:
        """A run of all experiments."""
        files = [f"{name}.toml" for name in EXPERIMENTS]
        return [sys.executable, "-c", COMMAND, "run", *files, "--quiet", "--device", "cpu", "--out", out, *options]

    def start(self, command: list[str]) -> subprocess.Popen[str]:
        """Begin a command in a session of its own."""
        return subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def end(self, process: subprocess.Popen[str], allowed: set[int]) -> End:
        """Wait for a run's end, and note what is not as it should be."""
        try:
            _, error = process.communicate(timeout=60 + 20 * self.length)
        except subprocess.TimeoutExpired:
            process.kill()
            _, error = process.communicate()
            self.blame("hangs", "a run did not end")
            return End(None, error)
        if process.returncode not in allowed:
            self.blame("exit codes", f"{process.returncode}, not one of {sorted(allowed)}: {error.strip()}")
        # -SIGINT: before the program began, of which Python itself tells
        if "Traceback" in error and process.returncode != -signal.SIGINT:
            self.blame("tracebacks", error)
        return End(process.returncode, error)

    def run(self, allowed: set[int], out: str = "runs") -> End:
        """Run all experiments to the end."""
        return self.end(self.start(self.command(out)), allowed)

    def blame(self, kind: str, words: str) -> None:
        """Note that something is wrong."""
        self.wrong[kind] += 1
        print(f"WRONG {kind}: {words}", flush=True)

    def moment(self) -> None:
        """Wait for some time within a run."""
        time.sleep(self.rng.uniform(0.0, 1.1) * self.length)


def trained(store: Path) -> set[Path]:
    """The trained results of a store: others are kept or not as the machine is slow or fast."""
    return {path for path, made in Store(store).ingredients() if made["node"]["kind"] == "denoiser"}


def digests(place: Place, runs: str) -> dict[str, object]:
    """All that a clean run leaves: summaries and tables, and the stored results of trainings by key."""
    found: dict[str, object] = {}
    for name in EXPERIMENTS:
        for part, content in results(place.folder / runs / name).items():
            found[f"{name} {part}"] = hashlib.sha256(repr(content).encode()).hexdigest()
    for path in trained(place.folder / runs / ".store"):
        stored = read_tensor_file(path, path.stem)
        digest = hashlib.sha256(stored.labels["result"].encode())
        for tensor in stored.tensors.values():
            digest.update(tensor.numpy().tobytes())
        found[path.stem] = digest.hexdigest()
    return found


def stopped(number: signal.Signals) -> Callable[[Place], str]:
    """A run that gets a signal at a random time."""

    def fault(place: Place) -> str:
        process = place.start(place.command())
        place.moment()
        process.send_signal(number)
        return f"ended with {place.end(process, INTERRUPTED[number] | {0}).code}"

    return fault


def damaged(place: Place) -> str:
    """A flipped bit or a cut in a stored file or a checkpoint, and a run that meets it."""
    files = [*place.store.glob("*.safetensors"), *place.folder.glob("runs/*/checkpoints/*.safetensors")]
    if not files:
        return "nothing to damage"
    file = place.rng.choice(sorted(files))
    content = bytearray(file.read_bytes())
    at = place.rng.randrange(max(1, len(content)))
    if place.rng.random() < 0.5 and content:
        content[at] ^= 1 << place.rng.randrange(8)
    else:
        del content[at:]
    was_trained = file in trained(place.store)
    file.write_bytes(content)
    end = place.run({0})
    if was_trained and not file.exists():
        place.blame("lost results", f"{file} was damaged and not computed again")
    return f"{file.relative_to(place.folder)} at byte {at}, ended with {end.code}"


def unlocked(place: Place) -> str:
    """Locks that go while a run holds them."""
    process = place.start(place.command())
    place.moment()
    locks = list(place.store.glob("*.lock"))
    for lock in locks:
        lock.unlink(missing_ok=True)
    return f"{len(locks)} locks, ended with {place.end(process, {0}).code}"


def unlisted(place: Place) -> str:
    """A run folder that lost what says what is in it."""
    files = [file for name in ("lock.toml", "summary.json") for file in place.folder.glob(f"runs/*/{name}")]
    if not files:
        return "nothing to delete"
    file = place.rng.choice(sorted(files))
    file.unlink()
    return f"{file.relative_to(place.folder)}, ended with {place.run({0}).code}"


def full(place: Place) -> str:
    """A store on a disk with little room."""
    place.store.mkdir(parents=True, exist_ok=True)
    size = place.rng.choice([8, 16, 32, 64])
    script = f"mount -t tmpfs -o size={size}k tmpfs runs/.store && exec {shlex.join(place.command())}"
    end = place.end(place.start(["unshare", "-m", "sh", "-ec", script]), {0, 4})
    return f"{size} KiB, ended with {end.code}"


def together(place: Place) -> str:
    """Two runs at once with one store."""
    own = ["env", f"FLOWLAB_STORE={place.store}"]
    pair = [place.start([*own, *place.command(out)]) for out in ("runs", "others")]
    codes = [place.end(process, {0}).code for process in pair]
    for name in EXPERIMENTS:
        if results(place.folder / "others" / name) != results(place.folder / "runs" / name):
            place.blame("wrong results", f"{name} of two runs at once")
    return f"ended with {codes}"


def crewed(place: Place, deaths: int, number: signal.Signals | None) -> str:
    """A run with processes, so many of which are killed; it gets a signal itself, if one is named."""
    process = place.start(place.command("runs", *LOCAL))
    killed = 0
    for _ in range(deaths):
        place.moment()
        found = workers(process.pid)
        if found:
            with suppress(ProcessLookupError):
                os.kill(place.rng.choice(found), signal.SIGKILL)
                killed += 1
    if number is not None:
        place.moment()
        process.send_signal(number)
    end = place.end(process, {0} if number is None else INTERRUPTED[number] | {0})
    limit = time.monotonic() + 10
    while members(process.pid):
        if time.monotonic() > limit:
            place.blame("orphans", f"{members(process.pid)} outlived their run")
            break
        time.sleep(0.1)
    return f"{killed} processes killed, ended with {end.code}"


def workers_die(place: Place) -> str:
    """Fewer than make a node look guilty: twice beside others and three times alone."""
    return crewed(place, place.rng.randint(1, 2), None)


def crew_stops(place: Place) -> str:
    """A signal to the run alone."""
    return crewed(place, 0, place.rng.choice(list(INTERRUPTED)))


def all_die(place: Place) -> str:
    """Workers, and then the run."""
    return crewed(place, place.rng.randint(1, 2), signal.SIGKILL)


FAULTS: dict[str, Callable[[Place], str]] = {
    "SIGKILL": stopped(signal.SIGKILL),
    "SIGTERM": stopped(signal.SIGTERM),
    "SIGINT": stopped(signal.SIGINT),
    "damage": damaged,
    "locks deleted": unlocked,
    "manifest deleted": unlisted,
    "full disk": full,
    "two runs": together,
    "workers killed": workers_die,
    "run of workers stopped": crew_stops,
    "workers and run killed": all_die,
}


def one_round(place: Place, name: str) -> None:
    """Some work to do, a fault, and a clean run that must end as the reference did."""
    stored = sorted(place.store.glob("*.safetensors"))
    for path in place.rng.sample(stored, place.rng.randint(0, len(stored))):
        path.unlink()
    before = trained(place.store)
    said = FAULTS[name](place)
    lost = before - trained(place.store)
    if lost:
        place.blame("lost results", f"{sorted(lost)} after {name}")
    place.faults[name] += 1
    place.run({0})
    found = digests(place, "runs")
    for part in sorted({*found, *place.reference}):
        if found.get(part) != place.reference.get(part):
            place.blame("wrong results", f"{part} after {name}")
    print(f"{sum(place.faults.values()):4d}  {name}: {said}", flush=True)


def main() -> int:
    """Rounds until the time is over; the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(FAULTS), default=list(FAULTS), metavar="FAULT")
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), random.Random(given.seed))
        for name, text in EXPERIMENTS.items():
            (place.folder / f"{name}.toml").write_text(text)
        start = time.monotonic()
        place.run({0}, "reference")
        place.length = time.monotonic() - start
        place.reference = digests(place, "reference")
        print(f"a clean run takes {place.length:.1f} s and has {len(place.reference)} digests", flush=True)
        names = given.only
        if (
            "full disk" in names
            and subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode
        ):
            names.remove("full disk")
        while time.monotonic() < end:
            one_round(place, place.rng.choice(names))
    print(f"{sum(place.faults.values())} rounds:", ", ".join(f"{n} {name}" for name, n in place.faults.items()))
    kinds = ("lost results", "wrong results", "hangs", "exit codes", "tracebacks", "orphans")
    print(", ".join(f"{kind} {place.wrong[kind]}" for kind in kinds))
    return int(bool(place.wrong))


if __name__ == "__main__":
    sys.exit(main())
