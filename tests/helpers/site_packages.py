"""A folder of installed distributions, and the command line that sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

STAR = '''
from attrs import frozen
from flowlab.api import Result, parameter


@frozen
class Star:
    """Points at the tips of a star."""

    tips: int = parameter(5, help="number of points", ge=2)

    def build(self, context):
        return Result(self.tips, {"tips": self.tips})
'''


@frozen
class SitePackages:
    """Distributions as an installer leaves them in a folder that is on the path."""

    folder: Path

    def add(
        self,
        name: str,
        points: str | bytes,
        modules: Mapping[str, str | bytes] | None = None,
        version: str = "1.0",
        editable: Path | None = None,
        metadata: str | None = None,
    ) -> Path:
        """Install a distribution: its entry_points.txt, its modules by file name; returns its dist-info."""
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" if metadata is None else metadata
        (info / "METADATA").write_text(text)
        (info / "entry_points.txt").write_bytes(points.encode() if isinstance(points, str) else points)
        if editable is not None:
            about = {"url": editable.as_uri(), "dir_info": {"editable": True}}
            (info / "direct_url.json").write_text(json.dumps(about))
        for file, source in (modules or {}).items():
            path = (editable or self.folder) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.encode() if isinstance(source, str) else source)
        return info

    def environment(self, **variables: str) -> dict[str, str]:
        """The environment in which the distributions are installed."""
        own = [str(self.folder), *(str(path) for path in self._sources())]
        path = os.pathsep.join(filter(None, [*own, os.environ.get("PYTHONPATH")]))
        return {**os.environ, "PYTHONPATH": path, **variables}

    def flowlab(self, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return subprocess.run(
            [sys.executable, "-m", "flowlab", *map(str, arguments)],
            env=self.environment(**variables),
            cwd=self.folder.parent,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def _sources(self) -> list[Path]:
        texts = [file.read_text() for file in self.folder.glob("*/direct_url.json")]
        return [Path(json.loads(text)["url"].removeprefix("file://")) for text in texts]
