"""The requirement table: every row of every service, arranged so that a code finds its rows at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from weakref import WeakKeyDictionary

from hub.domain.catalogue import Catalogue, Predicate, Row, Service

_CODES_REMEMBERED = 16_384
"""How many HS codes a table remembers the listings of: more than the Korean table's 7,400 codes."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A service whose table has a row for a code, and the row that decides on a given day."""

    place: int
    """The service's place in the catalogue."""
    service: Service
    row: Row
    in_force: bool
    """Whether service and row are in force on that day; if not, `row` is the longest match all the same."""
    conditions: tuple[Predicate, ...]
    """Of the row and of the service: all must hold for the service to be needed."""
    names: tuple[str, ...]
    """The facts that these conditions and the service's prohibition read, each once."""


class RequirementTable:
    """The rows of all services by HS prefix. Built once for a catalogue."""

    def __init__(self, services: Iterable[Service]) -> None:
        self.places: dict[str, int] = {}
        """Place in the catalogue by service code."""
        self.groups: dict[str, tuple[Service, ...]] = {}
        """Members by alternative group, in catalogue order."""
        self.issuers: dict[str, frozenset[str]] = {}
        """Codes of the services that issue an LPCO type."""
        self._rows: dict[str, list[tuple[int, Service, Row]]] = {}
        for place, service in enumerate(services):
            self.places[service.code] = place
            for row in service.rows:
                self._rows.setdefault(row.prefix, []).append((place, service, row))
            if service.alternative_group is not None:
                self.groups[service.alternative_group] = (
                    *self.groups.get(service.alternative_group, ()),
                    service,
                )
            for lpco_type in service.document_types:
                self.issuers[lpco_type] = self.issuers.get(lpco_type, frozenset()) | {service.code}
        self._lengths = tuple(sorted({len(prefix) for prefix in self._rows}))
        self.listings = lru_cache(maxsize=_CODES_REMEMBERED)(self._listings)

    def _listings(self, hs_code: str, day: date) -> tuple[Listing, ...]:
        """One listing for each service with a row whose prefix begins the code, in catalogue order."""
        matches: dict[int, tuple[Service, list[Row]]] = {}
        for length in self._lengths:
            if length > len(hs_code):
                break
            for place, service, row in self._rows.get(hs_code[:length], ()):
                matches.setdefault(place, (service, []))[1].append(row)
        return tuple(self._listing(place, *matches[place], day) for place in sorted(matches))

    def _listing(self, place: int, service: Service, rows: list[Row], day: date) -> Listing:
        # A shorter row in force decides where a longer one has lapsed. `rows` are in order of length.
        standing = [row for row in rows if row.valid.covers(day)] if service.valid.covers(day) else []
        row = (standing or rows)[-1]
        # A prohibited row forbids what it describes; the service's condition is about permits.
        conditions = (row.needed_when,) if row.prohibited else (row.needed_when, service.needed_when)
        reading = tuple(condition for condition in conditions if condition is not None)
        decisive = (*reading, service.prohibited_when) if service.prohibited_when is not None else reading
        return Listing(
            place=place,
            service=service,
            row=row,
            in_force=bool(standing),
            conditions=reading,
            names=tuple(dict.fromkeys(name for predicate in decisive for name in predicate.names)),
        )


_tables: WeakKeyDictionary[Catalogue, RequirementTable] = WeakKeyDictionary()


def table_of(catalogue: Catalogue) -> RequirementTable:
    """The table of a catalogue, built at the first call and kept as long as the catalogue is."""
    table = _tables.get(catalogue)
    if table is None:
        table = _tables[catalogue] = RequirementTable(catalogue.services)
    return table
