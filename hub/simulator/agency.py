"""One simulated agency: what it does with applications, whatever contract they come by."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from hub.config.models import AgencyFile
from hub.domain.referral import Answers, Verdict
from hub.simulator.behaviour import FIRST_VERDICT, Behaviour, NoSuchBehaviour, Timings, asked_for
from hub.simulator.errors import ConnectionCut, Invalid, NotKnown, Rejected, Unavailable
from hub.simulator.ledger import Application, Case, Entry, Ledger, Ruling, Told

UNKNOWN_WORD = "판정유보"
"""What UNKNOWN answers; in nobody's vocabulary."""

_REMARKS = {
    Verdict.APPROVED: "",
    Verdict.APPROVED_WITH_CONDITIONS: "Only for the declared use; records are to be kept for two years.",
    Verdict.REFUSED: "The requirements of the law are not met.",
    Verdict.INFORMATION_REQUIRED: "Send the test report of the exporting country.",
    Verdict.INSPECTION_REQUIRED: "The goods are to be presented at the bonded warehouse.",
    None: "",
}
_FLAPS = 2
_EARLY_WAITS = 5.0
"""Seconds that an answer waits at most for its own early callback."""


@dataclass(frozen=True)
class Waiting:
    """A message that is to be told once its ruling is due."""

    entry: Entry
    case: Case
    ruling: Ruling
    told: Told


@dataclass(frozen=True)
class Taken:
    """A submission that took effect, now or earlier."""

    case: Case
    ruling: Ruling | None
    """What is decided already, for services that answer in the reply."""
    again: bool
    """It had been taken before, and this is the first answer once more."""


