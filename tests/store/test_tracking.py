"""Tracking links, and failures to open one: counted for all processes, and forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from hub.ports import TrackingLink
from hub.store import Store, create_store
from hub.store.tables import tracking_failures
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0

EVERY = 10 * SECOND


def lodge(store: Store) -> str:
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    return accepted.mrn


def link(mrn: str, id: str = "L1", at: int = 0) -> TrackingLink:
    return TrackingLink(id=id, mrn=mrn, made_at=T0 + at * SECOND, made_by="customs")


def rows(store: Store) -> int:
    with store._database.read() as connection:
        return connection.execute(select(func.count()).select_from(tracking_failures)).scalar_one()


def test_a_link_is_found_by_its_hash_and_listed_in_order(store: Store) -> None:
    mrn = lodge(store)
    later, first = link(mrn, "L2", at=1), link(mrn, "L1")
    assert store.add_tracking_link(later, "hash-2", 5)
    assert store.add_tracking_link(first, "hash-1", 5)
    assert store.tracking_link("hash-1") == first
    assert store.tracking_link("hash-3") is None
    assert store.tracking_links(mrn) == [first, later]
    assert store.tracking_links("26KR0000000000000X") == []


def test_a_link_is_revoked_once(store: Store) -> None:
    mrn = lodge(store)
    store.add_tracking_link(link(mrn), "hash", 5)
    store.revoke_tracking_link(mrn, "L1", T0 + SECOND)
    store.revoke_tracking_link(mrn, "L1", T0 + 9 * SECOND)
    found = store.tracking_link("hash")
    assert found is not None
    assert found.revoked_at == T0 + SECOND
    with pytest.raises(KeyError):
        store.revoke_tracking_link(mrn, "L2", T0)
    with pytest.raises(KeyError):
        store.revoke_tracking_link(lodge(store), "L1", T0)


def test_nothing_is_linked_that_is_not_there(store: Store) -> None:
    with pytest.raises(KeyError):
        store.add_tracking_link(link("26KR0000000000000X"), "hash", 5)


def test_only_open_links_are_counted_and_never_more_are_made_at_once(store: Store) -> None:
    mrn = lodge(store)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda n: store.add_tracking_link(link(mrn, f"L{n}"), f"hash-{n}", 3), range(8)))
    assert sum(made) == 3
    kept = store.tracking_links(mrn)[0]
    store.revoke_tracking_link(mrn, kept.id, T0)
    assert store.add_tracking_link(link(mrn, "L9"), "hash-9", 3)


def test_so_many_failures_at_once_and_one_more_after_each_while(store: Store) -> None:
    def wait(at: float) -> timedelta:
        return store.may_fail_again_in(["a"], T0 + at * SECOND, EVERY, burst=3)

    for _ in range(3):
        assert wait(0) == timedelta(0)
        store.note_failure(["a"], T0, EVERY)
    assert wait(0) == EVERY
    assert wait(4) == 6 * SECOND
    assert wait(10) == timedelta(0)
    store.note_failure(["a"], T0 + EVERY, EVERY)
    assert wait(10) == EVERY
    # All is forgotten in the end.
    assert wait(1000) == timedelta(0)


def test_whoever_of_several_has_failed_too_often_is_waited_for(store: Store) -> None:
    for _ in range(2):
        store.note_failure(["a", "b"], T0, EVERY)
    store.note_failure(["b"], T0, EVERY)
    assert store.may_fail_again_in(["c"], T0, EVERY, 2) == timedelta(0)
    assert store.may_fail_again_in(["c", "a"], T0, EVERY, 2) == EVERY
    assert store.may_fail_again_in(["a", "b"], T0, EVERY, 2) == 2 * EVERY


def test_failures_count_for_all_processes_together(store: Store, database_url: str) -> None:
    """Two stores on one database, as two processes have them; at the same time, too."""
    other = create_store(database_url, sync="normal")
    try:
        with ThreadPoolExecutor(4) as pool:
            noting = [
                pool.submit(each.note_failure, ["a", "b"], T0, EVERY)
                for each in (store, other)
                for _ in range(5)
            ]
            for one in noting:
                one.result()
        for each in (store, other):
            assert each.may_fail_again_in(["a"], T0, EVERY, burst=1) == 10 * EVERY
    finally:
        other.close()


def test_what_is_forgotten_takes_up_no_room(store: Store) -> None:
    """However many have failed: each failure drops more than it adds."""
    for number in range(150):
        store.note_failure([f"sender {number}"], T0, EVERY)
    assert rows(store) == 150
    for number in range(2):
        store.note_failure([f"later {number}"], T0 + 2 * EVERY, EVERY)
    assert rows(store) == 2
