"""The requirement table: every row of every service, arranged so that a code finds its rows at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from weakref import WeakKeyDictionary

from hub.domain.catalogue import Catalogue, Predicate, Row, Service
from hub.domain.explaining import conditions_in_words, opening

_CODES_REMEMBERED = 16_384
"""How many HS codes a table remembers the listings of: more than the Korean table's 7,400 codes."""


class Conditions:
    """
    Predicates that must all hold. Those with the same text are one object throughout a table.

    What does not depend on an item is worked out once: the text, the words, the facts to read.
    """

    def __init__(self, predicates: tuple[Predicate, ...]) -> None:
        self.predicates = predicates
        self.names = tuple(dict.fromkeys(name for predicate in predicates for name in predicate.names))
        """The facts they read, each once, in order of appearance."""
        texts = [" ".join(predicate.text.split()) for predicate in predicates]
        self.text = " && ".join(f"({text})" for text in texts) if len(texts) > 1 else "".join(texts) or None
        """All of them as written; None when there are none."""
        self.words = conditions_in_words(texts, self.names)

    def hold(self, facts: Mapping[str, object]) -> bool:
        return all(predicate(facts) for predicate in self.predicates)


@dataclass(frozen=True, slots=True)
class Listing:
    """A service whose table has a row for a code, and the row that decides on a given day."""

    place: int
    """The service's place in the catalogue."""
    service: Service
    row: Row
    in_force: bool
    """Whether service and row are in force on that day; if not, `row` is the longest match all the same."""
    conditions: Conditions
    """Of the row and of the service: all must hold for the service to be needed."""
    prohibition: Conditions | None
    opening: str
    """The beginning of every sentence about it."""


@dataclass(frozen=True, slots=True)
class Listings:
    """Every listing of one code on one day, in catalogue order, and the facts that deciding them takes."""

    each: tuple[Listing, ...]
    names: tuple[str, ...]
    has_alternatives: bool
    """Whether some of the services are of an alternative group."""


class RequirementTable:
    """The rows of all services by HS prefix. Built once for a catalogue."""

    def __init__(self, services: Iterable[Service]) -> None:
        self.places: dict[str, int] = {}
        """Place in the catalogue by service code."""
        self.groups: dict[str, tuple[Service, ...]] = {}
        """Members by alternative group, in catalogue order."""
        self.document_types: set[str] = set()
        """LPCO types that some service issues."""
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
            self.document_types.update(service.document_types)
        self._lengths = tuple(sorted({len(prefix) for prefix in self._rows}))
        self._prefixes = sorted(self._rows)
        self._conditions: dict[tuple[str, ...], Conditions] = {}
        self.listings = lru_cache(maxsize=_CODES_REMEMBERED)(self._listings)

    def _listings(self, hs_code: str, day: date) -> Listings:
        """
        One listing for each service with a row whose prefix begins the code, or that the code begins.

        A code of fewer digits than a row may be what the row speaks of: whoever declares less precisely must
        not be asked less. So a service with such rows only is listed by one of them.
        """
        matches: dict[int, tuple[Service, list[Row]]] = {}
        for length in self._lengths:
            if length > len(hs_code):
                break
            for place, service, row in self._rows.get(hs_code[:length], ()):
                matches.setdefault(place, (service, []))[1].append(row)
        for place, service, row in self._below(hs_code, day):
            known = matches.get(place)
            if known is None or _excludes(known[1], day):
                matches[place] = (service, [_as_unsure(row)])
        each = tuple(self._listing(hs_code, place, *matches[place], day) for place in sorted(matches))
        return Listings(
            each,
            tuple(dict.fromkeys([name for listing in each for name in _names(listing)])),
            any(listing.service.alternative_group for listing in each),
        )

    def _below(self, hs_code: str, day: date) -> Iterable[tuple[int, Service, Row]]:
        """Including rows in force of more digits than the code; those without a condition first."""
        below: list[tuple[int, Service, Row]] = []
        for at in range(bisect_right(self._prefixes, hs_code), len(self._prefixes)):
            prefix = self._prefixes[at]
            if not prefix.startswith(hs_code):
                break
            below += [
                entry for entry in self._rows[prefix] if not entry[2].excluded and entry[2].valid.covers(day)
            ]
        return sorted(below, key=lambda entry: entry[2].needed_when is not None)

    def _listing(self, hs_code: str, place: int, service: Service, rows: list[Row], day: date) -> Listing:
        # A shorter row in force decides where a longer one has lapsed. `rows` are in order of length.
        standing = [row for row in rows if row.valid.covers(day)] if service.valid.covers(day) else []
        row = (standing or rows)[-1]
        # A prohibited row forbids what it describes; the service's condition is about permits.
        required = (row.needed_when,) if row.prohibited else (row.needed_when, service.needed_when)
        return Listing(
            place=place,
            service=service,
            row=row,
            in_force=bool(standing),
            conditions=self._shared(required),
            prohibition=None if service.prohibited_when is None else self._shared((service.prohibited_when,)),
            opening=opening(hs_code, row.prefix, service),
        )

    def _shared(self, predicates: Iterable[Predicate | None]) -> Conditions:
        present = tuple([predicate for predicate in predicates if predicate is not None])
        texts = tuple([predicate.text for predicate in present])
        known = self._conditions.get(texts)
        if known is None:
            known = self._conditions[texts] = Conditions(present)
        return known


def _excludes(rows: list[Row], day: date) -> bool:
    standing = [row for row in rows if row.valid.covers(day)]
    return not standing or standing[-1].excluded


def _as_unsure(row: Row) -> Row:
    """Goods that may be the prohibited ones are not prohibited; the agency is asked."""
    return replace(row, prohibited=False)


def _names(listing: Listing) -> tuple[str, ...]:
    return (*listing.conditions.names, *(listing.prohibition.names if listing.prohibition else ()))


_tables: WeakKeyDictionary[Catalogue, RequirementTable] = WeakKeyDictionary()


def table_of(catalogue: Catalogue) -> RequirementTable:
    """The table of a catalogue, built at the first call and kept as long as the catalogue is."""
    table = _tables.get(catalogue)
    if table is None:
        table = _tables[catalogue] = RequirementTable(catalogue.services)
    return table