class SimulatedAgency:
    """
    Applications, decisions and the messages that tell them.

    `tell` hands a message over to whoever sends callbacks, to be sent when its ruling is due; the task it
    returns ends when the hub has taken the message.
    """

    def __init__(
        self,
        file: AgencyFile,
        *,
        ledger: Ledger,
        timings: Timings,
        agencies: Collection[str],
        repeatable: bool,
        tell: Callable[[Waiting], asyncio.Task[None]],
        zone: tzinfo,
    ) -> None:
        """`repeatable`: the contract takes our reference as a key; `zone` is that of the agency's clock."""
        self.file = file
        self.slug = file.agency
        self.zone = zone
        self.behaviour = Behaviour.APPROVE
        self.delay = timedelta(seconds=2)
        self._ledger = ledger
        self._timings = timings
        self._agencies = agencies
        self._repeatable = repeatable
        self._tell = tell
        self._words = _first_words(file.verdicts)
        self._outbox: dict[str, Waiting] = {}

    async def at_the_door(self) -> None:
        """What befalls every call before it is read. Raises ConnectionCut."""
        if self.behaviour is Behaviour.DOWN:
            raise ConnectionCut
        if self.behaviour is Behaviour.SLOW:
            await asyncio.sleep(self.delay.total_seconds())

    async def submit(self, application: Application) -> Taken:
        """Take an application. Raises Invalid, Rejected, Unavailable, ConnectionCut."""
        behaviour = self._behaviour(application.ucr)
        if application.service not in self.file.services:
            raise Invalid(f"{self.slug} has no service {application.service}")
        entry = self._ledger.received(self.slug, application)
        await self._suffer(behaviour)
        if behaviour is Behaviour.FLAP and entry.submits <= _FLAPS:
            raise Unavailable("the system is closed for a moment")
        if self._repeatable and entry.cases:
            case, again = entry.cases[0], True
        else:
            case, again = self._open(entry, behaviour), False
        answers = self.file.services[application.service].answers
        if not again:
            await self._begin_telling(entry, case, behaviour, answers)
        if behaviour is Behaviour.CUT and entry.submits == 1:
            raise ConnectionCut
        if answers is Answers.REPLY and behaviour is Behaviour.LATE and not again:
            await asyncio.sleep(self._timings.late / 1000)
        return Taken(case, case.ruling(now()) if answers is Answers.REPLY else None, again)

    async def poll(self, receipt: str) -> tuple[Case, Ruling | None]:
        """How a case stands. Raises NotKnown, Rejected, ConnectionCut."""
        found = self._ledger.by_receipt(self.slug, receipt)
        if found is None:
            raise NotKnown(f"there is no {receipt}")
        entry, case = found
        entry.polls += 1
        await self._suffer(self._behaviour(entry.application.ucr))
        return case, case.ruling(now())

    async def look_up(self, reference: str) -> list[tuple[Case, Ruling | None]]:
        """The cases opened under our reference, oldest first. Raises Rejected, ConnectionCut."""
        entry = self._ledger.find(self.slug, reference)
        if entry is None:
            return []
        entry.lookups += 1
        await self._suffer(self._behaviour(entry.application.ucr))
        return [(case, case.ruling(now())) for case in entry.cases]

    def feed(self, after: str, limit: int) -> list[Waiting]:
        """What waits in the feed after a message id, oldest first."""
        moment = now()
        waiting = [one for one in self._outbox.values() if one.ruling.due_at <= moment]
        waiting.sort(key=lambda one: (one.ruling.due_at, one.told.id))
        ids = [one.told.id for one in waiting]
        start = ids.index(after) + 1 if after in ids else 0
        return waiting[start : start + limit]

    def acknowledge(self, message_ids: Collection[str]) -> None:
        """Take messages out of the feed. Those that are not there are passed over."""
        for message_id in message_ids:
            gone = self._outbox.pop(message_id, None)
            if gone is not None:
                gone.told.taken += 1
                self._ledger.save(gone.entry)

    def go_on(self) -> None:
        """Tell what an earlier run of the simulator had still to tell."""
        for entry in self._ledger.entries(agency=self.slug):
            rulings = {ruling.id: (case, ruling) for case in entry.cases for ruling in case.rulings}
            for told in entry.messages:
                if not told.done:
                    self._hand_over(Waiting(entry, *rulings[told.ruling], told))

    def forget(self) -> None:
        """Empty the feed, and behave as usual again."""
        self._outbox.clear()
        self.behaviour = Behaviour.APPROVE

    def word_of(self, verdict: Verdict) -> str:
        """The agency's first word for a verdict; its word for approval where it has none."""
        return self._words.get(verdict) or next(iter(self.file.verdicts))

    def _answers(self, entry: Entry) -> Answers:
        return self.file.services[entry.application.service].answers

    def _behaviour(self, ucr: str) -> Behaviour:
        try:
            asked = asked_for(ucr, self.slug, self._agencies)
        except NoSuchBehaviour as wrong:
            raise Invalid(str(wrong)) from wrong
        return asked or self.behaviour

    async def _suffer(self, behaviour: Behaviour) -> None:
        if behaviour is Behaviour.DOWN:
            raise ConnectionCut
        if behaviour is Behaviour.FAULT:
            raise Rejected("the application cannot be processed")
        if behaviour is Behaviour.SLOW and self.behaviour is not Behaviour.SLOW:
            await asyncio.sleep(self.delay.total_seconds())

    def _open(self, entry: Entry, behaviour: Behaviour) -> Case:
        opened = now()
        case = Case(f"{self.slug.upper()[:24]}-{secrets.token_hex(5).upper()}", opened)
        case.rulings = self._rulings(entry, case, behaviour)
        self._ledger.open(entry, case)
        return case

    def _rulings(self, entry: Entry, case: Case, behaviour: Behaviour) -> list[Ruling]:
        if behaviour is Behaviour.STALL:
            return []
        answers = self._answers(entry)
        usual = {
            Answers.REPLY: 0,
            Answers.POLL: self._timings.poll,
            Answers.CALLBACK: self._timings.callback,
            Answers.FEED: self._timings.callback,
        }[answers]
        first = {Behaviour.LATE: self._timings.late, Behaviour.EARLY: 0}.get(behaviour, usual)
        plan: list[tuple[int, Verdict | None]] = [
            (
                first,
                FIRST_VERDICT.get(behaviour, Verdict.APPROVED)
                if behaviour is not Behaviour.UNKNOWN
                else None,
            )
        ]
        if behaviour is Behaviour.LIFT:
            plan.append((max(self._timings.late, first + 1), Verdict.APPROVED))
        return [
            Ruling(
                id=f"{case.receipt}-{number}",
                word=UNKNOWN_WORD if verdict is None else self.word_of(verdict),
                verdict=verdict,
                due_at=case.opened_at + timedelta(milliseconds=after),
                items=entry.application.items,
                certificate=f"C-{case.receipt}" if verdict is not None and verdict.consents else None,
                remarks=_REMARKS[verdict],
            )
            for number, (after, verdict) in enumerate(plan, start=1)
        ]

    async def _begin_telling(self, entry: Entry, case: Case, behaviour: Behaviour, answers: Answers) -> None:
        if answers is Answers.POLL or (answers is not Answers.FEED and self.file.channel.callback is None):
            return
        twice = behaviour is Behaviour.TWICE
        waiting = []
        for ruling in case.rulings:
            if answers is Answers.REPLY and ruling is case.rulings[0] and not twice:
                continue  # told in the reply
            # A feed shows it as two entries; a callback is the same message once more.
            ids = (
                [f"M-{ruling.id}", f"M-{ruling.id}-2"]
                if twice and answers is Answers.FEED
                else [f"M-{ruling.id}"]
            )
            times = 2 if twice and answers is Answers.CALLBACK else 1
            waiting += [Waiting(entry, case, ruling, Told(id, ruling.id, times)) for id in ids]
        entry.messages += [one.told for one in waiting]
        self._ledger.save(entry)
        tasks = [task for one in waiting if (task := self._hand_over(one)) is not None]
        if behaviour is Behaviour.EARLY and tasks:
            await asyncio.wait(tasks, timeout=_EARLY_WAITS)

    def _hand_over(self, waiting: Waiting) -> asyncio.Task[None] | None:
        if self._answers(waiting.entry) is Answers.FEED:
            self._outbox[waiting.told.id] = waiting
            return None
        return self._tell(waiting)


def now() -> datetime:
    return datetime.now(UTC)


def _first_words(verdicts: Mapping[str, Verdict]) -> dict[Verdict, str]:
    words: dict[Verdict, str] = {}
    for word, verdict in verdicts.items():
        words.setdefault(verdict, word)
    return words
