"""The ledger of certificates: it adds up, whoever draws on it and in whatever order."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from hub.domain.certificates import (
    Balance,
    Certificate,
    CertificateKey,
    Claim,
    ClaimState,
    EntryKind,
    balance,
)
from hub.domain.clearance import Clearance, Outcome
from hub.domain.events import EventType
from hub.domain.intake import Acceptance
from hub.domain.life import replayed
from hub.domain.model import Measure
from hub.domain.settling import settle
from hub.domain.steps.amending import amend
from hub.domain.steps.following import withdrawn
from hub.domain.steps.withdrawing import withdraw
from hub.domain.withdrawal import Withdrawal
from hub.ports import LedgerRefused
from hub.store import Store, create_store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, SECOND, T0

KEY = CertificateKey(type="phyto", id="C-1")
OTHER = CertificateKey(type="phyto", id="C-0")


def certificate(quantity: str | None = "100", key: CertificateKey = KEY, **more: object) -> Certificate:
    whole = None if quantity is None else Measure(value=Decimal(quantity), unit="KGM")
    return Certificate.model_validate(
        {"type": key.type, "id": key.id, "agency": "apqa", "quantity": whole, **more}
    )


def issue(store: Store, quantity: str | None = "100", key: CertificateKey = KEY) -> None:
    store.issue_certificate(certificate(quantity, key), "apqa-client", T0)


def claim(quantity: str | None, item: int = 1, service: str = PLANT, key: CertificateKey = KEY) -> Claim:
    return Claim(
        service=service,
        item=item,
        certificate=key,
        quantity=None if quantity is None else Decimal(quantity),
        state=ClaimState.RESERVED,
    )


def with_claims(accepted: Acceptance, *claims: Claim, version: int = 1) -> Acceptance:
    case = accepted.case.model_copy(update={"claims": claims, "items": (1, 2), "version": version})
    return accepted.model_copy(update={"case": case, "clearance": settle(case)})


def lodge(store: Store, *claims: Claim, at: datetime = T0) -> str:
    accepted = with_claims(sample.acceptance(PLANT, FOOD, at=at), *claims)
    store.lodge(accepted)
    return accepted.mrn


def states(store: Store, mrn: str) -> list[ClaimState]:
    view = store.view(mrn)
    assert view is not None
    assert view.case.claims == replayed(store.events(mrn, 0, 1000)).claims
    return [one.state for one in view.case.claims]


def left(store: Store, key: CertificateKey = KEY) -> tuple[str, str, str]:
    """Reserved, written off and available; the ledger's lines add up to it, at every line."""
    standing = store.certificates([key])[key]
    lines = store.ledger(key)
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert standing.version == len(lines)
    for number in range(len(lines) + 1):
        at_line = balance(lines[:number])
        assert min(at_line.issued, at_line.reserved, at_line.written_off, at_line.available) >= 0
    assert balance(lines) == standing.balance
    now = standing.balance
    reserved, written_off, available = (
        f"{quantity.normalize():f}" for quantity in (now.reserved, now.written_off, now.available)
    )
    return reserved, written_off, available


def kinds(store: Store, mrn: str) -> list[str]:
    events = store.events(mrn, 0, 1000)
    return [e.type.value for e in events if e.type.value.startswith("certificate.")]


# --- issuing ----------------------------------------------------------------------------------------------


def test_a_certificate_is_issued_once_and_may_be_corrected(store: Store) -> None:
    """The same again is no line; another quantity is the difference."""
    first = store.issue_certificate(certificate("100.5"), "apqa-client", T0)
    assert first == store.issue_certificate(certificate("100.5"), "apqa-client", T0 + SECOND)
    assert (first.balance.available, first.version) == (Decimal("100.5"), 1)
    store.issue_certificate(certificate("40"), "apqa-client", T0 + SECOND)
    lines = store.ledger(KEY)
    assert [(line.kind, line.quantity, line.by) for line in lines] == [
        (EntryKind.ISSUE, Decimal("100.5"), "apqa-client"),
        (EntryKind.CORRECT, Decimal("-60.5"), "apqa-client"),
    ]
    assert left(store) == ("0", "0", "40")
    assert store.certificates([KEY, OTHER]).keys() == {KEY}
    assert store.certificates([]) == {}


