"""flowlab: a declarative experiment language for studying where diffusion flows end."""

from importlib.metadata import version

__version__ = version("flowlab")
