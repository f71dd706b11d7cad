"""Versions of the agencies' files: written once, by whoever is first, and never lost."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from hub.ports import AgencyFiles, ChangeKind, Served, ToldFault
from hub.store import Store, create_store, upgrade
from hub.store.engine import Database
from tests.store import sample
from tests.store.sample import FOOD, PLANT, SECOND, T0

WSDL = b"\xff\xfe<\x00d\x00/\x00>\x00"
FAULT = ToldFault(file="agencies/apqa.yaml", line=3, key="services", what="it is missing", cure="add it")


def version(name: str, agency: str = "apqa", text: bytes = b"agency: apqa") -> AgencyFiles:
    files = {f"agencies/{agency}.yaml": text + name.encode(), "contracts/apqa.wsdl": WSDL}
    return AgencyFiles(agency=agency, version=name, files=files)


def told(store: Store, agency: str | None = None) -> list[tuple[str, str, str | None]]:
    """What is recorded, oldest first."""
    return [(c.agency, c.kind, c.version) for c in reversed(store.agency_changes(agency, 100))]


def test_a_version_is_read_back_byte_by_byte(store: Store) -> None:
    """Also files that are no UTF-8; what another agency names as well is kept once."""
    store.record_applied([version("v1"), version("v1", "mfds")], T0, "api")
    assert store.version_files("apqa", "v1") == version("v1")
    assert store.version_files("mfds", "v1") == version("v1", "mfds")
    assert store.version_files("apqa", "v2") is None
    assert store.version_files("kats", "v1") is None


def test_what_is_in_force_is_the_version_applied_last(store: Store) -> None:
    """The same version may come into force again; an agency that is removed has none, and keeps its files."""
    for seconds, name in enumerate(("v1", "v2", "v1")):
        store.record_applied([version(name)], T0 + seconds * SECOND, "api")
    standing = store.in_force()["apqa"]
    assert (standing.version, standing.since) == ("v1", T0 + 2 * SECOND)
    store.record_removed(["apqa", "mfds"], T0 + 3 * SECOND, "api")
    assert store.in_force() == {}
    assert store.last_version("apqa") == "v1"
    assert store.version_files("apqa", "v2") == version("v2")
    assert told(store) == [
        ("apqa", "applied", "v1"),
        ("apqa", "applied", "v2"),
        ("apqa", "applied", "v1"),
        ("apqa", "removed", None),
    ]


def test_several_processes_see_the_same_change_and_one_records_it(store: Store) -> None:
    """Eight at once: one row, whoever was first."""
    start = threading.Barrier(8)

    def apply(number: int) -> None:
        start.wait(10)
        store.record_applied([version("v1"), version("v1", "mfds")], T0 + number * SECOND, f"worker {number}")
        store.record_refused("apqa", "v2", [FAULT], T0 + 10 * SECOND, f"worker {number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(apply, range(8)))
    assert sorted(told(store)) == [
        ("apqa", "applied", "v1"),
        ("apqa", "refused", "v2"),
        ("mfds", "applied", "v1"),
    ]


def test_refused_files_change_nothing_and_are_remembered_with_their_faults(store: Store) -> None:
    """What is in force stays; when the folder holds it again that is told, and its day stays the first."""
    store.record_applied([version("v1")], T0, "api")
    store.record_refused("apqa", "v2", [FAULT], T0 + SECOND, "api")
    assert store.in_force()["apqa"].version == "v1"
    assert store.version_files("apqa", "v2") is None
    [refused, _] = store.agency_changes("apqa", 10)
    assert (refused.kind, refused.faults, refused.at) == (ChangeKind.REFUSED, (FAULT,), T0 + SECOND)
    store.record_mended(["apqa", "mfds"], T0 + 2 * SECOND, "api")
    store.record_mended(["apqa"], T0 + 2 * SECOND, "worker")
    assert store.in_force()["apqa"].since == T0
    assert [kind for _, kind, _ in told(store, "apqa")] == ["applied", "refused", "mended"]


def test_referrals_are_counted_by_the_version_that_serves_them(store: Store) -> None:
    """All of them, and those that still wait."""
    first, second = sample.acceptance(PLANT), sample.acceptance(PLANT, FOOD)
    store.lodge(first)
    store.lodge(second)
    assert store.served("apqa") == {"v1": Served(open=2, all=2)}
    store.close_case(first.mrn, T0)
    assert store.served("apqa") == {"v1": Served(open=1, all=2)}
    assert store.served("nobody") == {}


def test_an_agency_that_left_is_known_while_referrals_wait_for_it(store: Store) -> None:
    """One that is in force, and one that nothing waits for, have not left anything behind."""
    lodged = sample.acceptance(PLANT)
    store.lodge(lodged)
    store.record_applied([version("v1"), version("v1", "kats")], T0, "api")
    assert store.agencies_left() == set()
    store.record_removed(["apqa", "kats"], T0, "api")
    assert store.agencies_left() == {"apqa"}
    store.close_case(lodged.mrn, T0)
    assert store.agencies_left() == set()


def test_referrals_of_before_know_their_version_after_the_upgrade(empty_database_url: str) -> None:
    """The column is filled from the terms."""
    database = Database(empty_database_url)
    with database.write() as connection:
        config = Config()
        config.set_main_option("script_location", "hub.store:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        terms = sample.acceptance(PLANT).case.referrals[0].terms.model_dump_json()
        connection.execute(
            sa.text(
                "INSERT INTO declarations (mrn, client, declarant, lrn, content_hash, procedure, ucr,"
                " accepted_at, declaration, acceptance, outcome, clearance, settled_at, pending_agencies,"
                " started, last_seq) VALUES ('26KR0000000000000A', 'c', 'd', 'l', 'h', 'import', 'u', :at,"
                " '{}', '{}', 'hold', '{}', :at, '[]', true, 0)"
            ),
            {"at": "2026-03-02T01:30:00.000000Z"},
        )
        connection.execute(
            sa.text(
                "INSERT INTO referrals (mrn, service, place, agency, accepted_at, terms, state, awaited)"
                " VALUES ('26KR0000000000000A', :service, 0, 'apqa', :at, :terms, 'pending', true)"
            ),
            {"service": PLANT, "at": "2026-03-02T01:30:00.000000Z", "terms": terms},
        )
    database.close()
    upgrade(empty_database_url)
    store = create_store(empty_database_url)
    assert store.served("apqa") == {"v1": Served(open=1, all=1)}
    store.close()
