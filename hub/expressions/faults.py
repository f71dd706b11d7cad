"""What can be wrong with an expression: as written, or when it meets its data."""

from __future__ import annotations


class ExpressionFault(ValueError):
    """
    An expression that cannot be right, whatever the data: found when the configuration is loaded.

    `line` and `column` count from 1 inside the expression; `cure` says what to write instead, or is empty.
    """

    def __init__(self, message: str, *, line: int = 1, column: int = 1, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.cure = cure


class ExpressionFailed(Exception):
    """
    An expression that the data at hand does not fit: `reason` is such as `no key "nope"`.

    `key` is the way to the expression inside its template, empty for an expression that stands alone.
    """

    def __init__(self, text: str, reason: str, *, key: tuple[str | int, ...] = ()) -> None:
        at = ".".join(map(str, key))
        super().__init__(f"{at + ': ' if at else ''}{text}: {reason}")
        self.text = text
        self.reason = reason
        self.key = key


class TreeFaults(ValueError):
    """Every fault of every expression in a template, each with the way to it."""

    def __init__(self, faults: list[tuple[tuple[str | int, ...], ExpressionFault]]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, key))}: {fault}" for key, fault in faults))
        self.faults = faults
