"""
Declarations in every state they can be in, made by the hub's own code: what a full store is copied from.

Each is lodged under the rules of the configuration folder, and what happens to it afterwards is recorded
through the store's own methods. So every page can open each of them, and each copy of them.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

from ruamel.yaml import YAML

from hub.domain.case import Referral
from hub.domain.clearance import Notice
from hub.domain.declaration import Declaration
from hub.domain.exchange import Exchange, Message
from hub.domain.intake import Rulebook, accept
from hub.domain.names import new_mrn, notice_key
from hub.domain.referral import Decision, Receipt, ReferralState, ReferralTerms, Verdict, Via
from hub.domain.settling import settle
from hub.ports import Acknowledgement, HandOver
from hub.store import Store

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_AGES: Sequence[timedelta] = (
    3 * MINUTE,
    20 * MINUTE,
    2 * HOUR,
    9 * HOUR,
    20 * HOUR,
    2 * DAY,
    4 * DAY,
    9 * DAY,
    20 * DAY,
    45 * DAY,
)
_AGES_EACH = 3
"""So many of them for each declaration in each state."""


@dataclass(frozen=True)
class Pattern:
    """One declaration that stands for many."""

    mrn: str
    lrn: str
    ucr: str
    cargo_management_number: str
    weight: float
    """How many of all are like this, beside the others' weights."""


class Maker:
    """Makes the patterns in a store that holds nothing else."""

    def __init__(self, store: Store, rulebook: Rulebook, now: datetime, seed: int = 1) -> None:
        self._store = store
        self._rulebook = rulebook
        self._now = now
        self._random = random.Random(seed)  # noqa: S311 - the same store each time
        self._numbers = itertools.count(1)

    def make(self, contents: int | None = None, ages: int = _AGES_EACH) -> list[Pattern]:
        """
        All of them, or of so many contents in so many ages only; states that are rare have little weight.
        """
        return [
            self._one(content, age, state, weight)
            for content in itertools.islice(_contents(), contents)
            for state, weight in _STATES
            for age in self._random.sample(_AGES, ages)
        ]

    def _one(self, content: dict[str, Any], age: timedelta, state: _State, weight: float) -> Pattern:
        number = next(self._numbers)
        lrn, ucr, cargo = f"FILL-{number:07d}", f"6KRFILL{number:07d}", f"26FILL{number:07d}I"
        declaration = Declaration.model_validate(
            {
                **content,
                "lrn": lrn,
                "declarant": {"id": f"KR-BROKER-{number % 40}", "name": "Hanbit Customs Brokers"},
                "office": self._random.choice(("010", "020", "030", "040")),
                "consignment": {**content["consignment"], "ucr": ucr, "cargo_management_number": cargo},
            }
        )
        at = self._now - age
        mrn = new_mrn("KR", at)
        accepted = accept(declaration, self._rulebook, mrn=mrn, client="customs", at=at)
        self._store.lodge(accepted)
        life = Life(self._store, mrn, at, self._now)
        state(life)
        if state in _WITHIN_THE_LAW and age > DAY:
            # Most have been answered, or have expired, by then.
            weight *= DAY / age / 10
        return Pattern(mrn, lrn, ucr, cargo, weight)


