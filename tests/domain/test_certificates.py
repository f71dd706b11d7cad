"""Certificates in the ledger: what goods take up of them, and what their lines add up to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.catalogue import Certified, Service
from hub.domain.certificates import (
    Balance,
    Certificate,
    CertificateKey,
    CertificateStanding,
    Claim,
    ClaimState,
    EntryKind,
    LedgerEntry,
    balance,
    claims_of,
    given_back,
    needed_certificates,
)
from hub.domain.model import Measure
from tests.domain.support import declaration, service

AT = datetime(2026, 3, 2, tzinfo=UTC)
DAY = date(2026, 3, 2)
KEY = CertificateKey(type="13101", id="C-1")
CHEMICALS = service("reo-hazchem", "2804", certificate=Certified(("13101",), reserve=True, reuse=True))
WASTE = service("reo-waste", "2804", certificate=Certified(("13101",), reserve=True))
TYPE_APPROVED = service("reo-model", "2804", certificate=Certified(("13101",), reserve=False, reuse=True))
UNAWARE = service("reo-plain", "2804")


def standing(quantity: str | None = "100", *, key: CertificateKey = KEY, taken: str = "0", **more: Any):
    """A certificate in kilograms of which some is reserved; other units in `unit`."""
    unit = more.pop("unit", "KGM")
    whole = None if quantity is None else Measure(value=Decimal(quantity), unit=unit)
    certificate = Certificate(type=key.type, id=key.id, agency="reo", quantity=whole, **more)
    return CertificateStanding(
        certificate=certificate, balance=Balance(issued=Decimal(quantity or 0), reserved=Decimal(taken))
    )


def item(quantity: str | None = None, unit: str = "KGM", *, ids: Sequence[str] = ("C-1",), **more: Any):
    """A goods item with certificates of the one type."""
    measured = {} if quantity is None else {"quantity": {"value": quantity, "unit": unit}}
    lpcos = [{"type": "13101", "id": id_} for id_ in ids]
    return {"hs_code": "2804100000", "origin": "CN", "lpcos": lpcos, **measured, **more}


def claims(
    *items: dict[str, Any],
    standings: dict[CertificateKey, CertificateStanding],
    of: Service = CHEMICALS,
    may_reuse: bool = False,
    **more: Any,
) -> tuple[Claim, ...]:
    """What the items of a declaration take up, all of them put to one service."""
    lodged = declaration(*items, importer={"id": "KR-77"}, **more)
    numbers = tuple(each.number for each in lodged.items)
    return claims_of(lodged, [(of, numbers)], standings, day=DAY, may_reuse=may_reuse)


def test_goods_take_up_what_they_weigh_of_the_certificate_presented_with_them() -> None:
    """In its unit: the quantity as declared, or for kilograms the net mass."""
    found = claims(item("30"), item("4", "NAR", net_mass_kg="12.5"), standings={KEY: standing()})
    assert [(c.item, c.quantity, c.state, c.reused) for c in found] == [
        (1, Decimal(30), ClaimState.RESERVED, False),
        (2, Decimal("12.5"), ClaimState.RESERVED, False),
    ]
    assert {(c.service, c.certificate) for c in found} == {("reo-hazchem", KEY)}


def test_a_document_of_the_header_goes_with_every_item() -> None:
    lodged = declaration(item("30", ids=()), item("40", ids=()), lpcos=[{"type": "13101", "id": "C-1"}])
    found = claims_of(lodged, [(CHEMICALS, (1, 2))], {KEY: standing()}, day=DAY, may_reuse=False)
    assert [c.item for c in found] == [1, 2]


def test_items_share_what_is_left_in_order() -> None:
    """The second does not fit any more; the third, which does, is not made to wait for it."""
    found = claims(item("60"), item("60"), item("40"), standings={KEY: standing()}, may_reuse=True)
    assert [(c.state, c.reused) for c in found] == [
        (ClaimState.RESERVED, True),
        (ClaimState.WANTED, False),
        (ClaimState.RESERVED, True),
    ]


def test_what_others_have_reserved_or_used_is_not_left() -> None:
    (found,) = claims(item("60"), standings={KEY: standing(taken="50")})
    assert found.state is ClaimState.WANTED


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({"revoked": True}, id="revoked"),
        pytest.param({"valid_until": date(2026, 3, 1)}, id="over"),
        pytest.param({"valid_from": date(2026, 3, 3)}, id="not yet"),
        pytest.param({"holder": "KR-78"}, id="another holder"),
        pytest.param({"hs": ("2805", "28041000009")}, id="other goods"),
        pytest.param({"origins": ("JP",)}, id="another origin"),
        pytest.param({"unit": "NAR"}, id="a unit that is not declared"),
    ],
)
def test_a_certificate_that_is_not_valid_for_the_goods_is_for_the_agency_to_judge(known: dict) -> None:
    """Nothing is claimed, so the agency is asked as if there were no ledger."""
    assert claims(item("60"), standings={KEY: standing(**known)}, may_reuse=True) == ()


def test_a_certificate_that_is_valid_to_the_day() -> None:
    """Both days included; holder, goods and origin as written on it."""
    known = standing(
        valid_from=DAY, valid_until=DAY, holder="KR-77", hs=("2804",), origins=("CN", "JP"), revoked=False
    )
    assert len(claims(item("60"), standings={KEY: known})) == 1


def test_a_certificate_of_another_agency_counts_nothing() -> None:
    """Else one agency could give the consent of another."""
    other = service("nier-x", "2804", certificate=Certified(("13101",), reuse=True))
    assert claims(item("60"), standings={KEY: standing()}, of=other, may_reuse=True) == ()


def test_of_an_export_it_is_the_exporter_who_holds_it() -> None:
    known = {KEY: standing(holder="KR-99")}
    assert claims(item("60"), standings=known) == ()
    assert len(claims(item("60"), standings=known, procedure="export", exporter={"id": "KR-99"})) == 1


@pytest.mark.parametrize(
    ("of", "may_reuse", "found"),
    [
        (CHEMICALS, False, [(Decimal(60), False)]),
        (CHEMICALS, True, [(Decimal(60), True)]),
        (WASTE, True, [(Decimal(60), False)]),
        (TYPE_APPROVED, True, [(None, True)]),
        (TYPE_APPROVED, False, []),
        (UNAWARE, True, []),
    ],
)
def test_reservation_and_reuse_are_for_the_service_and_the_policy_to_say(
    of: Any, may_reuse: bool, found: list[tuple[Decimal | None, bool]]
) -> None:
    """Both must allow that a certificate stands for the consent."""
    made = claims(item("60"), standings={KEY: standing()}, of=of, may_reuse=may_reuse)
    assert [(c.quantity, c.reused) for c in made] == found


def test_a_certificate_without_limit_takes_any_quantity() -> None:
    (found,) = claims(item(), standings={KEY: standing(None)})
    assert (found.quantity, found.state) == (None, ClaimState.RESERVED)


def test_of_several_certificates_the_first_with_enough_left_is_taken() -> None:
    """Where none has, the first of them is waited for."""
    second = CertificateKey(type="13101", id="C-2")
    both = {KEY: standing("10"), second: standing("70", key=second)}
    (found,) = claims(item("60", ids=("C-0", "C-1", "C-2")), standings=both)
    assert (found.certificate, found.state) == (second, ClaimState.RESERVED)
    (found,) = claims(item("90", ids=("C-1", "C-2")), standings=both)
    assert (found.certificate, found.state) == (KEY, ClaimState.WANTED)


def test_the_same_goods_are_taken_up_once_though_two_services_ask_for_the_certificate() -> None:
    lodged = declaration(item("60"))
    found = claims_of(lodged, [(CHEMICALS, (1,)), (WASTE, (1,))], {KEY: standing()}, day=DAY, may_reuse=False)
    assert [(c.service, c.quantity, c.state) for c in found] == [
        ("reo-hazchem", Decimal(60), ClaimState.RESERVED),
        ("reo-waste", None, ClaimState.RESERVED),
    ]


def test_certificates_to_be_looked_up_are_those_that_are_presented() -> None:
    """Each once; a document without a number is none."""
    lodged = declaration(
        item(ids=("C-1", "C-2", "")), item(ids=("C-2",)), lpcos=[{"type": "851", "id": "PC"}, {"type": "380"}]
    )
    assert [(key.type, key.id) for key in needed_certificates(lodged)] == [
        ("851", "PC"),
        ("13101", "C-1"),
        ("13101", "C-2"),
    ]


QUANTITIES = st.decimals("0", "60", places=1)


@given(
    quantities=st.lists(QUANTITIES, min_size=1, max_size=6),
    whole=st.decimals("0", "150", places=1),
    taken=st.decimals("0", "150", places=1),
    may_reuse=st.booleans(),
)
def test_no_more_is_claimed_than_is_left(
    quantities: list[Decimal], whole: Decimal, taken: Decimal, may_reuse: bool
) -> None:
    """What waits does not fit, what is reused is reserved, and an amendment sees its own as free."""
    taken = min(taken, whole)
    known = {KEY: standing(str(whole), taken=str(taken))}
    items = [item(str(quantity)) for quantity in quantities]
    found = claims(*items, standings=known, may_reuse=may_reuse)
    reserved = sum((c.quantity for c in found if c.state is ClaimState.RESERVED), start=Decimal(0))
    assert [c.quantity for c in found] == quantities
    assert reserved <= whole - taken
    assert all(c.reused is (may_reuse and c.state is ClaimState.RESERVED) for c in found)
    assert all(c.quantity > whole - taken - reserved for c in found if c.state is ClaimState.WANTED)
    # The same declaration again, as an amendment that changes nothing.
    afterwards = {KEY: standing(str(whole), taken=str(taken + reserved))}
    assert claims(*items, standings=given_back(afterwards, found), may_reuse=may_reuse) == found


def test_what_is_given_back_was_reserved() -> None:
    """Claims that wait, or were written off, or have no quantity, free nothing."""

    def claim(state: ClaimState, quantity: str | None = "5") -> Claim:
        amount = None if quantity is None else Decimal(quantity)
        return Claim(service="s", item=1, certificate=KEY, quantity=amount, state=state)

    known = {KEY: standing(taken="40")}
    freed = given_back(
        known,
        [
            claim(ClaimState.RESERVED),
            claim(ClaimState.WANTED),
            claim(ClaimState.WRITTEN_OFF),
            claim(ClaimState.GIVEN_BACK),
            claim(ClaimState.RESERVED, None),
        ],
    )
    assert freed[KEY].balance.reserved == 35
    assert known[KEY].balance.reserved == 40


# --- the ledger ---------------------------------------------------------------------------------------------


@given(st.data())
def test_at_every_line_of_a_ledger_what_was_issued_is_reserved_written_off_or_available(
    data: st.DataObject,
) -> None:
    """Lines that each were allowed when they were written never make anything negative."""
    lines: list[LedgerEntry] = []
    for number in range(1, data.draw(st.integers(1, 12)) + 1):
        now = balance(lines)
        kinds = [EntryKind.ISSUE] if number == 1 else [k for k in EntryKind if k is not EntryKind.ISSUE]
        kind = data.draw(st.sampled_from(kinds))
        bounds = {
            EntryKind.ISSUE: (0, 100),
            EntryKind.CORRECT: (-now.available, 50),
            EntryKind.RESERVE: (0, now.available),
            EntryKind.WRITE_OFF: (0, now.reserved),
            EntryKind.GIVE_BACK: (0, now.reserved),
        }
        quantity = data.draw(st.decimals(*bounds[kind], places=1))
        lines.append(LedgerEntry(type="13101", id="C-1", number=number, at=AT, kind=kind, quantity=quantity))
        after = balance(lines)
        assert after.issued == after.reserved + after.written_off + after.available
        assert min(after.issued, after.reserved, after.written_off, after.available) >= 0
        moved = {
            EntryKind.ISSUE: after.issued - now.issued,
            EntryKind.CORRECT: after.issued - now.issued,
            EntryKind.RESERVE: now.available - after.available,
            EntryKind.WRITE_OFF: after.written_off - now.written_off,
            EntryKind.GIVE_BACK: after.available - now.available,
        }
        assert moved[kind] == quantity
    assert balance(data.draw(st.permutations(lines))) == balance(lines)
