"""
Archiving: closed declarations are written to a file first, and leave the store after that.

What a crash leaves half done is gone on with:

1. A file that was begun and is not written down in the store stands for nothing, and is removed.
2. A file that is written down gets its name, whoever wrote it.
3. What is in a file that has its name leaves the store, if it is still exactly what the file says.

So a declaration is in the store, or in a file that the store names, or for a moment in both; never lost.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from hub.domain.archive import Entry, Heading, NotWhole, Previous, section
from hub.operations.retention.folder import SUFFIX, ArchiveFolder, Written
from hub.ports import Audited, Clock, UserRole
from hub.ports.retention import (
    ArchiveFile,
    Closed,
    Done,
    LeaseLost,
    LegalHold,
    NotNow,
    Pruned,
    RetentionPolicy,
    RetentionStore,
    Tombstone,
)
from hub.version import hub_version

_LEASE = timedelta(minutes=5)
"""For one file: from choosing what is in it until all of it has left."""
_LEAVE_AT_ONCE = 10
"""Declarations in one transaction: others who write wait for some tens of milliseconds at most."""
_PRUNE_AT_ONCE = 500
_PAGE = 500

log = structlog.get_logger(__name__)


@dataclass
class Progress:
    """What rounds have come to in this process."""

    archived: int = 0
    pruned: dict[Pruned, int] = field(default_factory=dict)


class Archiver:
    """Archives for one process. Blocking."""

    def __init__(
        self,
        store: RetentionStore,
        folder: ArchiveFolder,
        clock: Clock,
        process: str,
        audit: Callable[[Audited], object],
    ) -> None:
        """`audit` writes a line down."""
        self._store = store
        self._folder = folder
        self._clock = clock
        self._process = process
        self._audit = audit
        self.progress = Progress()

    def plan(self, policy: RetentionPolicy) -> Iterator[Closed]:
        """What would leave now, those closed first first."""
        before, after = self._clock() - policy.after, None
        while page := self._store.archivable(before, after, _PAGE):
            yield from page
            after = page[-1]

    def go_round(
        self, policy: RetentionPolicy, by: str, role: UserRole = UserRole.ADMIN, limit: int | None = None
    ) -> Done:
        """
        Go on with what was left half done; then archive one file. Raises NotNow, OSError, and NotWhole where
        a file that is written down is not in the folder.
        """
        if not self._store.lease_retention(self._process, self._clock(), _LEASE):
            raise NotNow("another process archives at this moment")
        try:
            done = self._archive(policy, limit)
        except LeaseLost as lost:
            raise NotNow(str(lost)) from lost
        finally:
            self._store.end_retention(self._process, self._clock())
        self.progress.archived += done.left
        if done.file is not None or done.left:
            self._note(by, role, done)
        return done

    def prune(self, policy: RetentionPolicy) -> dict[Pruned, int]:
        """Drop what belongs to no declaration and is old enough, in small pieces."""
        now, dropped = self._clock(), {}
        for what in Pruned:
            # What the law no longer asks for goes by its own date.
            before = now if what is Pruned.TOMBSTONES else now - policy.prune[what]
            count = 0
            while some := self._store.prune(what, before, _PRUNE_AT_ONCE):
                count += some
            if count:
                dropped[what] = count
                self.progress.pruned[what] = self.progress.pruned.get(what, 0) + count
        if dropped:
            log.info("retention.pruned", dropped={what.value: count for what, count in dropped.items()})
        return dropped

    # --- holds ------------------------------------------------------------------------------------------

    def hold(self, mrn: str, by: str, role: UserRole, reason: str) -> bool:
        """Have a declaration stay, whatever its age. False when it is held. Raises KeyError."""
        now = self._clock()
        held = self._store.hold(LegalHold(mrn=mrn, at=now, by=by, reason=reason))
        if held:
            line = Audited(at=now, user=by, role=role, action="archive.hold", reason=reason, result="done")
            self._audit(line.model_copy(update={"mrn": mrn}))
        return held

    def lift(self, mrn: str, by: str, role: UserRole, reason: str) -> bool:
        """Let a declaration go that was held. False when it was not."""
        held = self._store.lift(mrn)
        if held is not None:
            self._audit(
                Audited(
                    at=self._clock(),
                    user=by,
                    role=role,
                    action="archive.lift",
                    mrn=mrn,
                    reason=reason,
                    result="done",
                    data={"held_by": held.by, "held_for": held.reason},
                )
            )
        return held is not None

    # --- reading what was archived ----------------------------------------------------------------------

    def record(self, tombstone: Tombstone) -> list[dict[str, object]]:
        """All lines of an archived declaration, out of its file. Raises NotWhole, OSError."""
        return self._folder.record(tombstone.file, tombstone.offset, tombstone.digest)

    # --- one round --------------------------------------------------------------------------------------

    def _archive(self, policy: RetentionPolicy, limit: int | None) -> Done:
        under_way = self._store.archive_files(under_way=True)
        swept = self._folder.sweep(file.name for file in under_way)
        left = stayed = 0
        for file in under_way:
            some, rest = self._empty(file)
            left, stayed = left + some, stayed + rest
        closed = self._store.archivable(
            self._clock() - policy.after, None, min(policy.per_file, limit or policy.per_file)
        )
        if not closed:
            return Done(left=left, stayed=stayed, swept=swept)
        file, written = self._export(closed, policy)
        some, rest = self._empty(file, written)
        return Done(
            file=file.name,
            exported=len(written.entries),
            left=left + some,
            stayed=stayed + rest,
            swept=swept,
        )

    def _export(self, closed: Sequence[Closed], policy: RetentionPolicy) -> tuple[ArchiveFile, Written]:
        """Write a file and write it down; it has no name yet."""
        now = self._clock()
        # A name of its own for every attempt: nothing is ever written over. Names sort as files were made.
        name = f"{now:%Y/%m}/{now:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}{SUFFIX}"
        last = self._store.last_archive_file()
        head = Heading(
            name=name,
            made_at=now,
            made_by=hub_version(),
            previous=None if last is None else Previous(name=last.name, sha256=last.sha256),
            law=dict(policy.law),
        )
        written = self._folder.write(head, self._sections(closed, policy))
        file = ArchiveFile(
            name=name,
            sha256=written.sha256,
            size=written.size,
            declarations=len(written.entries),
            made_at=now,
            keep_until=max((entry.keep_until for entry, _ in written.entries), default=now),
        )
        self._store.note_archive_file(file, self._process)
        return file, written

    def _sections(
        self, closed: Sequence[Closed], policy: RetentionPolicy
    ) -> Iterator[tuple[Entry, list[bytes]]]:
        for one in closed:
            record = self._store.record_of(one.mrn)
            if not record:
                continue
            lines, digest = section(one.mrn, record)
            declared = record[0]
            accepted_at = datetime.fromisoformat(declared["accepted_at"])
            yield (
                Entry(
                    mrn=one.mrn,
                    digest=digest,
                    lines=len(lines),
                    accepted_at=accepted_at,
                    closed_at=one.closed_at,
                    outcome=declared["outcome"],
                    keep_until=policy.keep_until(declared["procedure"], accepted_at),
                ),
                lines,
            )

    def _empty(self, file: ArchiveFile, written: Written | None = None) -> tuple[int, int]:
        """Have what is in a file leave the store; how many left now, and how many stay."""
        self._folder.publish(file.name, file.sha256)
        # Read back, from the disk: only what can be read again is deleted.
        entries = self._folder.entries(file.name)
        if written is not None and tuple(entries) != written.entries:
            raise NotWhole(f"{file.name} reads otherwise than it was written")
        gone = {one.mrn for one in self._store.tombstones(file.name)}
        leaving = [one for one in entries if one[0].mrn not in gone]
        left = 0
        for start in range(0, len(leaving), _LEAVE_AT_ONCE):
            now = self._clock()
            # Renewed with each step, so that it lasts as long as the work does.
            self._store.lease_retention(self._process, now, _LEASE)
            left += self._store.leave(file.name, leaving[start : start + _LEAVE_AT_ONCE], now, self._process)
        self._store.empty_archive_file(file.name, self._clock())
        log.info("retention.archived", file=file.name, left=left, stayed=len(leaving) - left)
        return left, len(leaving) - left

    def _note(self, by: str, role: UserRole, done: Done) -> None:
        self._audit(
            Audited(
                at=self._clock(),
                user=by,
                role=role,
                action="archive.run",
                result=f"{done.left} declarations archived",
                data={"file": done.file or "", "stayed": str(done.stayed)},
            )
        )
