"""What every file's model is made of."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints


class FileModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, use_attribute_docstrings=True)


HsPrefix = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,12}$")]
Term = Annotated[str, StringConstraints(pattern=r"^[0-9]+(wd|d|h|m|s)$")]
"""20s, 5m, 48h, 30d, or 3wd (working days)."""
Duration = Annotated[str, StringConstraints(pattern=r"^[0-9]+(d|h|m|s)$")]
Cel = Annotated[str, StringConstraints(min_length=1)]
"""A CEL expression. In `needed_when` and `prohibited_when` it stands bare; elsewhere it begins with `=`."""


def _as_written(value: Any) -> Any:
    # Numbers would be taken for seconds since 1970, or since midnight.
    if isinstance(value, int | float):
        raise ValueError("a number is neither a day nor a time")
    return value


Day = Annotated[date, BeforeValidator(_as_written)]
"""yyyy-MM-dd."""
TimeOfDay = Annotated[time, BeforeValidator(_as_written)]
"""HH:mm."""
Moment = Annotated[datetime, BeforeValidator(_as_written)]
"""yyyy-MM-ddTHH:mm, in the zone of the agency's calendar unless it has an offset."""
Reference = Annotated[str, StringConstraints(min_length=1)]
"""A secret, or a file of one: `env:NAME`."""


class ValidSpan(FileModel):
    """Days in force, both included."""

    start: Day | None = None
    end: Day | None = None
