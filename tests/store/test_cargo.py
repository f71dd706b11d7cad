"""What carriers and warehouses report, noted with the declarations of the cargo."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hub.domain.cargo import CargoEvent, CargoStep
from hub.domain.clearance import Outcome
from hub.domain.events import EventType
from hub.domain.steps.amending import amend
from hub.store import Store
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0

NUMBER = "26KR0001"


def reported(step: CargoStep = CargoStep.ARRIVAL, at: int = 1, **more: Any) -> CargoEvent:
    return CargoEvent.model_validate(
        {
            "cargo_management_number": NUMBER,
            "step": step,
            "at": T0 + at * SECOND,
            "place": "인천",
            "reporter": "carrier",
            "message_id": f"{step}-{at}",
            "received_at": T0 + (at + 1) * SECOND,
            **more,
        }
    )


def lodge(store: Store, number: str | None = NUMBER) -> str:
    consignment = {"ucr": "6KR", "cargo_management_number": number}
    lodged = sample.declaration(lrn=sample.new_lrn(), consignment=consignment)
    accepted = sample.acceptance(PLANT, lodged=lodged)
    store.lodge(accepted)
    return accepted.mrn


def kinds(store: Store, mrn: str) -> list[EventType]:
    return [e.type for e in store.events(mrn, 0, 100) if e.type.value.startswith("cargo.")]


def test_every_step_is_noted_with_every_declaration_of_the_cargo(store: Store) -> None:
    """Once, with where, when and by whom; not with others."""
    mrns = sorted([lodge(store), lodge(store)])
    other = lodge(store, "26KR0002")
    steps = [reported(step, at) for at, step in enumerate(CargoStep, 1) if step is not CargoStep.GATE_OUT]
    for one in steps:
        assert store.record_cargo(one) == mrns
        assert store.record_cargo(one.model_copy(update={"received_at": T0})) == []
    for mrn in mrns:
        assert kinds(store, mrn) == [
            EventType.CARGO_ARRIVED,
            EventType.CARGO_UNLOADED,
            EventType.CARGO_STORED,
            EventType.CARGO_MOVED_IN_BOND,
            EventType.CARGO_LET_GO,
        ]
    assert kinds(store, other) == []
    assert store.cargo_events(NUMBER) == steps
    first = store.events(mrns[0], 1, 1)[0]
    assert first.at == steps[0].received_at
    assert first.data == {
        "cargo_management_number": NUMBER,
        "at": "2026-03-02T01:30:01.123456Z",
        "place": "인천",
        "reporter": "carrier",
        "message_id": "arrival-1",
    }


def test_a_message_id_says_one_thing(store: Store) -> None:
    """Of one reporter; another may use the same."""
    lodge(store)
    store.record_cargo(reported())
    with pytest.raises(ValueError, match="used before"):
        store.record_cargo(reported(place="부산"))
    assert len(store.record_cargo(reported(reporter="warehouse"))) == 1
    assert len(store.cargo_events(NUMBER)) == 2


def test_what_came_before_the_declaration_is_noted_with_it(store: Store) -> None:
    """At lodging, and when an amendment names the cargo; in the order in which it took place."""
    store.record_cargo(reported(CargoStep.UNLOADING, 2))
    assert store.record_cargo(reported(CargoStep.ARRIVAL, 1)) == []
    assert kinds(store, lodge(store)) == [EventType.CARGO_ARRIVED, EventType.CARGO_UNLOADED]
    mrn = lodge(store, None)
    before = store.view(mrn)
    assert before is not None
    lodged = before.acceptance.declaration
    consignment = lodged.consignment.model_copy(update={"cargo_management_number": NUMBER})
    new = sample.acceptance(
        PLANT, lodged=lodged.model_copy(update={"consignment": consignment}), mrn=mrn, at=T0 + SECOND
    )
    new = new.model_copy(update={"case": new.case.model_copy(update={"version": 2})})
    digests = {PLANT: ("1", "1")}
    store.change(mrn, lambda v: amend(v, new, digests=digests, abilities={}, sent={}), acceptance=new)
    assert kinds(store, mrn) == [EventType.CARGO_ARRIVED, EventType.CARGO_UNLOADED]
    assert mrn in store.record_cargo(reported(CargoStep.STORAGE, 3))


def test_cargo_that_leaves_before_its_release_is_noted_for_customs(store: Store) -> None:
    """Also when it had left before it was declared; after the release it is as it should be."""
    held, released, part = lodge(store), lodge(store), lodge(store)
    store.record_clearance(released, sample.clearance(Outcome.RELEASE), None, [], T0)
    some = sample.clearance(Outcome.PARTIAL_RELEASE).model_copy(update={"released_items": (1,)})
    store.record_clearance(part, some, None, [], T0)
    assert len(store.record_cargo(reported(CargoStep.GATE_OUT))) == 3
    left = [EventType.CARGO_GATED_OUT, EventType.CARGO_LEFT_UNRELEASED]
    assert kinds(store, held) == left
    assert kinds(store, released) == kinds(store, part) == [EventType.CARGO_GATED_OUT]
    assert kinds(store, lodge(store)) == left


def test_a_report_and_a_declaration_at_once_find_each_other(store: Store) -> None:
    """Whichever comes first, the step is noted once."""
    for number in range(8):
        start = threading.Barrier(2)
        cargo = f"26KR1{number:03}"

        def lodge_it(start: threading.Barrier = start, cargo: str = cargo) -> str:
            start.wait()
            return lodge(store, cargo)

        def report(start: threading.Barrier = start, cargo: str = cargo) -> None:
            start.wait()
            store.record_cargo(reported(cargo_management_number=cargo, message_id=cargo))

        with ThreadPoolExecutor(2) as pool:
            lodged, done = pool.submit(lodge_it), pool.submit(report)
            done.result()
        assert kinds(store, lodged.result()) == [EventType.CARGO_ARRIVED]
