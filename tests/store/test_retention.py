"""What leaves the store, what stays of it, and what is dropped when it is old; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from hub.domain.archive import Entry, section
from hub.domain.clearance import Outcome
from hub.domain.errors import CallbackRefused
from hub.ports import AgencyFiles, TrackingLink
from hub.ports.retention import ArchiveFile, LeaseLost, LegalHold, Pruned
from hub.store import Store
from hub.store.retention import _LEAVING, _RECORD
from hub.store.tables import metadata
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0

ME = "worker 1 on here"
DAY = timedelta(days=1)
LATER = T0 + 100 * DAY
HOUR = timedelta(hours=1)


def closed(store: Store, *, at_day: int = 0, reference: str | None = None) -> str:
    """A declaration of one referral, decided, released, told, and closed."""
    accepted = sample.acceptance(PLANT)
    mrn = accepted.mrn
    store.lodge(accepted)
    store.begin_hand_over(mrn, [PLANT], T0)
    hand_over = sample.delivered(mrn, PLANT, sample.decision(mrn, PLANT), reference=reference or f"R {mrn}")
    store.record_hand_overs(mrn, [hand_over], T0)
    store.mark_started(mrn)
    store.close_case(mrn, T0 + at_day * DAY)
    return mrn


def entry_of(store: Store, mrn: str) -> Entry:
    lines, digest = section(mrn, store.record_of(mrn))
    view = store.view(mrn)
    assert view is not None
    assert view.closed_at is not None
    return Entry(
        mrn=mrn,
        digest=digest,
        lines=len(lines),
        accepted_at=T0,
        closed_at=view.closed_at,
        outcome=view.clearance.outcome,
        keep_until=T0 + 1827 * DAY,
    )


def noted(store: Store, name: str = "2026/06/a.jsonl.gz") -> str:
    """A file that is written down, with the lease that this takes."""
    assert store.lease_retention(ME, LATER, HOUR)
    file = ArchiveFile(
        name=name, sha256="0" * 64, size=1, declarations=1, made_at=LATER, keep_until=T0 + 1827 * DAY
    )
    store.note_archive_file(file, ME)
    return name


def archive(store: Store, mrn: str) -> str:
    entry = entry_of(store, mrn)
    name = noted(store)
    assert store.leave(name, [(entry, 7)], LATER, ME) == 1
    return name


@pytest.fixture
def rows(database_url: str) -> Iterator[object]:
    """How many rows of a table are about an mrn."""
    engine = create_engine(database_url)

    def count(table: str, mrn: str) -> int:
        with engine.connect() as connection:
            found = connection.execute(text(f"SELECT count(*) FROM {table} WHERE mrn = :mrn"), {"mrn": mrn})
            return int(found.scalar_one())

    yield count
    engine.dispose()


def test_every_table_about_a_declaration_is_in_its_record_or_said_not_to_be() -> None:
    """Whoever adds a table has to say what becomes of its rows."""
    of_declarations = {table.name for table in metadata.tables.values() if "mrn" in table.columns}
    made_anew_or_done_with = {"untold_news", "referral_queue", "certificate_waits", "attention"}
    of_others = {"bulk_items", "legal_holds", "archived", "archived_references"}
    recorded = {part.table.name for part in _RECORD} - {"cargo_events"}
    assert of_declarations == recorded | made_anew_or_done_with | of_others
    staying = {"audit", "certificate_entries"}
    assert {table.name for table in _LEAVING} == (recorded | made_anew_or_done_with) - staying


def test_what_has_left_is_a_tombstone_and_nothing_else(store: Store, rows: object) -> None:
    """Not one row of any table is left of it but the tombstone's own; what is beside it is untouched."""
    mrn, other = closed(store), closed(store)
    before = store.record_of(other)
    name = archive(store, mrn)
    assert store.view(mrn) is None
    assert store.record_of(mrn) == []
    assert store.events(mrn, 0, 9) == []
    for table in _LEAVING:
        assert rows(table.name, mrn) == 0, table.name  # type: ignore[operator]
    stone = store.tombstone(mrn)
    assert stone is not None
    assert (stone.file, stone.offset, stone.agencies, stone.outcome) == (name, 7, ("apqa",), "in_progress")
    assert stone.keep_until == T0 + 1827 * DAY
    assert stone.archived_at == LATER
    assert store.record_of(other) == before
    assert store.tombstone(other) is None


