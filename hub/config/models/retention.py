"""retention.yaml: how long what is closed stays in the database, and by what law its records are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hub.config.models.base import Duration, FileModel, TimeOfDay
from hub.domain.declaration import Procedure
from hub.domain.model import Text

Years = Annotated[int, Field(ge=1, le=100, strict=True)]


class WindowFile(FileModel):
    """When the hub archives by itself; over midnight where `until` is not after `from`."""

    from_: TimeOfDay = Field(alias="from")
    """When it begins."""
    until: TimeOfDay
    """When it ends: what is left waits for the next."""
    zone: str = "Asia/Seoul"
    """IANA name of the zone of both."""


class PruneFile(FileModel):
    """From which age on is dropped what belongs to no declaration."""

    answer_times: Duration = "731d"
    """How long services took, by day: what is usual is worked out of the last months."""
    bulks: Duration = "400d"
    """Bulk actions that have ended, with their steps; what was done stands in the audit, for good."""
    refused_callbacks: Duration = "400d"
    """Callbacks that were not let in."""
    messages: Duration = "400d"
    """Messages for which no declaration was ever found."""
    exchanges: Duration = "90d"
    """Exchanges about no declaration: log-ins, pages of feeds."""
    cargo_events: Duration = "400d"
    """Where cargo was that no declaration in the database is about."""
    versions: Duration = "1827d"
    """Versions of agencies' files that are not in force, and that no referral in the database was put by."""


class RetentionFile(FileModel):
    """
    retention.yaml: how long what is closed stays in the database, and by what law its records are kept. The
    file need not be there. Nothing is archived before `HUB_ARCHIVE_FOLDER` says where to.
    """

    after: Duration = "90d"
    """
    A declaration that has been closed for so long is archived: a day at least, and no less than Temporal
    keeps what has ended.
    """
    years: dict[Procedure, Years] = {Procedure.IMPORT: 5, Procedure.EXPORT: 3, Procedure.TRANSIT: 2}
    """By procedure: for so many years from its acceptance the records of a declaration must be kept."""
    law: Text = {
        "en": "Customs Act art. 12 and its Enforcement Decree art. 3",
        "ko": "관세법 제12조, 같은 법 시행령 제3조",
    }
    """By which they must be kept, by language; stands in every file of the archive."""
    window: WindowFile | None = None
    """When the hub archives by itself; without it, from 01:00 to 05:00 in Asia/Seoul."""
    per_file: Annotated[int, Field(ge=1, le=10_000, strict=True)] = 500
    """So many declarations in one file of the archive at most."""
    prune: PruneFile = PruneFile()
    """What is dropped when it is old."""
