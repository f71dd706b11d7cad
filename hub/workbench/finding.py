"""Where an agency's file is."""

from __future__ import annotations

from pathlib import Path

from hub.expressions.compiling import nearest
from hub.workbench.unready import Unready


def find(folder: Path, agency: str) -> Path:
    """The agency's file. Raises Unready, with the name that was perhaps meant."""
    if not folder.is_dir():
        raise Unready(
            f"there is no configuration folder {folder}", "name it with --config FOLDER or HUB_CONFIG_FOLDER"
        )
    names = sorted(path.stem for path in (folder / "agencies").glob("*.yaml"))
    if agency not in names:
        like = nearest(agency, names)
        hint = f"did you mean {like!r}?" if like else "`hub agency list` shows those there are"
        raise Unready(f"{folder / 'agencies'} has no file {agency}.yaml", hint)
    return folder / "agencies" / f"{agency}.yaml"