def test_what_is_taken_up_cannot_be_corrected_away(store: Store) -> None:
    """Nor does the unit change, nor the office, nor a limit vanish."""
    issue(store)
    lodge(store, claim("60"))
    for wrong in (
        certificate("59.9"),
        certificate(None),
        certificate("100", agency="mfds"),
        certificate("100").model_copy(update={"quantity": Measure(value=Decimal(100), unit="NAR")}),
    ):
        with pytest.raises(LedgerRefused):
            store.issue_certificate(wrong, "apqa-client", T0)
    store.issue_certificate(certificate("60"), "apqa-client", T0)
    assert left(store) == ("60", "0", "0")


@pytest.mark.parametrize(
    "statement", ["UPDATE certificate_entries SET number = 7", "DELETE FROM certificate_entries"]
)
def test_nobody_changes_a_line(database_url: str, statement: str) -> None:
    """The database itself refuses, whoever asks."""
    store = create_store(database_url)
    issue(store)
    engine = sa.create_engine(database_url)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()
    assert len(store.ledger(KEY)) == 1
    store.close()


# --- lodging ----------------------------------------------------------------------------------------------


def test_lodging_reserves_what_was_claimed(store: Store) -> None:
    """A line names the declaration, the service and the goods item."""
    issue(store)
    mrn = lodge(store, claim("30"), claim("20.5", item=2))
    assert left(store) == ("50.5", "0", "49.5")
    last = store.ledger(KEY)[-1]
    assert (last.kind, last.mrn, last.service, last.item, last.quantity) == (
        EntryKind.RESERVE,
        mrn,
        PLANT,
        2,
        Decimal("20.5"),
    )
    assert states(store, mrn) == [ClaimState.RESERVED] * 2
    assert store.untold_news(T0 + 99 * SECOND, 10) == []


def test_who_comes_second_waits(store: Store) -> None:
    """Another was faster since it was accepted: the case says so, and so does the acceptance kept."""
    issue(store)
    lodge(store, claim("80"))
    mrn = lodge(store, claim("30"), claim("15", item=2))
    # strictly in turn: the smaller claim does not overtake the one before it
    assert states(store, mrn) == [ClaimState.WANTED, ClaimState.WANTED]
    assert kinds(store, mrn) == ["certificate.exhausted"] * 2
    assert store.untold_news(T0 + 99 * SECOND, 10) == [mrn]
    [kept] = [a for a in store.not_started(T0 + SECOND, 10) if a.mrn == mrn]
    view = store.view(mrn)
    assert view is not None
    assert (kept.case, kept.clearance) == (view.case, view.clearance)
    assert view.clearance == settle(view.case)
    assert left(store) == ("80", "0", "20")


def test_what_is_settled_by_a_certificate_that_is_used_up_is_not_settled(store: Store) -> None:
    """A release at acceptance that rested on it never takes place."""
    issue(store, "10")
    lodge(store, claim("10"))
    reused = claim("5").model_copy(update={"reused": True})
    accepted = with_claims(sample.acceptance(PLANT, items=(1,)), reused)
    assert accepted.clearance.outcome is Outcome.RELEASE
    store.lodge(accepted)
    view = store.view(accepted.mrn)
    assert view is not None
    assert view.clearance.outcome is Outcome.HOLD
    settled = [e for e in store.events(accepted.mrn, 0, 10) if e.type is EventType.CLEARANCE_SETTLED]
    assert [e.data["outcome"] for e in settled] == ["hold"]


def test_a_certificate_without_a_limit_is_never_used_up(store: Store) -> None:
    """It has no lines, and serves everybody."""
    issue(store, None)
    first, second = lodge(store, claim(None)), lodge(store, claim(None))
    assert (states(store, first), states(store, second)) == ([ClaimState.RESERVED], [ClaimState.RESERVED])
    assert store.ledger(KEY) == []
    store.record_clearance(first, sample.clearance(Outcome.RELEASE), None, [], T0)
    store.close_case(first, T0)
    store.close_case(second, T0)
    assert (states(store, first), states(store, second)) == (
        [ClaimState.WRITTEN_OFF],
        [ClaimState.GIVEN_BACK],
    )
    assert store.ledger(KEY) == []


def test_of_two_declarations_one_gets_what_is_left(store: Store) -> None:
    """Eight at once, in threads, for the same quantity: one has it, seven wait."""
    issue(store, "10")
    start = threading.Barrier(8)

    def take(_: int) -> str:
        accepted = with_claims(sample.acceptance(PLANT), claim("10"))
        start.wait()
        store.lodge(accepted)
        return accepted.mrn

    with ThreadPoolExecutor(8) as pool:
        mrns = list(pool.map(take, range(8)))
    found = [state for mrn in mrns for state in states(store, mrn)]
    assert sorted(found) == [ClaimState.RESERVED, *[ClaimState.WANTED] * 7]
    assert left(store) == ("10", "0", "0")


