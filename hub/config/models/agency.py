"""agencies/<agency>.yaml, whole."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from hub.config.models.base import FileModel
from hub.config.models.channel import ChannelFile
from hub.config.models.services import ServiceFile
from hub.domain.model import Slug, Text
from hub.domain.referral import Verdict

TableName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class AgencyFile(FileModel):
    """agencies/<agency>.yaml, top to bottom: who, when, how, how hard, how long."""

    agency: Slug
    """Equals the file's name."""
    name: Text
    """By language; `en` is required, here and for every text."""
    contact: str
    """Who looks after the agency's system."""
    calendar: Slug = "default"
    """One of calendar.yaml."""
    note: str | None = None
    """Free text."""
    services: Annotated[dict[Slug, ServiceFile], Field(min_length=1)]
    """By code, unique among all agencies."""
    tables: dict[TableName, dict[str, str | int | float | bool]] = {}
    """Code lists of this agency, as `table.units[...]` in its expressions."""
    channel: ChannelFile
    """How it is spoken to."""
    verdicts: Annotated[dict[str, Verdict], Field(min_length=1)]
    """The agency's own words, and what each means."""
