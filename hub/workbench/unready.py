"""What stands in the way at the workbench, told to whoever sits at it."""

from __future__ import annotations


class Unready(Exception):
    """Something that whoever sits at the workbench has to mend first: what is wrong, and the cure."""

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(f"{what}\n    cure: {cure}" if cure else what)
        self.what = what
        self.cure = cure
