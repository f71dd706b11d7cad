"""Which version of the hub this is."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@cache
def hub_version() -> str:
    """As installed; where the code only lies there, as in the image, as its project file says."""
    try:
        return version("single-window-hub")
    except PackageNotFoundError:
        project = Path(__file__).parent.parent / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
