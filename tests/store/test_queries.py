"""Lists, gauges, exchanges and clients."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.clearance import Outcome
from hub.ports import ApiClient, BadCursor, DeclarationFilter, DeclarationRow, Role
from hub.store import Store
from hub.store.cursors import decode_cursor, encode_cursor
from tests.store import sample
from tests.store.sample import FOOD, PLANT, SECOND, T0


def lodge(store: Store, *services: str, at: int = 0, declarant: str = "A", lrn: str | None = None) -> str:
    lodged = sample.declaration(lrn=lrn or f"Q-{at}-{declarant}", declarant=declarant)
    accepted = sample.acceptance(*services, lodged=lodged, at=T0 + at * SECOND)
    store.lodge(accepted)
    return accepted.mrn


def listed(store: Store, **which: object) -> list[str]:
    page = store.page(DeclarationFilter.model_validate(which), None, 100)
    assert page.cursor is None
    return [row.mrn for row in page.rows]


def test_a_row_holds_what_a_list_shows(store: Store) -> None:
    """Reference, declarant, outcome, times, and who is waited for."""
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    assert store.page(sample.everything(), None, 10).rows == (
        DeclarationRow(
            mrn=accepted.mrn,
            lrn=accepted.declaration.lrn,
            declarant="1234567890",
            procedure="import",
            ucr=accepted.declaration.consignment.ucr,
            outcome=Outcome.IN_PROGRESS,
            accepted_at=T0,
            due_at=T0 + timedelta(days=3),
            pending_agencies=("apqa",),
        ),
    )


def test_pages_show_every_declaration_once_newest_first(store: Store) -> None:
    """Also those accepted at the same instant, and while others are being lodged."""
    for n in range(12):
        lodge(store, PLANT, at=n // 4, declarant=f"D{n}")
    expected = listed(store)
    seen: list[str] = []
    cursor = None
    while True:
        page = store.page(sample.everything(), cursor, 5)
        seen += [row.mrn for row in page.rows]
        lodge(store, PLANT, at=100 + len(seen))
        if page.cursor is None:
            break
        cursor = page.cursor
    assert seen == expected
    assert len(set(seen)) == 12


def test_every_filter_filters_and_they_combine(store: Store) -> None:
    """Declarant, outcome, pending agency, lrn, and the span of acceptance (start included, end not)."""
    a = lodge(store, PLANT, at=1, declarant="A")
    b = lodge(store, PLANT, FOOD, at=2, declarant="B", lrn="b")
    c = lodge(store, at=3, declarant="A")
    assert listed(store) == [c, b, a]
    assert listed(store, declarant="A") == [c, a]
    assert listed(store, outcome="release") == [c]
    assert listed(store, pending_agency="apqa") == [b, a]
    assert listed(store, pending_agency="mfds") == [b]
    assert listed(store, lrn="b") == [b]
    assert listed(store, accepted_from=T0 + 2 * SECOND) == [c, b]
    assert listed(store, accepted_before=T0 + 2 * SECOND) == [a]
    assert listed(store, declarant="A", pending_agency="apqa", accepted_from=T0) == [a]
    assert listed(store, declarant="A", pending_agency="mfds") == []
    assert listed(store, lrn="\x00") == []


def test_an_agency_that_has_decided_is_pending_no_more(store: Store) -> None:
    """The filter follows the referrals."""
    mrn = lodge(store, PLANT, FOOD)
    store.receive(sample.message(sample.decision(mrn, PLANT)))
    assert listed(store, pending_agency="apqa") == []
    assert listed(store, pending_agency="mfds") == [mrn]


def test_an_agency_of_several_referrals_is_listed_once(store: Store) -> None:
    """Page by page, and whichever of them it has decided."""
    mrns = [lodge(store, "apqa-animal-import", PLANT, at=at) for at in range(6)]
    store.receive(sample.message(sample.decision(mrns[2], "apqa-animal-import")))
    store.receive(sample.message(sample.decision(mrns[3], PLANT)))
    for service in (PLANT, "apqa-animal-import"):
        store.receive(sample.message(sample.decision(mrns[4], service)))
    which = DeclarationFilter(pending_agency="apqa")
    first = store.page(which, None, 3)
    second = store.page(which, first.cursor, 3)
    assert [row.mrn for row in (*first.rows, *second.rows)] == [mrns[n] for n in (5, 3, 2, 1, 0)]
    assert second.cursor is None


def test_a_page_has_at_least_one_row(store: Store) -> None:
    """A limit of none is the caller's mistake."""
    with pytest.raises(ValueError, match="at least one"):
        store.page(sample.everything(), None, 0)


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"null",
        b"[]",
        b"[1,2]",
        b'["2026-01-01T00:00:00","x"]',
        b'["2026-01-01T00:00:00Z",1]',
        b"[" * 5000,
    ],
)
def test_a_forged_cursor_is_refused(store: Store, plain: bytes) -> None:
    """Well-formed base64 of something else."""
    with pytest.raises(BadCursor):
        store.page(sample.everything(), base64.urlsafe_b64encode(plain).decode(), 10)


