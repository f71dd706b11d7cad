"""
What people may do to a declaration that is under way: each step says what comes of it, or why it may not be.

A step is a pure function. It is given what stands, what is asked for and the time, and gives the events that
are to be recorded; what these make of the case `hub.domain.life` alone says.
"""

from __future__ import annotations


class StepRefused(Exception):
    """
    What was asked for may not happen, as things stand.

    `code` is a slug that names the reason once and for all (`already-released`, `closed`, ...); `detail`
    says it in words, with what may be done instead; `pointer` is a JSON pointer (RFC 6901) to the part of
    what was asked that is at fault, when it is one part.
    """

    def __init__(self, code: str, detail: str, pointer: str | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.pointer = pointer