class Life:
    """What happens to one declaration after it was lodged."""

    def __init__(self, store: Store, mrn: str, at: datetime, now: datetime) -> None:
        self.store = store
        self.mrn = mrn
        self.at = at
        self.now = now

    @property
    def referrals(self) -> tuple[Referral, ...]:
        view = self.store.view(self.mrn)
        assert view is not None
        return view.case.referrals

    def later(self, share: float) -> datetime:
        """A time between acceptance and now."""
        return self.at + (self.now - self.at) * share

    def start(self) -> None:
        self.store.mark_started(self.mrn)

    def exchange(self, terms: ReferralTerms, kind: str, reading: str, *, answered: bool = True) -> Exchange:
        request = {
            "method": "POST",
            "url": f"http://agency.invalid/{terms.agency}",
            "headers": {"content-type": "application/json"},
            "body": json.dumps({"reference": terms.id, "items": list(terms.items), "text": "x" * 400}),
        }
        reply = {"status": 200, "headers": {}, "body": json.dumps({"number": f"R-{terms.id}"})}
        return Exchange(
            id=f"{kind}-{terms.id}",
            agency=terms.agency,
            kind=kind,
            mrn=self.mrn,
            service=terms.service,
            started_at=self.later(0.05),
            milliseconds=312,
            request=request,
            reply=reply if answered else None,
            reading=reading,
            config_version=terms.config_version,
        )

    def deliver(self, *those: Referral, said: dict[str, Verdict] | None = None) -> None:
        """The agencies have them; some have decided in their reply."""
        self._record(
            [
                HandOver(
                    referral=one.terms.id,
                    state=ReferralState.DELIVERED,
                    receipt=Receipt(reference=f"R-{one.terms.id}", received_at=self.later(0.05)),
                    decisions=(self.decision(one, (said or {})[one.terms.service]),)
                    if one.terms.service in (said or {})
                    else (),
                    exchanges=(self.exchange(one.terms, "submit", f"receipt R-{one.terms.id}"),),
                )
                for one in those
            ]
        )

    def fail(self, one: Referral, trouble: str, *, state: ReferralState, sent: bool = False) -> None:
        """It was tried in vain."""
        self._record(
            [
                HandOver(
                    referral=one.terms.id,
                    state=state,
                    trouble=trouble,
                    sent=sent,
                    exchanges=(self.exchange(one.terms, "submit", trouble, answered=False),),
                )
            ]
        )

    def decision(self, one: Referral, verdict: Verdict) -> Decision:
        return Decision(
            id=f"D-{one.terms.id}-{verdict}",
            referral=one.terms.id,
            verdict=verdict,
            word=verdict.value,
            reference=f"CERT-{one.terms.id}",
            remarks="See the certificate.",
            decided_at=self.later(0.5),
            received_at=self.later(0.5),
            via=Via.CALLBACK,
            exchange=f"M-{one.terms.id}",
        )

    def decide(self, one: Referral, verdict: Verdict, trouble: str | None = None) -> None:
        """A callback, which may be one that cannot be read."""
        said = () if trouble else (self.decision(one, verdict),)
        self.store.receive(
            Message(
                agency=one.terms.agency,
                message_id=f"M-{one.terms.id}",
                referral=one.terms.id,
                decisions=said,
                trouble=trouble,
                raw=json.dumps({"reference": one.terms.id, "result": verdict}),
                via="callback",
                received_at=self.later(0.5),
            )
        )
        self.store.mark_told(self.mrn, [decision.id for decision in said])
        self.store.news(self.mrn, 0)

    def conclude(self, *, acknowledged: bool = True, close: bool = False) -> None:
        """The outcome is recorded, and the cargo system told."""
        view = self.store.view(self.mrn)
        assert view is not None
        clearance, at = settle(view.case), self.later(0.6)
        consignment = view.acceptance.declaration.consignment
        notice = Notice(
            key=notice_key(self.mrn, 1),
            number=1,
            mrn=self.mrn,
            ucr=consignment.ucr,
            cargo_management_number=consignment.cargo_management_number,
            outcome=clearance.outcome,
            reasons=clearance.reasons,
            issued_at=at,
            released_items=clearance.released_items,
        )
        pending = [reason.agency for reason in clearance.reasons if reason.agency and reason.verdict is None]
        self.store.record_clearance(self.mrn, clearance, notice, pending, at)
        if acknowledged:
            told = Acknowledgement(at=at, reference=f"CARGO-{self.mrn}")
            self.store.record_notice_sent(notice, told, ())
        else:
            self.store.record_notice_delayed(notice, "unavailable: connection refused", at)
        if close:
            self.store.close_case(self.mrn, at)

    def _record(self, results: Sequence[HandOver]) -> None:
        services = [result.referral.partition("/")[2] for result in results]
        self.store.begin_hand_over(self.mrn, services, self.later(0.04))
        self.store.record_hand_overs(self.mrn, results, self.later(0.05))


