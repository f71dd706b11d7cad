"""What every file's model is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints


@dataclass(frozen=True)
class Says:
    """What a text holds, in the words of the reference of keys."""

    what: str


class FileModel(BaseModel):
    """A mapping in a file: what it may hold, and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, use_attribute_docstrings=True)


HsPrefix = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,12}$"), Says("2 to 12 digits")]
Term = Annotated[
    str, StringConstraints(pattern=r"^([0-9]+(wd|d|h|m|s)|[0-9]+wd\+[0-9]+(h|m))$"), Says("term")
]
"""20s, 5m, 48h, 30d, 3wd (working days), or 2wd+4h: working days, and hours after them."""
Duration = Annotated[str, StringConstraints(pattern=r"^[0-9]+(d|h|m|s)$"), Says("duration")]
Cel = Annotated[str, StringConstraints(min_length=1), Says("expression")]
"""A CEL expression. In `needed_when` and `prohibited_when` it stands bare; elsewhere it begins with `=`."""


def _as_written(value: Any) -> Any:
    # Numbers would be taken for seconds since 1970, or since midnight.
    if isinstance(value, int | float):
        raise ValueError("a number is neither a day nor a time")
    return value


Day = Annotated[date, BeforeValidator(_as_written), Says("day")]
"""yyyy-MM-dd."""
TimeOfDay = Annotated[time, BeforeValidator(_as_written), Says("time of day")]
"""HH:mm."""
Moment = Annotated[datetime, BeforeValidator(_as_written), Says("moment")]
"""yyyy-MM-ddTHH:mm, in the zone of the agency's calendar unless it has an offset."""


class Holds(StrEnum):
    """What a text of the credentials is; `hub.config.references` finds it by this mark on its type."""

    SECRET = "secret"  # noqa: S105 - a kind, not a secret
    """It proves something: `env:NAME` and nothing else."""
    KEY_FILE = "key_file"
    """`env:NAME` of the path of a PEM file that holds a key, or stands beside one."""
    TRUST_FILE = "trust_file"
    """A PEM file below the folder, or `env:NAME` of a path: whom to trust."""
    OPEN = "open"
    """No secret: a user name, a scope. It may be `env:NAME` all the same."""


Reference = Annotated[str, StringConstraints(min_length=1), Holds.SECRET]
"""A secret: `env:NAME`."""
KeyFile = Annotated[str, StringConstraints(min_length=1), Holds.KEY_FILE]
"""`env:NAME` of the path of a PEM file of ours."""
TrustFile = Annotated[str, StringConstraints(min_length=1), Holds.TRUST_FILE]
"""Whom to trust: a PEM file below the folder, or `env:NAME` of the path of one."""


class ValidSpan(FileModel):
    """Days in force, both included."""

    start: Day | None = None
    """First day in force."""
    end: Day | None = None
    """Last day in force."""