@given(st.text())
def test_garbage_is_no_cursor(text: str) -> None:
    """Whatever a caller sends is read or refused, and nothing else happens."""
    try:
        accepted_at, mrn = decode_cursor(text)
    except BadCursor:
        return
    assert accepted_at.utcoffset() is not None
    assert isinstance(mrn, str)


@given(st.datetimes(timezones=st.just(T0.tzinfo)), st.text())
def test_a_cursor_leads_back_to_its_place(at: object, mrn: str) -> None:
    """Encoding and decoding are inverse, and the cursor needs no escaping in a URL."""
    cursor = encode_cursor(at, mrn)  # type: ignore[arg-type]
    assert decode_cursor(cursor) == (at, mrn)
    assert cursor.replace("-", "a").replace("_", "a").isalnum()


def test_gauges_name_every_outcome(store: Store) -> None:
    """Also those of which there is none."""
    lodge(store, PLANT, at=1)
    lodge(store, at=2)
    assert store.counts() == {
        "declarations.release": 1,
        "declarations.hold": 0,
        "declarations.refusal": 0,
        "declarations.partial_release": 0,
        "declarations.withdrawn": 0,
        "declarations.in_progress": 1,
        "not_started": 2,
        "untold": 0,
        "open_polls": 0,
        "notices_unsent": 0,
        "messages_unmatched": 0,
    }


def test_exchanges_come_oldest_first(store: Store) -> None:
    """In the order in which they began."""
    mrn = lodge(store, PLANT, FOOD)
    third, first, second = (
        sample.exchange(mrn, PLANT, kind=kind, at=T0 + n * SECOND)
        for kind, n in (("submit", 3), ("look_up", 1), ("look_up", 2))
    )
    result = sample.delivered(mrn, PLANT).model_copy(update={"exchanges": (third, first, second)})
    store.record_hand_overs(mrn, [result], T0)
    assert store.exchanges(mrn) == [first, second, third]


def test_there_is_nothing_to_show_of_an_unknown_declaration(store: Store) -> None:
    """None, and empty lists."""
    assert store.view("none") is None
    assert store.events("none", 0, 10) == []
    assert store.exchanges("none") == []
    assert store.unsent_notice("none") is None


def client(id: str, **more: object) -> ApiClient:
    return ApiClient.model_validate(
        {"id": id, "name": "관세청", "role": Role.CUSTOMS, "created_at": T0, **more}
    )


def test_a_client_is_known_by_the_hash_of_its_key(store: Store) -> None:
    """Bound to a declarant or an agency, when it is."""
    bound = client("kcs", declarant="123")
    agency = client("apqa", role=Role.AGENCY, agency="apqa", created_at=T0 + SECOND)
    store.add_client(agency, "hash-2")
    store.add_client(bound, "hash-1")
    assert store.client_by_key("hash-1") == bound
    assert store.client_by_key("hash-2") == agency
    assert store.client_by_key("hash-3") is None
    assert store.clients() == [bound, agency]


def test_an_id_or_a_key_is_given_once(store: Store) -> None:
    """ValueError, and the first stays."""
    store.add_client(client("kcs"), "hash-1")
    with pytest.raises(ValueError, match="kcs"):
        store.add_client(client("kcs"), "hash-2")
    with pytest.raises(ValueError, match="other"):
        store.add_client(client("other"), "hash-1")
    assert store.clients() == [client("kcs")]


def test_a_disabled_client_is_not_let_in(store: Store) -> None:
    """It stays in the list."""
    store.add_client(client("kcs"), "hash-1")
    store.add_client(client("old", disabled=True), "hash-2")
    store.disable_client("kcs")
    assert store.client_by_key("hash-1") is None
    assert store.client_by_key("hash-2") is None
    assert [c.disabled for c in store.clients()] == [True, True]
    with pytest.raises(KeyError):
        store.disable_client("none")
