"""A reader who does all that a document shows, from top to bottom, in a copy of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import stand_in
from attrs import field, frozen
from blocks import Block
from quotation import differs

ROOT = Path(__file__).parents[2]
_COPIED = ("experiments", "plugins", "pyproject.toml", "README.md", "CITATION.cff", "flowlab")


@frozen
class Session:
    """The copy, in `folder`, and in it the place `at` that the document is read in.

    In a rehearsal experiments are checked instead of run, blocks that need a run's results ("needs-run") are left
    out, and so are outputs of runs.
    """

    folder: Path
    at: str = "."
    rehearsal: bool = True
    said: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        ignored = shutil.ignore_patterns("*.egg-info", "__pycache__", "build", "runs")
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, self.folder / "copy" / name, ignore=ignored)
            else:
                shutil.copy(source, self.folder / "copy" / name)
        stand_in.make(self.folder / "bin")
        (self.folder / "site").mkdir()

    @property
    def here(self) -> Path:
        """The current folder."""
        return self.folder / "copy" / self.at

    def faults(self, read: list[Block]) -> Iterator[str]:
        """Do what each block says, and tell what is wrong, with the block's line."""
        compared = False
        for block in read:
            if self.rehearsal and "needs-run" in block.words:
                compared = False
                continue
            match block.language:
                case "sh":
                    compared = not self.rehearsal or "flowlab run" not in block.text
                    fault = self._call("bash", "-euo", "pipefail", "-c", block.text)
                case "text":
                    fault = differs(block.text, self.said[-1], *_tolerance(block)) if compared else ""
                case "toml":
                    fault = self._file(block, "toml") or self._call("flowlab", "check", self._name(block, "toml"))
                case "python":
                    compared = True
                    fault = self._file(block, "py") or self._call("python3", self._name(block, "py"))
                case other:
                    fault = f"a block in {other or 'no language'}: sh, text, toml or python can be checked"
            if fault:
                yield f"line {block.line}: {fault}"

    def _name(self, block: Block, ending: str) -> str:
        return block.words[0] if block.words else f"line-{block.line}.{ending}"

    def _file(self, block: Block, ending: str) -> str:
        """Write a block to its file; one that is there must be the same."""
        path = self.here / self._name(block, ending)
        if path.exists():
            return "" if path.read_text() == block.text else f"{path} is another"
        text = block.text
        if block.language == "toml" and "[experiment]" not in text:  # part of one
            text = f'[experiment]\nname = "fragment"\n\n{text}'
        path.write_text(text)
        return ""

    def _call(self, *command: str) -> str:
        path = os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]])
        environment = {**os.environ, "PATH": path, "ROOT": str(ROOT), "SITE": str(self.folder / "site")}
        if self.rehearsal:
            environment[stand_in.REHEARSAL] = "1"
        done = subprocess.run(
            command,
            env=environment,
            cwd=self.here,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=280,
            check=False,
        )
        self.said.append(done.stdout)
        return f"{command[-1]}\nleaves with {done.returncode}: {done.stdout}" if done.returncode else ""


def _tolerance(block: Block) -> tuple[float, bool]:
    """What the words after `text` allow: "within 0.5", or "within 2 counts"; nothing without them."""
    match block.words:
        case ["within", number, "counts"]:
            return float(number), True
        case ["within", number]:
            return float(number), False
        case _:
            return 0.0, False