_State = Callable[[Life], None]


def _not_started(life: Life) -> None:
    """Accepted; the engine was away."""


def _waiting(life: Life) -> None:
    life.start()
    life.deliver(*life.referrals)


def _first_has_decided(life: Life) -> None:
    life.start()
    first, *others = life.referrals
    life.deliver(first, *others)
    life.decide(first, Verdict.APPROVED)


def _asked_for_information(life: Life) -> None:
    life.start()
    life.deliver(*life.referrals)
    life.decide(life.referrals[0], Verdict.INFORMATION_REQUIRED)
    life.conclude()


def _unreachable(life: Life) -> None:
    life.start()
    first, *others = life.referrals
    life.deliver(*others)
    life.fail(first, "unavailable: connection refused", state=ReferralState.PENDING)


def _in_doubt(life: Life) -> None:
    life.start()
    first, *others = life.referrals
    life.deliver(*others)
    life.fail(first, "in doubt: no answer within 20 s", state=ReferralState.PENDING, sent=True)


def _undeliverable(life: Life) -> None:
    life.start()
    first, *others = life.referrals
    life.deliver(*others)
    life.fail(first, "refused: the field QTY is missing", state=ReferralState.UNDELIVERABLE)
    life.conclude()


def _not_understood(life: Life) -> None:
    life.start()
    life.deliver(*life.referrals)
    life.decide(life.referrals[0], Verdict.APPROVED, trouble="the verdict '대기' is unknown")


def _expired(life: Life) -> None:
    life.start()
    life.deliver(*life.referrals)
    life.store.record_expired(life.mrn, [life.referrals[0].terms.service], life.later(0.55))
    life.conclude()


def _notice_unsent(life: Life) -> None:
    life.start()
    life.deliver(*life.referrals)
    for one in life.referrals:
        life.decide(one, Verdict.APPROVED)
    life.conclude(acknowledged=False)


def _released(life: Life) -> None:
    life.start()
    life.deliver(*life.referrals)
    for one in life.referrals:
        life.decide(one, Verdict.APPROVED)
    life.conclude(close=True)


def _refused(life: Life) -> None:
    life.start()
    life.deliver(*life.referrals)
    life.decide(life.referrals[0], Verdict.REFUSED)
    life.conclude(close=life.now - life.at > 30 * DAY)


_STATES: Sequence[tuple[_State, float]] = (
    (_waiting, 55.0),
    (_first_has_decided, 18.0),
    (_released, 18.0),
    (_asked_for_information, 3.0),
    (_refused, 2.0),
    (_unreachable, 1.0),
    (_expired, 1.0),
    (_undeliverable, 0.6),
    (_in_doubt, 0.5),
    (_not_understood, 0.5),
    (_notice_unsent, 0.3),
    (_not_started, 0.1),
)
"""What may have become of a declaration, and how many of a hundred are so."""

_WITHIN_THE_LAW = (_waiting, _first_has_decided)


def _contents() -> Iterator[dict[str, Any]]:
    """What the demonstration declares, three of its declarations as one: about four referrals each."""
    demo = resources.files("hub.demo")
    whole = json.loads((demo / "cherries.json").read_text())
    stories = [story for story in YAML(typ="safe").load((demo / "stories.yaml").read_text()) if _asks(story)]
    for place in range(len(stories)):
        several = [stories[(place + step) % len(stories)] for step in (0, 1, 2)]
        items = [item for story in several for item in story["items"]]
        numbered = [{**item, "number": number} for number, item in enumerate(items, 1)]
        yield {**whole, "items": numbered}


def _asks(story: dict[str, Any]) -> bool:
    """Whether some agency is asked about what a story declares, when it is imported."""
    return bool(story.get("referred")) and bool(story.get("items")) and "procedure" not in story
