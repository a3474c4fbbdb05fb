"""A step of the build: the experiments at the top of the repository become files of the package in a wheel.

setuptools runs this file by itself, without importing flowlab.
"""

from __future__ import annotations

from pathlib import Path

from setuptools.command.build_py import build_py

SOURCE, TARGET = Path("experiments"), Path("flowlab/experiments")
PATTERNS = ("*.toml", "*.csv", "*.npy", "*.safetensors")  # experiments, and the data that they read


class BuildExperiments(build_py):
    """build_py, with the experiments as data of the package."""

    def build_package_data(self) -> None:
        """Copy the data of the packages, and the experiments."""
        super().build_package_data()
        for target, source in self._experiments().items():
            self.mkpath(str(Path(target).parent))
            self.copy_file(source, target)

    def get_source_files(self) -> list[str]:
        """The files that a source distribution needs."""
        return [*super().get_source_files(), *self._experiments().values()]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """The files that are built; none of the experiments in an editable install, which has them in place."""
        outputs = super().get_outputs(include_bytecode)
        return outputs if self.editable_mode else [*outputs, *self._experiments()]

    def _experiments(self) -> dict[str, str]:
        """Sources by the files that are built of them."""
        files = sorted(path for pattern in PATTERNS for path in SOURCE.glob(pattern))
        return {str(Path(self.build_lib) / TARGET / path.name): str(path) for path in files}