def test_lodging_it_again_is_answered_as_before(store: Store) -> None:
    """The same declarant and lrn: the same acceptance, word for word."""
    mrn = closed(store)
    view = store.view(mrn)
    assert view is not None
    archive(store, mrn)
    assert store.lodged("1234567890", view.acceptance.declaration.lrn) == view.acceptance


def test_what_has_changed_since_it_was_written_stays(store: Store) -> None:
    """A callback that came meanwhile: the declaration leaves another time, with it."""
    mrn = closed(store)
    entry = entry_of(store, mrn)
    store.receive(sample.message(sample.decision(mrn, PLANT), at=T0 + SECOND))
    name = noted(store)
    assert store.leave(name, [(entry, 7)], LATER, ME) == 0
    assert store.view(mrn) is not None
    assert store.tombstone(mrn) is None


def test_it_leaves_once(store: Store) -> None:
    """Asked for again, nothing is done."""
    mrn = closed(store)
    entry = entry_of(store, mrn)
    name = noted(store)
    assert [store.leave(name, [(entry, 7)], LATER, ME) for _ in range(2)] == [1, 0]
    assert [stone.mrn for stone in store.tombstones(name)] == [mrn]


def test_whoever_has_lost_the_lease_deletes_nothing(store: Store) -> None:
    """He was suspended, say, and another has taken it over."""
    mrn = closed(store)
    entry = entry_of(store, mrn)
    name = noted(store)
    assert not store.lease_retention("another", LATER, HOUR)
    assert store.lease_retention("another", LATER + HOUR, HOUR)
    with pytest.raises(LeaseLost):
        store.leave(name, [(entry, 7)], LATER + HOUR, ME)
    file = store.last_archive_file()
    assert file is not None
    with pytest.raises(LeaseLost):
        store.note_archive_file(file.model_copy(update={"name": "b", "made_at": LATER + HOUR}), ME)
    store.end_retention("another", LATER + HOUR)
    assert store.lease_retention(ME, LATER + HOUR, HOUR)


def test_only_what_is_done_with_may_leave(store: Store) -> None:
    """Not what is open, held, unsent, or closed too short a time ago; those closed first come first."""
    second, first = closed(store, at_day=2), closed(store, at_day=1)
    recent = closed(store, at_day=99)
    is_open = sample.acceptance(PLANT)
    store.lodge(is_open)
    held = closed(store)
    assert store.hold(LegalHold(mrn=held, at=T0, by="lee", reason="court"))
    unsent = sample.acceptance(PLANT)
    store.lodge(unsent)
    store.mark_started(unsent.mrn)
    store.record_clearance(
        unsent.mrn, sample.clearance(Outcome.HOLD), sample.notice(unsent.mrn, Outcome.HOLD), (), T0
    )
    store.close_case(unsent.mrn, T0)
    found = store.archivable(T0 + 50 * DAY, None, 10)
    assert [one.mrn for one in found] == [first, second]
    assert store.archivable(T0 + 50 * DAY, found[0], 10) == found[1:]
    assert store.archivable(T0 + 50 * DAY, None, 1) == found[:1]
    assert store.count_closed(T0 + 50 * DAY) == 4
    assert recent in {one.mrn for one in store.archivable(LATER, None, 10)}


def test_a_hold_keeps_it_even_when_it_is_in_a_file_already(store: Store) -> None:
    """Held between export and deletion; lifted, it may leave."""
    mrn = closed(store)
    entry = entry_of(store, mrn)
    name = noted(store)
    hold = LegalHold(mrn=mrn, at=T0, by="lee", reason="court")
    assert [store.hold(hold), store.hold(hold)] == [True, False]
    assert store.leave(name, [(entry, 7)], LATER, ME) == 0
    assert store.holds() == [hold]
    assert [store.lift(mrn), store.lift(mrn)] == [hold, None]
    assert store.leave(name, [(entry, 7)], LATER, ME) == 1
    with pytest.raises(KeyError):
        store.hold(hold)


def test_the_database_lets_no_event_go_without_a_tombstone(store: Store, database_url: str) -> None:
    """Whoever asks: deleting events of a declaration that is in the store is refused."""
    mrn = closed(store)
    engine = create_engine(database_url)
    with pytest.raises(Exception, match="append-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM events WHERE mrn = :mrn"), {"mrn": mrn})
    engine.dispose()
    assert store.events(mrn, 0, 1)