# --- what becomes of it -----------------------------------------------------------------------------------


def test_a_release_writes_off(store: Store) -> None:
    """Of a part, what was for that part; of the rest, the rest. Recording it again is no second time."""
    issue(store)
    mrn = lodge(store, claim("30"), claim("20", item=2))
    part = Clearance(outcome=Outcome.PARTIAL_RELEASE, final=False, reasons=(), released_items=(2,))
    for _ in range(2):
        store.record_clearance(mrn, part, sample.notice(mrn, Outcome.PARTIAL_RELEASE), [], T0)
    assert states(store, mrn) == [ClaimState.RESERVED, ClaimState.WRITTEN_OFF]
    assert left(store) == ("30", "20", "50")
    for _ in range(2):
        store.record_clearance(mrn, sample.clearance(Outcome.RELEASE), None, [], T0)
    assert states(store, mrn) == [ClaimState.WRITTEN_OFF] * 2
    store.close_case(mrn, T0)
    assert left(store) == ("0", "50", "50")
    assert kinds(store, mrn) == ["certificate.written_off"] * 2


def test_a_hold_writes_nothing_off_and_the_end_gives_back(store: Store) -> None:
    """What is refused in the end is free again; what waits, waits no more."""
    issue(store)
    mrn = lodge(store, claim("90"))
    waiting = lodge(store, claim("20"))
    store.record_clearance(mrn, sample.clearance(Outcome.REFUSAL), None, [], T0)
    assert left(store) == ("90", "0", "10")
    for _ in range(2):
        store.close_case(mrn, T0)
        store.close_case(waiting, T0)
    assert left(store) == ("0", "0", "100")
    assert (states(store, mrn), states(store, waiting)) == ([ClaimState.GIVEN_BACK], [ClaimState.GIVEN_BACK])
    assert store.allot(T0, 10) == []


def test_a_withdrawal_gives_back_agency_by_agency(store: Store) -> None:
    """As each is told that it is asked no more."""
    issue(store)
    mrn = lodge(store, claim("30"), claim("20", service=FOOD, item=2))
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0)
    withdrawal = Withdrawal(reason="sold", requested_at=T0 + SECOND, by="customs")
    for _ in range(2):
        store.change(mrn, lambda view: withdraw(view, withdrawal))
    # the other agency never had it
    assert left(store) == ("30", "0", "70")
    for _ in range(2):
        store.change(mrn, lambda v: withdrawn(v.case, PLANT, f"{mrn}/{PLANT}", "channel", T0 + 2 * SECOND))
    assert left(store) == ("0", "0", "100")
    assert states(store, mrn) == [ClaimState.GIVEN_BACK] * 2


def amended(store: Store, mrn: str, number: int, *claims: Claim) -> None:
    view = store.view(mrn)
    assert view is not None
    lodged = sample.declaration(lrn=view.acceptance.declaration.lrn, consignment={"ucr": f"6KR{number}"})
    new = with_claims(
        sample.acceptance(PLANT, FOOD, lodged=lodged, mrn=mrn, at=T0 + number * SECOND),
        *claims,
        version=number,
    )
    same = {PLANT: ("1", "1"), FOOD: ("1", "1")}
    store.change(mrn, lambda v: amend(v, new, digests=same, abilities={}, sent={}), acceptance=new)


def test_an_amendment_takes_up_the_difference(store: Store) -> None:
    """Dropped claims are given back, new ones reserved, others changed, as one; what stays is no line."""
    issue(store)
    issue(store, "50", OTHER)
    mrn = lodge(store, claim("30"), claim("20", item=2))
    amended(store, mrn, 2, claim("45"), claim("20", item=2), claim("10", service=FOOD, key=OTHER))
    assert (left(store), left(store, OTHER)) == (("65", "0", "35"), ("10", "0", "40"))
    lines = len(store.ledger(KEY))
    amended(store, mrn, 3, claim("45"), claim("10", service=FOOD, key=OTHER))
    assert left(store) == ("45", "0", "55")
    assert len(store.ledger(KEY)) == lines + 1
    assert states(store, mrn) == [ClaimState.RESERVED] * 2
    assert kinds(store, mrn) == ["certificate.given_back"]


