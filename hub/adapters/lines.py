"""
The lines to all agencies: each agency in each version that a referral is served by.

A referral keeps the mapping, the operations and the verdicts of the version it was accepted under. Everything
else is the newest file's: where the agency is, how the hub proves itself, how hard it may be pushed. So an
agency has one set of limits, however many of its versions are open.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from hub.adapters.archive import Archive, Edition
from hub.adapters.line import Line
from hub.domain.errors import NotUnderstood
from hub.ports import Clock

_REMEMBERED = 64
"""Lines of earlier versions; what was not used for longest is prepared again when it is asked for."""


class Lines:
    """For several threads; changed by one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._environment: Mapping[str, str] = {}
        self._archive: Archive | None = None
        self._newest: dict[str, Line] = {}
        self._editions: dict[str, Edition] = {}
        """What `_newest` was made of."""
        self._older: OrderedDict[tuple[str, str], Line] = OrderedDict()
        self._lock = threading.Lock()

    def change(
        self, editions: Mapping[str, Edition], environment: Mapping[str, str], archive: Archive | None
    ) -> None:
        """
        From now on these are in force. What is under way goes on as it was begun.

        An agency that is not among them any more keeps its line: its open referrals are still asked about.
        """
        with self._lock:
            for slug, edition in editions.items():
                before = self._newest.get(slug)
                if before is None or not before.is_of(edition.version, edition.zone, environment):
                    self._newest[slug] = self._line(edition, environment, before)
                    self._editions[slug] = edition
            self._environment = environment
            self._archive = archive
            # They speak as the newest file says.
            self._older.clear()

    def all(self) -> list[Line]:
        """Every line there is."""
        with self._lock:
            return [*self._newest.values(), *self._older.values()]

    def at_hand(self, agency: str, version: str | None = None) -> Line | None:
        """
        The agency in that version, or in its newest; None when the archive must be asked.

        Never blocks.
        """
        with self._lock:
            newest = self._newest.get(agency)
            if newest is None or version is None or newest.version == version:
                return newest
            older = self._older.get((agency, version))
            if older is not None:
                self._older.move_to_end((agency, version))
            elif self._archive is None:
                return newest
            return older

    def fetch(self, agency: str, version: str | None = None) -> Line:
        """
        As `at_hand`, but asks the archive. Blocking.

        A version that was never kept is older than the keeping: such a referral is served by the newest
        file, as it was then. Raises NotUnderstood for an agency that nobody has ever heard of, and where the
        version cannot be read; AgencyUnavailable while the archive does not answer.
        """
        line = self.at_hand(agency, version)
        if line is not None:
            return line
        archive = self._archive
        last = archive.last(agency) if archive is not None else None
        newest = self.at_hand(agency)
        if newest is None:
            kept = archive.edition(agency, last) if archive is not None and last is not None else None
            if kept is None:
                raise NotUnderstood(f"there is no agency {agency!r} in the configuration")
            with self._lock:
                newest = self._newest.setdefault(agency, self._line(kept, self._environment, None))
                self._editions.setdefault(agency, kept)
        if version is None or newest.version == version:
            return newest
        edition = archive.edition(agency, version) if archive is not None else None
        with self._lock:
            # The newest may be another by now.
            line = newest = self._newest[agency]
            if edition is not None and archive is not None:
                if version != last:
                    edition = archive.where_newest_is(edition, self._editions[agency])
                # Else another process has taken a file that this one is about to find: that is no older one.
                line = self._beside(newest, edition)
            self._older[agency, version] = line
            while len(self._older) > _REMEMBERED:
                self._older.popitem(last=False)
            return line

    def _line(self, edition: Edition, environment: Mapping[str, str], before: Line | None) -> Line:
        file, version, contracts = edition.file, edition.version, edition.contracts
        return Line(file, version, contracts, environment, edition.zone, self._clock, before=before)

    def _beside(self, newest: Line, edition: Edition) -> Line:
        file, version, contracts = edition.file, edition.version, edition.contracts
        environment = self._environment
        return Line(file, version, contracts, environment, edition.zone, self._clock, beside=newest)
