"""Interrupts at random moments, by hand: `python tests/faults/interrupt_moments.py --moments 500 --seed 0`.

A command begins, and gets SIGINT, SIGTERM or SIGHUP at a moment that is equally likely anywhere between the first
line of flowlab and its end. It ends with 128 + signal and a line that says so, or, where it was done already, with
0. Exit code 1 where an exit code, a traceback or an internal error is unexpected, or a command didn't end.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import field, frozen

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The console script, which says when our first line is next.
COMMAND = """
import os, sys
from flowlab.__main__ import main
os.write(int(os.environ["STARTED"]), b"!")
main()
"""
EXPERIMENT = """
[experiment]
name = "moments"
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
steps = 100

[denoiser.al]
use = "shallow-relu"
dataset = "box"
schedule = "levels"
optimizer = "al"
width = 20

[integrator.ddim]
use = "ddim"

[flow.pf]
use = "probability"
denoiser = "al"
integrator = "ddim"
samples = 20

[classifier.ends]
use = "stable-points"
flow = ["pf"]

[analysis.fractions]
use = "class-fractions"
classifier = "ends"

[figure.bars]
use = "class-bars"
classifier = ["ends"]
"""
COMMANDS = {  # and how many of ten moments each gets: processes take long to start
    ("run", "moments.toml", "--device", "cpu", "--no-store"): 4,
    ("run", "moments.toml", "--device", "cpu", "--executor", "local", "--set", "executor.workers=1"): 1,
    ("check", "moments.toml"): 3,
    ("list-components",): 2,
}


@frozen
class Ending:
    """How a command ended, how long it took since our first line, and what is wrong with that, if anything."""

    code: int | None
    error: str
    seconds: float
    fault: str = field(default="")


def run_command(folder: Path, arguments: Sequence[str], number: signal.Signals, moment: float | None) -> Ending:
    """A command that gets a signal so many seconds after our first line, or none."""
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, "STARTED": str(writer), "OMP_NUM_THREADS": "1"},
        pass_fds=[writer],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: [signal.signal(each, signal.SIG_DFL) for each in SIGNALS],
        start_new_session=True,
    ) as process:
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        start = time.monotonic()
        try:
            if moment is not None:
                time.sleep(moment)
                process.send_signal(number)
            _, error = process.communicate(timeout=100)
        except subprocess.TimeoutExpired:
            process.kill()
            _, error = process.communicate()
            return Ending(None, error, time.monotonic() - start, "it did not end")
    return Ending(
        process.returncode, error, time.monotonic() - start, find_fault(process.returncode, error, number)
    )


def find_fault(code: int, error: str, number: signal.Signals) -> str:
    """What is wrong with a command's end."""
    if "Traceback" in error or "internal error" in error or "Exception ignored" in error:
        return "it tells of an error"
    if code == 0:
        return ""
    if code != 128 + number:
        return f"exit code {code}, not {128 + number}"
    lines = error.splitlines()
    return "" if sum("interrupted" in line for line in lines) <= 1 else "it says so more than once"


def interrupt_at_random(
    folder: Path, moments: int, seed: int, commands: Mapping[tuple[str, ...], int] = COMMANDS
) -> Counter[str]:
    """The number of ends by code, and of those that are wrong."""
    (folder / "moments.toml").write_text(EXPERIMENT)
    rng = random.Random(seed)
    lengths = {command: run_command(folder, command, signal.SIGINT, None) for command in commands}
    counts: Counter[str] = Counter()
    for command, whole in lengths.items():
        if whole.code != 0:
            raise RuntimeError(f"{' '.join(command)} fails of itself: {whole.error}")
        print(f"{' '.join(command)}: {whole.seconds:.2f} s without a signal", flush=True)
    for _ in range(moments):
        (command,) = rng.choices(list(commands), list(commands.values()))
        number = rng.choice(SIGNALS)
        moment = rng.uniform(0.0, lengths[command].seconds)
        ending = run_command(folder, command, number, moment)
        counts[f"{number.name} {ending.code}"] += 1
        if ending.fault:
            counts["wrong"] += 1
            said = f"{' '.join(command)}, {number.name} after {moment:.3f} s: {ending.fault}"
            print(f"WRONG {said}: {ending.error.strip()}", flush=True)
    return counts


def main() -> int:
    """The counts of all moments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = interrupt_at_random(Path(folder), given.moments, given.seed)
    print(", ".join(f"{name}: {number}" for name, number in sorted(counts.items())))
    return int(counts["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