def test_an_amendment_that_needs_more_than_is_left_waits_and_holds_nothing(store: Store) -> None:
    """Who holds something is served before those that wait, but never with what is not there."""
    issue(store)
    mrn = lodge(store, claim("60"))
    waiting = lodge(store, claim("50"), at=T0 + SECOND)
    amended(store, mrn, 2, claim("70"))
    assert left(store) == ("70", "0", "30")
    amended(store, mrn, 3, claim("101"))
    assert states(store, mrn) == [ClaimState.WANTED]
    assert left(store) == ("0", "0", "100")
    assert store.allot(T0 + 9 * SECOND, 10) == [waiting]
    assert left(store) == ("50", "0", "50")


# --- the line ---------------------------------------------------------------------------------------------


def test_those_that_wait_are_served_in_turn(store: Store) -> None:
    """A later, smaller claim never overtakes an earlier one for which there is not enough."""
    issue(store)
    holder = lodge(store, claim("90"))
    big = lodge(store, claim("60"), at=T0 + SECOND)
    small = lodge(store, claim("5"), at=T0 + 2 * SECOND)
    assert store.allot(T0 + 3 * SECOND, 10) == []
    store.news(big, 0)
    store.close_case(holder, T0 + 4 * SECOND)
    assert store.allot(T0 + 5 * SECOND, 1) == [big]
    assert store.untold_news(T0 + 99 * SECOND, 10) == [small, big]
    assert store.allot(T0 + 6 * SECOND, 10) == [small]
    assert (states(store, big), states(store, small)) == ([ClaimState.RESERVED], [ClaimState.RESERVED])
    assert kinds(store, big) == ["certificate.exhausted", "certificate.reserved"]
    assert left(store) == ("65", "0", "35")
    assert store.allot(T0 + 7 * SECOND, 10) == []


def test_a_correction_serves_who_waits_and_a_revocation_nobody(store: Store) -> None:
    """More of it serves; what is revoked is reserved for nobody."""
    issue(store, "10")
    mrn = lodge(store, claim("20"))
    store.issue_certificate(certificate("30", revoked=True), "apqa-client", T0)
    assert store.allot(T0, 10) == []
    issue(store, "30")
    assert store.allot(T0, 10) == [mrn]


def test_several_that_allot_at_once_serve_each_claim_once(store: Store) -> None:
    """In four threads; no line is written twice."""
    issue(store, "10")
    mrns = [lodge(store, claim("20"), at=T0 + n * SECOND) for n in range(5)]
    issue(store, "60")
    with ThreadPoolExecutor(4) as pool:
        served = [mrn for found in pool.map(lambda _: store.allot(T0, 10), range(4)) for mrn in found]
    assert sorted(served) == sorted(mrns[:3])
    assert left(store) == ("60", "0", "0")


def test_the_ledger_adds_up_whatever_happens_at_once(store: Store) -> None:
    """Eight threads lodge, release, close, amend, withdraw, correct and allot over two certificates."""
    issue(store)
    issue(store, "60", OTHER)

    def live(seed: int) -> str:
        chance = random.Random(seed)
        keys = [KEY, OTHER] if seed % 2 else [OTHER, KEY]
        claims = [claim(str(chance.randint(1, 40)), item=item, key=key) for item, key in enumerate(keys, 1)]
        mrn = lodge(store, *claims, at=T0 + seed * SECOND)
        store.allot(T0, 3)
        end = chance.randrange(5)
        if end == 0:
            store.record_clearance(mrn, sample.clearance(Outcome.RELEASE), None, [], T0)
        elif end == 1:
            amended(store, mrn, 2, claim(str(chance.randint(1, 40)), key=keys[1]))
        elif end == 2:
            withdrawal = Withdrawal(reason="sold", requested_at=T0, by="customs")
            store.change(mrn, lambda view: withdraw(view, withdrawal))
        elif end == 3:
            store.close_case(mrn, T0)
        return mrn

    with ThreadPoolExecutor(8) as pool:
        mrns = list(pool.map(live, range(24)))
    held = {KEY: Balance(), OTHER: Balance()}
    for mrn in mrns:
        view = store.view(mrn)
        assert view is not None
        assert states(store, mrn)
        for one in view.case.claims:
            so_far, quantity = held[one.certificate], one.quantity or Decimal(0)
            held[one.certificate] = Balance(
                reserved=so_far.reserved + (quantity if one.state is ClaimState.RESERVED else 0),
                written_off=so_far.written_off + (quantity if one.state is ClaimState.WRITTEN_OFF else 0),
            )
    for key, whole in ((KEY, "100"), (OTHER, "60")):
        left(store, key)
        found = store.certificates([key])[key].balance
        assert (found.issued, found.reserved, found.written_off) == (
            Decimal(whole),
            held[key].reserved,
            held[key].written_off,
        )