def test_files_are_listed_until_all_of_them_has_left(store: Store) -> None:
    """What is under way is what a crash left."""
    name = noted(store)
    assert [file.name for file in store.archive_files(under_way=True)] == [name]
    store.empty_archive_file(name, LATER + SECOND)
    assert store.archive_files(under_way=True) == []
    [file] = store.archive_files()
    assert file.emptied_at == LATER + SECOND
    assert store.last_archive_file() == file


@pytest.mark.parametrize("by", ["our reference", "theirs"])
def test_a_message_about_what_is_archived_is_refused_and_says_so(store: Store, by: str) -> None:
    """It does not wait in the inbox for a referral that will never come."""
    mrn = closed(store, reference="R 77")
    archive(store, mrn)
    message = (
        sample.message(sample.decision(mrn, PLANT))
        if by == "our reference"
        else sample.message(sample.decision("", PLANT), agency_reference="R 77")
    )
    with pytest.raises(CallbackRefused, match="archived"):
        store.receive(message)
    [refused] = store.refused_callbacks(5)
    assert mrn in refused.reason
    assert store.counts()["messages_unmatched"] == 0


def test_old_rows_of_no_declaration_are_dropped_in_pieces(store: Store) -> None:
    """Refused callbacks, messages for nobody, exchanges about nothing; younger ones stay."""
    for number in range(5):
        store.refuse_callback("apqa", "forged", "body", T0 + number * DAY)
        nobodys = sample.message(
            sample.decision("", PLANT), agency_reference=f"X {number}", at=T0 + number * DAY
        )
        store.receive(nobodys)
    login = sample.exchange("", PLANT).model_copy(update={"mrn": None, "service": None})
    store.finish_feed("apqa", next_at=T0, exchanges=[login])
    before = T0 + 2 * DAY + SECOND
    assert [store.prune(Pruned.REFUSED_CALLBACKS, before, 2) for _ in range(3)] == [2, 1, 0]
    assert len(store.refused_callbacks(9)) == 2
    assert store.prune(Pruned.MESSAGES, before, 100) == 3
    assert store.prune(Pruned.MESSAGES, before, 100) == 0
    assert store.counts()["messages_unmatched"] == 2
    assert [store.prune(Pruned.EXCHANGES, before, 100) for _ in range(2)] == [1, 0]


def test_what_belongs_to_a_declaration_is_not_dropped(store: Store) -> None:
    """Its messages and exchanges stay with it, however old."""
    mrn = closed(store)
    store.receive(sample.message(sample.decision(mrn, PLANT)))
    before = store.record_of(mrn)
    for what in Pruned:
        store.prune(what, LATER, 100)
    assert store.record_of(mrn) == before


def test_a_version_goes_when_nobody_was_asked_by_it_and_another_is_in_force(store: Store) -> None:
    """With its files, but not those that another version names."""

    def applied(version: str, content: bytes) -> None:
        files = {"agencies/apqa.yaml": content, "contracts/a.wsdl": b"the same"}
        store.record_applied([AgencyFiles(agency="apqa", version=version, files=files)], T0, ME)

    applied("v0", b"zero")
    applied("v1", b"one")  # of the referrals in tests.store.sample
    applied("v2", b"two")
    closed(store)
    assert [store.prune(Pruned.VERSIONS, LATER, 100) for _ in range(2)] == [1, 0]
    assert store.version_files("apqa", "v0") is None
    for version in ("v1", "v2"):
        kept = store.version_files("apqa", version)
        assert kept is not None
        assert len(kept.files) == 2


def test_a_tombstone_goes_when_the_law_no_longer_asks(store: Store) -> None:
    """Then the lrn is free again."""
    mrn = closed(store)
    archive(store, mrn)
    assert store.prune(Pruned.TOMBSTONES, T0 + 1826 * DAY, 100) == 0
    assert store.prune(Pruned.TOMBSTONES, T0 + 1828 * DAY, 100) == 1
    assert store.tombstone(mrn) is None


def test_the_code_of_a_tracking_link_is_not_archived(store: Store) -> None:
    """Whoever reads the file could try it."""
    mrn = closed(store)
    store.add_tracking_link(
        TrackingLink(id="1", mrn=mrn, made_at=T0, made_by="customs"), "hash-of-the-code", 10
    )
    [link] = [line for line in store.record_of(mrn) if line["kind"] == "tracking_link"]
    assert "hash-of-the-code" not in str(link)
    assert link["made_by"] == "customs"
