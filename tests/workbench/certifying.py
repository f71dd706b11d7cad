"""What the tests of the conformance kit share."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.workbench.conftest import REAL, WorkFolder


def every_agency(tmp_path: Path) -> WorkFolder:
    """A copy of the real folder, whole, to be changed."""
    path = tmp_path / "whole"
    shutil.copytree(REAL, path)
    return WorkFolder(path)
