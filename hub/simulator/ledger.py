"""What the simulated agencies have received and said: the evidence that nothing was done twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from hub.domain.referral import Verdict
from hub.simulator.journal import Journal

_KIND = "application"


@dataclass
class Application:
    """What a submission says, whatever contract it came by. `reference` is the hub's."""

    reference: str
    service: str
    mrn: str
    ucr: str
    items: tuple[int, ...]


@dataclass
class Ruling:
    """One decision of a case, made when it is `due_at`."""

    id: str
    word: str
    verdict: Verdict | None
    """None for a word that is not in the vocabulary."""
    due_at: datetime
    items: tuple[int, ...]
    certificate: str | None
    remarks: str


@dataclass
class Case:
    """One application that took effect, with all that the agency will say of it."""

    receipt: str
    opened_at: datetime
    rulings: list[Ruling] = field(default_factory=list)

    def ruling(self, now: datetime) -> Ruling | None:
        """The latest ruling made so far."""
        made = [ruling for ruling in self.rulings if ruling.due_at <= now]
        return made[-1] if made else None


@dataclass
class Told:
    """One message to the hub: a callback, or an entry of the feed."""

    id: str
    ruling: str
    times: int = 1
    """How often it is to be told."""
    taken: int = 0
    """How often the hub has taken it."""
    attempts: int = 0
    """How often a callback was sent."""
    status: int | None = None
    """HTTP status of the last callback; None when there was no answer."""

    @property
    def done(self) -> bool:
        return self.taken >= self.times


@dataclass
class Entry:
    """Everything about one (agency, our reference)."""

    agency: str
    application: Application
    submits: int = 0
    """Submissions received, those included that failed."""
    lookups: int = 0
    polls: int = 0
    cases: list[Case] = field(default_factory=list)
    messages: list[Told] = field(default_factory=list)

    @property
    def effects(self) -> int:
        """How often the application took effect; more than once is what must never happen."""
        return len(self.cases)

    def view(self, now: datetime) -> dict[str, Any]:
        """The entry as the ledger shows it."""
        ruling = self.cases[0].ruling(now) if self.cases else None
        return {
            "agency": self.agency,
            "reference": self.application.reference,
            "service": self.application.service,
            "mrn": self.application.mrn,
            "ucr": self.application.ucr,
            "submits": self.submits,
            "effects": self.effects,
            "lookups": self.lookups,
            "polls": self.polls,
            "receipts": [case.receipt for case in self.cases],
            "callbacks": [
                {"message": told.id, "attempts": told.attempts, "status": told.status}
                for told in self.messages
                if told.attempts
            ],
            "decision": None
            if ruling is None
            else {"word": ruling.word, "verdict": ruling.verdict, "at": ruling.due_at.isoformat()},
        }


class Ledger:
    """All entries. What changes is written down at once, so that a killed simulator knows it again."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._entries: dict[tuple[str, str], Entry] = {}
        self._by_receipt: dict[tuple[str, str], tuple[Entry, Case]] = {}
        for _, document in journal.read(_KIND):
            self._add(_entry(document))

    def _add(self, entry: Entry) -> None:
        self._entries[entry.agency, entry.application.reference] = entry
        for case in entry.cases:
            self._by_receipt[entry.agency, case.receipt] = (entry, case)

    def find(self, agency: str, reference: str) -> Entry | None:
        """What is known of our reference."""
        return self._entries.get((agency, reference))

    def by_receipt(self, agency: str, receipt: str) -> tuple[Entry, Case] | None:
        """The case with the agency's receipt number."""
        return self._by_receipt.get((agency, receipt))

    def received(self, agency: str, application: Application) -> Entry:
        """Count a submission."""
        entry = self.find(agency, application.reference)
        if entry is None:
            entry = Entry(agency, application)
            self._add(entry)
        entry.submits += 1
        self.save(entry)
        return entry

    def open(self, entry: Entry, case: Case) -> None:
        """Let a submission take effect."""
        entry.cases.append(case)
        self._by_receipt[entry.agency, case.receipt] = (entry, case)
        self.save(entry)

    def save(self, entry: Entry) -> None:
        """Write an entry down. Counts of look-ups and polls are written with the next change."""
        self._journal.write(_KIND, f"{entry.agency} {entry.application.reference}", asdict(entry))

    def entries(self, *, agency: str | None = None, mrn: str | None = None) -> list[Entry]:
        """The entries in the order of their first submission."""
        return [
            entry
            for entry in self._entries.values()
            if agency in (None, entry.agency) and mrn in (None, entry.application.mrn)
        ]

    def clear(self) -> None:
        self._entries.clear()
        self._by_receipt.clear()


def summary(entries: Iterable[Entry]) -> dict[str, Any]:
    """Sums over entries; `effects_over_one` lists the applications that took effect more than once."""
    entries = list(entries)
    return {
        "applications": len(entries),
        "submits": sum(entry.submits for entry in entries),
        "effects": sum(entry.effects for entry in entries),
        "effects_over_one": [entry.application.reference for entry in entries if entry.effects > 1],
        "lookups": sum(entry.lookups for entry in entries),
        "polls": sum(entry.polls for entry in entries),
        "callbacks": sum(told.attempts for entry in entries for told in entry.messages),
    }


def _entry(document: dict[str, Any]) -> Entry:
    application = document["application"]
    return Entry(
        agency=document["agency"],
        application=Application(**{**application, "items": tuple(application["items"])}),
        submits=document["submits"],
        lookups=document["lookups"],
        polls=document["polls"],
        cases=[_case(case) for case in document["cases"]],
        messages=[Told(**told) for told in document["messages"]],
    )


def _case(document: dict[str, Any]) -> Case:
    return Case(
        receipt=document["receipt"],
        opened_at=datetime.fromisoformat(document["opened_at"]),
        rulings=[
            Ruling(
                **{
                    **ruling,
                    "verdict": Verdict(ruling["verdict"]) if ruling["verdict"] else None,
                    "due_at": datetime.fromisoformat(ruling["due_at"]),
                    "items": tuple(ruling["items"]),
                }
            )
            for ruling in document["rulings"]
        ],
    )
