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
    """
    What a submission says, whatever contract it came by. `reference` is the hub's; `masses` are the net
    masses of the items in kilograms, as they were told: evidence that no quantity is lost on the way.
    """

    reference: str
    service: str
    mrn: str
    ucr: str
    items: tuple[int, ...]
    masses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Enclosure:
    """A document that came with a supplement; of its content only what proves that it came whole."""

    name: str
    media_type: str
    sha256: str
    """Of the content as it arrived, in hexadecimal."""
    size: int
    """Octets."""


@dataclass(frozen=True)
class Supplement:
    """What the declarant answers to the agency's question. The same `id` again is the same supplement."""

    id: str
    question: str
    """The agency's number of the ruling that asked; empty where none is named."""
    text: str
    enclosures: tuple[Enclosure, ...] = ()


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
    revision: int = 1
    """The revision of the application that it speaks of."""


@dataclass
class Case:
    """One application that took effect, with all that the agency will say of it."""

    receipt: str
    opened_at: datetime
    rulings: list[Ruling] = field(default_factory=list)
    revision: int = 1
    """Of its content: 1 as submitted, and what the hub called the latest amendment."""
    amendments: int = 0
    """How many took effect."""
    withdrawn_at: datetime | None = None
    reason: str = ""
    """Why it was withdrawn, in the contract's own code."""
    words: str = ""
    """The same in words."""
    supplements: list[Supplement] = field(default_factory=list)
    reminded: int = 0

    @property
    def live(self) -> bool:
        """Whether it is still asked for."""
        return self.withdrawn_at is None

    def made(self, now: datetime) -> list[Ruling]:
        """The rulings made so far about the content as it stands, oldest first."""
        return [one for one in self.rulings if one.due_at <= now and one.revision == self.revision]

    def standing(self, now: datetime) -> list[Ruling]:
        """Those of them that hold: for each goods item the latest."""
        made = self.made(now)
        return [
            one
            for place, one in enumerate(made)
            if not set(one.items) <= {item for later in made[place + 1 :] for item in later.items}
        ]

    def ruling(self, now: datetime, turn: int = 0) -> Ruling | None:
        """
        A ruling that holds; None while there is none, and once the application is withdrawn.

        An answer has room for one: where several hold, as they do when items are judged one by one, they are
        told in turn.
        """
        standing = self.standing(now) if self.live else []
        return standing[turn % len(standing)] if standing else None


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
    void: bool = False
    """What it was to tell is asked no more; it is told no more."""

    @property
    def done(self) -> bool:
        return self.void or self.taken >= self.times


@dataclass
class Entry:
    """Everything about one (agency, our reference)."""

    agency: str
    application: Application
    submits: int = 0
    """Submissions received, those included that failed."""
    lookups: int = 0
    polls: int = 0
    amends: int = 0
    """Amendments received, those included that failed or came again; so `withdraws` and `informs`."""
    withdraws: int = 0
    informs: int = 0
    cases: list[Case] = field(default_factory=list)
    messages: list[Told] = field(default_factory=list)

    @property
    def effects(self) -> int:
        """How often the application took effect; more than once is what must never happen."""
        return len(self.cases)

    @property
    def live(self) -> int:
        """How many of its applications are still asked for."""
        return sum(case.live for case in self.cases)

    def view(self, now: datetime) -> dict[str, Any]:
        """The entry as the ledger shows it; where submissions add up, revision and decisions of the first."""
        first = self.cases[0] if self.cases else None
        made = first.made(now) if first is not None else []
        withdrawn = [case for case in self.cases if not case.live]
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
            "live": self.live > 0,
            "revision": first.revision if first is not None else 0,
            "amendments": sum(case.amendments for case in self.cases),
            "withdrawals": len(withdrawn),
            "withdrawal": {"reason": withdrawn[-1].reason, "words": withdrawn[-1].words}
            if withdrawn
            else None,
            "informed": sum(len(case.supplements) for case in self.cases),
            "supplements": [asdict(one) for case in self.cases for one in case.supplements],
            "reminded": sum(case.reminded for case in self.cases),
            "requests": {"amend": self.amends, "withdraw": self.withdraws, "inform": self.informs},
            "decision": _shown(made[-1]) if made else None,
            "decisions": [_shown(ruling) for ruling in made],
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
        """Let a submission take effect. It is written down with the messages that will tell of it."""
        entry.cases.append(case)
        self._by_receipt[entry.agency, case.receipt] = (entry, case)

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
    """
    Sums over entries. `effects_over_one` lists the applications that took effect more than once, `live` those
    that are still asked for.
    """
    entries = list(entries)
    return {
        "applications": len(entries),
        "submits": sum(entry.submits for entry in entries),
        "effects": sum(entry.effects for entry in entries),
        "effects_over_one": [entry.application.reference for entry in entries if entry.effects > 1],
        "lookups": sum(entry.lookups for entry in entries),
        "polls": sum(entry.polls for entry in entries),
        "callbacks": sum(told.attempts for entry in entries for told in entry.messages),
        "live": [entry.application.reference for entry in entries if entry.live],
        "amendments": sum(case.amendments for entry in entries for case in entry.cases),
        "withdrawals": sum(not case.live for entry in entries for case in entry.cases),
        "informed": sum(len(case.supplements) for entry in entries for case in entry.cases),
        "reminded": sum(case.reminded for entry in entries for case in entry.cases),
    }


def _shown(ruling: Ruling) -> dict[str, Any]:
    return {
        "word": ruling.word,
        "verdict": ruling.verdict,
        "at": ruling.due_at.isoformat(),
        "items": list(ruling.items),
        "revision": ruling.revision,
    }


def _entry(document: dict[str, Any]) -> Entry:
    application = document["application"]
    return Entry(
        agency=document["agency"],
        application=Application(
            **{
                **application,
                "items": tuple(application["items"]),
                "masses": tuple(application.get("masses", ())),
            }
        ),
        submits=document["submits"],
        lookups=document["lookups"],
        polls=document["polls"],
        amends=document.get("amends", 0),
        withdraws=document.get("withdraws", 0),
        informs=document.get("informs", 0),
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
        revision=document.get("revision", 1),
        amendments=document.get("amendments", 0),
        withdrawn_at=_moment(document.get("withdrawn_at")),
        reason=document.get("reason", ""),
        words=document.get("words", ""),
        supplements=[_supplement(one) for one in document.get("supplements", ())],
        reminded=document.get("reminded", 0),
    )


def _supplement(document: dict[str, Any]) -> Supplement:
    enclosures = tuple(Enclosure(**enclosure) for enclosure in document["enclosures"])
    return Supplement(**{**document, "enclosures": enclosures})


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
