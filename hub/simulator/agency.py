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
from hub.simulator.errors import Closed, ConnectionCut, Invalid, NotKnown, Rejected, Unavailable
from hub.simulator.ledger import Application, Case, Entry, Ledger, Ruling, Supplement, Told

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
_STUBBORN_TRIES = 2
_LIFTED_LATER = (Behaviour.LIFT, Behaviour.RECONSIDER)
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
    """A submission, an amendment or a supplement that took effect, now or earlier."""

    case: Case
    ruling: Ruling | None
    """What is decided already, for services that answer in the reply."""
    again: bool
    """It had been taken before, and this is the first answer once more."""
    reference: str
    """The hub's."""


@dataclass(frozen=True)
class _Plan:
    """One decision to come."""

    after: int
    """Milliseconds."""
    verdict: Verdict | None
    """None for a word that is not in the vocabulary."""
    items: tuple[int, ...]


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
        self._insist_on_service(application)
        entry = self._ledger.received(self.slug, application)
        await self._suffer(behaviour)
        if behaviour is Behaviour.FLAP and entry.submits <= _FLAPS:
            raise Unavailable("the system is closed for a moment")
        if self._repeatable and entry.cases:
            case, again = entry.cases[0], True
        else:
            case, again = self._open(entry, behaviour), False
        answers = self._answers(entry)
        if not again:
            await self._begin_telling(entry, case, case.rulings, behaviour)
        if behaviour is Behaviour.CUT and entry.submits == 1:
            raise ConnectionCut
        if answers is Answers.REPLY and behaviour is Behaviour.LATE and not again:
            await asyncio.sleep(self._timings.late / 1000)
        return Taken(case, self._told_at_once(entry, case), again, application.reference)

    async def poll(self, receipt: str) -> tuple[Case, Ruling | None]:
        """How a case stands. Raises NotKnown, Rejected, ConnectionCut."""
        found = self._ledger.by_receipt(self.slug, receipt)
        if found is None:
            raise NotKnown(f"there is no {receipt}")
        entry, case = found
        entry.polls += 1
        await self._suffer(self._behaviour(entry.application.ucr))
        return case, case.ruling(now(), turn=entry.polls - 1)

    async def look_up(self, reference: str) -> list[tuple[Case, Ruling | None]]:
        """The cases opened under our reference, oldest first. Raises Rejected, ConnectionCut."""
        entry = self._ledger.find(self.slug, reference)
        if entry is None:
            return []
        entry.lookups += 1
        await self._suffer(self._behaviour(entry.application.ucr))
        return [(case, case.ruling(now())) for case in entry.cases]

    async def amend(self, application: Application, revision: int, *, receipt: str | None = None) -> Taken:
        """
        Take other content for an application, known by its receipt or by our reference, and decide anew.

        A revision counts once, however often it comes. Raises Invalid, NotKnown, Closed, Rejected,
        ConnectionCut.
        """
        behaviour = self._behaviour(application.ucr)
        self._insist_on_service(application)
        entry, case = self._find(receipt=receipt, reference=application.reference)
        if entry.application.reference != application.reference:
            raise Invalid(f"{receipt} is not the number of {application.reference}")
        entry.amends += 1
        await self._suffer(behaviour)
        self._insist_on_live(case)
        if revision < case.revision:
            raise Rejected(f"revision {case.revision} is here already")
        again = revision == case.revision
        if not again:
            moment = now()
            entry.application = application
            self._drop_what_is_pending(entry, case, moment)
            case.revision, case.amendments = revision, case.amendments + 1
            rulings = self._ruled(entry, case, self._first_plans(entry, behaviour), moment)
            await self._begin_telling(entry, case, rulings, behaviour)
        if behaviour is Behaviour.CUT and entry.amends == 1:
            raise ConnectionCut
        if self._answers(entry) is Answers.REPLY and behaviour is Behaviour.LATE and not again:
            await asyncio.sleep(self._timings.late / 1000)
        return Taken(case, self._told_at_once(entry, case), again, application.reference)

    async def withdraw(
        self, *, reason: str, words: str = "", receipt: str | None = None, reference: str = ""
    ) -> Case:
        """
        Let an application go, by its receipt or by our reference; what was still to be decided is not told.

        Raises NotKnown, Closed when it was withdrawn before, Rejected, Unavailable, ConnectionCut.
        """
        entry, case = self._find(receipt=receipt, reference=reference)
        entry.withdraws += 1
        behaviour = self._behaviour(entry.application.ucr)
        await self._suffer(behaviour)
        if behaviour is Behaviour.STUBBORN and entry.withdraws <= _STUBBORN_TRIES:
            # Else it would begin anew whenever it is started again, and let nothing go for an hour.
            self._ledger.save(entry)
            raise Unavailable("withdrawals are not taken at the moment")
        self._insist_on_live(case)
        case.withdrawn_at = now()
        case.reason, case.words = reason, words
        self._drop_what_is_pending(entry, case, case.withdrawn_at)
        self._drop_what_is_untold(entry, case)
        self._ledger.save(entry)
        if behaviour is Behaviour.CUT and entry.withdraws == 1:
            raise ConnectionCut
        return case

    async def inform(self, receipt: str, supplement: Supplement) -> Taken:
        """Take the answer to a question. Raises NotKnown, Closed, Rejected, ConnectionCut."""
        entry, case = self._find(receipt=receipt)
        entry.informs += 1
        behaviour = self._behaviour(entry.application.ucr)
        await self._suffer(behaviour)
        self._insist_on_live(case)
        again = supplement.id in {known.id for known in case.supplements}
        if not again:
            case.supplements.append(supplement)
            approved = any(ruling.verdict is Verdict.APPROVED for ruling in case.made(now()))
            rulings = []
            if behaviour is Behaviour.ASK and not approved:
                plan = _Plan(self._usual(entry), Verdict.APPROVED, entry.application.items)
                rulings = self._ruled(entry, case, [plan], now())
            await self._begin_telling(entry, case, rulings, behaviour)
        if behaviour is Behaviour.CUT and entry.informs == 1:
            raise ConnectionCut
        return Taken(case, self._told_at_once(entry, case), again, entry.application.reference)

    async def remind(self, receipt: str) -> Case:
        """Count a reminder. Raises NotKnown, Closed, Rejected, ConnectionCut."""
        entry, case = self._find(receipt=receipt)
        await self._suffer(self._behaviour(entry.application.ucr))
        self._insist_on_live(case)
        case.reminded += 1
        self._ledger.save(entry)
        return case

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

    def _insist_on_service(self, application: Application) -> None:
        if application.service not in self.file.services:
            raise Invalid(f"{self.slug} has no service {application.service}")

    def _insist_on_live(self, case: Case) -> None:
        if not case.live:
            raise Closed(case)

    def _find(self, *, receipt: str | None = None, reference: str = "") -> tuple[Entry, Case]:
        if receipt is not None:
            found = self._ledger.by_receipt(self.slug, receipt)
            if found is None:
                raise NotKnown(f"there is no {receipt}")
            return found
        entry = self._ledger.find(self.slug, reference)
        if entry is None or not entry.cases:
            raise NotKnown(f"there is nothing of {reference}")
        return entry, entry.cases[0]

    def _told_at_once(self, entry: Entry, case: Case) -> Ruling | None:
        return case.ruling(now()) if self._answers(entry) is Answers.REPLY else None

    def _open(self, entry: Entry, behaviour: Behaviour) -> Case:
        opened = now()
        case = Case(f"{self.slug.upper()[:24]}-{secrets.token_hex(5).upper()}", opened)
        self._ruled(entry, case, self._first_plans(entry, behaviour), opened)
        self._ledger.open(entry, case)
        return case

    def _usual(self, entry: Entry) -> int:
        return {
            Answers.REPLY: 0,
            Answers.POLL: self._timings.poll,
            Answers.CALLBACK: self._timings.callback,
            Answers.FEED: self._timings.callback,
        }[self._answers(entry)]

    def _first_plans(self, entry: Entry, behaviour: Behaviour) -> list[_Plan]:
        """What is to be decided of new content."""
        items = entry.application.items
        first = {Behaviour.LATE: self._timings.late, Behaviour.EARLY: 0}.get(behaviour, self._usual(entry))
        match behaviour:
            case Behaviour.STALL:
                return []
            case Behaviour.UNKNOWN:
                return [_Plan(first, None, items)]
            case Behaviour.ITEMWISE:
                odd = tuple(number for number in items if number % 2)
                even = tuple(number for number in items if not number % 2)
                if odd and even and self._says_one_thing(entry):
                    return [_Plan(first, Verdict.REFUSED, items)]
                judged = ((Verdict.APPROVED, odd), (Verdict.REFUSED, even))
                return [_Plan(first, verdict, numbers) for verdict, numbers in judged if numbers]
        plans = [_Plan(first, FIRST_VERDICT.get(behaviour, Verdict.APPROVED), items)]
        if behaviour in _LIFTED_LATER:
            plans.append(_Plan(max(self._timings.late, first + 1), Verdict.APPROVED, items))
        return plans

    def _says_one_thing(self, entry: Entry) -> bool:
        """The reply is all that it ever says: there is no room for a second decision."""
        return self._answers(entry) is Answers.REPLY and self.file.channel.callback is None

    def _ruled(self, entry: Entry, case: Case, plans: list[_Plan], at: datetime) -> list[Ruling]:
        """The rulings planned, put into the case; milliseconds count from `at`."""
        head = case.receipt if case.revision == 1 else f"{case.receipt}-{case.revision}"
        known = sum(ruling.revision == case.revision for ruling in case.rulings)
        rulings = [
            Ruling(
                id=f"{head}-{number}",
                word=UNKNOWN_WORD if plan.verdict is None else self.word_of(plan.verdict),
                verdict=plan.verdict,
                due_at=at + timedelta(milliseconds=plan.after),
                items=plan.items,
                certificate=f"C-{case.receipt}"
                if plan.verdict is not None and plan.verdict.consents
                else None,
                remarks=_REMARKS[plan.verdict],
                revision=case.revision,
            )
            for number, plan in enumerate(plans, start=known + 1)
        ]
        case.rulings += rulings
        return rulings

    def _drop_what_is_pending(self, entry: Entry, case: Case, at: datetime) -> None:
        """Rulings that are not made yet are not made any more."""
        pending = {ruling.id for ruling in case.rulings if ruling.due_at > at}
        case.rulings = [ruling for ruling in case.rulings if ruling.id not in pending]
        self._void(entry, pending)

    def _drop_what_is_untold(self, entry: Entry, case: Case) -> None:
        self._void(entry, {ruling.id for ruling in case.rulings})

    def _void(self, entry: Entry, rulings: Collection[str]) -> None:
        for told in entry.messages:
            if told.ruling in rulings and not told.done:
                told.void = True
                self._outbox.pop(told.id, None)

    async def _begin_telling(
        self, entry: Entry, case: Case, rulings: list[Ruling], behaviour: Behaviour
    ) -> None:
        """Tell new rulings as the service does, and write the entry down."""
        waiting = self._messages(entry, case, rulings, behaviour)
        entry.messages += [one.told for one in waiting]
        self._ledger.save(entry)
        tasks = [task for one in waiting if (task := self._hand_over(one)) is not None]
        if behaviour is Behaviour.EARLY and tasks:
            await asyncio.wait(tasks, timeout=_EARLY_WAITS)

    def _messages(
        self, entry: Entry, case: Case, rulings: list[Ruling], behaviour: Behaviour
    ) -> list[Waiting]:
        answers = self._answers(entry)
        if answers is Answers.POLL or (answers is not Answers.FEED and self.file.channel.callback is None):
            return []
        twice = behaviour is Behaviour.TWICE
        waiting = []
        for ruling in rulings:
            if answers is Answers.REPLY and ruling is rulings[0] and not twice:
                continue  # told in the reply
            # A feed shows it as two entries; a callback is the same message once more.
            ids = (
                [f"M-{ruling.id}", f"M-{ruling.id}-2"]
                if twice and answers is Answers.FEED
                else [f"M-{ruling.id}"]
            )
            times = 2 if twice and answers is Answers.CALLBACK else 1
            waiting += [Waiting(entry, case, ruling, Told(id, ruling.id, times)) for id in ids]
        return waiting

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
