"""
Each promise is broken once, in the evidence of a leg that has kept all of them, and the checks must see it.

The evidence is real: a short leg with kills and other faults, played by the stack.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chaos.campaign import Leg
from chaos.checks import Breach, Invariant, check
from chaos.evidence import Application, Notice
from chaos.plan import Act, FaultKind, Kind
from chaos.post import Forgery
from chaos.record import History
from chaos.report import as_data, as_markdown
from chaos.world import World

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(400),  # the leg is played within the first of them
]


async def test_a_leg_with_kills_keeps_every_promise(leg: Leg) -> None:
    """Processes are killed, links cut, callbacks forged; nothing is lost, nothing done twice."""
    assert leg.breaches == []
    assert leg.whole
    assert len(leg.done) == len(leg.plan.faults)
    assert sum(one.fault.kind is FaultKind.KILL for one in leg.done) == 3
    assert {history.lot.kind for history in leg.histories} >= {Kind.CONSENTED, Kind.WITHDRAWN, Kind.AMENDED}


async def test_the_report_tells_what_was_done(leg: Leg) -> None:
    """How many of what, whether it holds, and how to rerun it; a breach with all that is known of it."""
    text = as_markdown("7", [as_data(leg)], rerun="make chaos SEED=7")
    assert "Every promise was kept. Rerun it with `make chaos SEED=7`." in text
    assert f"| declarations lodged | {len(leg.plan.lots)} |" in text
    leg.breaches = [Breach(Invariant.NOTICES, "26KR0000000000000X", 3, "one notice", "two notices")]
    text = as_markdown("7", [as_data(leg)], rerun="make chaos SEED=7")
    assert "**Promises were broken.**" in text
    assert "26KR0000000000000X (lot 3). Expected: one notice. Found: two notices." in text


async def test_a_declaration_that_is_not_on_record(leg: Leg, world: World) -> None:
    del leg.evidence.accepted[_released(leg).lot.lrn]
    assert _broken(leg, world) == {Invariant.ACCEPTED_IS_KEPT}


async def test_an_act_that_is_refused_without_a_reason(leg: Leg, world: World) -> None:
    history = _released(leg)
    history.answers.append(replace(history.answers[0], act=Act.AMEND, status=403))
    assert _broken(leg, world) == {Invariant.ACCEPTED_IS_KEPT}


async def test_an_outcome_that_the_agencies_books_do_not_come_to(leg: Leg, world: World) -> None:
    notice = leg.evidence.notices_of[_refused(leg).mrn][-1]
    notice.outcome = "hold"
    assert Invariant.ONE_LAWFUL_OUTCOME in _broken(leg, world)


async def test_an_outcome_that_nobody_was_told(leg: Leg, world: World) -> None:
    mrn = _released(leg).mrn
    leg.evidence.notices = [one for one in leg.evidence.notices if one.mrn != mrn]
    assert _broken(leg, world) >= {Invariant.ONE_LAWFUL_OUTCOME, Invariant.NOTICES}


async def test_a_release_before_a_consent(leg: Leg, world: World) -> None:
    history = _released(leg)
    [notice] = leg.evidence.notices_of[history.mrn]
    for application in leg.evidence.applications_of[history.mrn]:
        for case in application.cases:
            case.said = [replace(one, at=notice.received_at + timedelta(seconds=1)) for one in case.said]
    assert _broken(leg, world) == {Invariant.CONSENTS_BEFORE_RELEASE}


async def test_a_release_against_a_refusal(leg: Leg, world: World) -> None:
    history = _refused(leg)
    for notice in leg.evidence.notices_of[history.mrn]:
        notice.outcome = "release"
    assert Invariant.CONSENTS_BEFORE_RELEASE in _broken(leg, world)


async def test_a_release_after_a_withdrawal(leg: Leg, world: World) -> None:
    _withdraw(_released(leg))
    assert Invariant.CONSENTS_BEFORE_RELEASE in _broken(leg, world)


async def test_an_application_that_took_effect_twice(leg: Leg, world: World) -> None:
    application = _application(leg, _released(leg))
    application.cases.append(replace(application.cases[0], receipt="AGAIN", withdrawn_at=_now(leg)))
    assert _broken(leg, world) == {Invariant.APPLIED_ONCE}


async def test_two_live_applications_under_two_references(leg: Leg, world: World) -> None:
    application = _application(leg, _released(leg))
    leg.evidence.applications.append(replace(application, reference=f"{application.reference}.2"))
    assert _broken(leg, world) == {Invariant.APPLIED_ONCE}


async def test_an_application_left_over_after_a_withdrawal(leg: Leg, world: World) -> None:
    _withdraw(_released(leg))
    assert Invariant.NOBODY_LEFT_OVER in _broken(leg, world)


async def test_a_quantity_that_is_lost_on_the_way(leg: Leg, world: World) -> None:
    application = _application(leg, _released(leg))
    application.masses = ("1", *application.masses[1:])
    assert _broken(leg, world) == {Invariant.QUANTITIES}


async def test_a_goods_item_that_is_lost_on_the_way(leg: Leg, world: World) -> None:
    application = _application(leg, _released(leg))
    application.items, application.masses = application.items[1:], application.masses[1:]
    assert Invariant.QUANTITIES in _broken(leg, world)


async def test_a_quantity_that_is_written_off_twice(leg: Leg, world: World) -> None:
    [balance] = leg.evidence.balances.values()
    balance["written_off"] = str(float(balance["written_off"]) + 10)
    assert _broken(leg, world) == {Invariant.QUANTITIES}


async def test_a_notice_that_comes_twice_under_two_keys(leg: Leg, world: World) -> None:
    [notice] = leg.evidence.notices_of[_released(leg).mrn]
    leg.evidence.notices.append(replace(notice, number=2, key=f"{notice.mrn}-notice-2"))
    assert Invariant.NOTICES in _broken(leg, world)


async def test_notices_out_of_order(leg: Leg, world: World) -> None:
    [notice] = leg.evidence.notices_of[_refused(leg).mrn]
    earlier = replace(notice, number=2, outcome="hold", key=f"{notice.mrn}-notice-2")
    leg.evidence.notices = [earlier, *leg.evidence.notices]
    assert Invariant.NOTICES in _broken(leg, world)


async def test_an_event_that_is_missing(leg: Leg, world: World) -> None:
    del leg.evidence.events[_released(leg).mrn or ""][1]
    assert _broken(leg, world) == {Invariant.CHAINS}


async def test_a_decision_that_counts_twice(leg: Leg, world: World) -> None:
    events = leg.evidence.events[_released(leg).mrn or ""]
    [*_, decision] = [one for one in events if one.type == "decision.received"]
    events.append(replace(decision, seq=len(events) + 1))
    assert _broken(leg, world) == {Invariant.CHAINS}


async def test_an_outcome_that_its_events_do_not_come_to(leg: Leg, world: World) -> None:
    events = leg.evidence.events[_released(leg).mrn or ""]
    for place, one in enumerate(events):
        if one.type == "decision.received":
            events[place] = replace(one, data={**one.data, "verdict": "refused"})
    assert _broken(leg, world) == {Invariant.CHAINS}


async def test_a_refused_declaration_that_is_put_to_an_agency(leg: Leg, world: World) -> None:
    faulty = _one(leg, Kind.FAULTY)
    application = _application(leg, _released(leg))
    leg.evidence.applications.append(replace(application, ucr=faulty.lot.ucr, reference="X", cases=[]))
    assert _broken(leg, world) == {Invariant.NOTHING_HALF_DONE}


async def test_an_application_of_no_declaration(leg: Leg, world: World) -> None:
    application = _application(leg, _released(leg))
    leg.evidence.applications.append(replace(application, mrn="26KR0000000000000X", ucr="X"))
    assert _broken(leg, world) == {Invariant.NOTHING_HALF_DONE}


async def test_a_forgery_that_is_taken(leg: Leg, world: World) -> None:
    leg.evidence.forgeries.append(Forgery("kfs", b"{}", 202))
    assert _broken(leg, world) == {Invariant.NO_FORGERY}


async def test_an_answer_with_status_500(leg: Leg, world: World) -> None:
    leg.evidence.failures.append((1, "POST /v1/declarations", "internal-error"))
    assert _broken(leg, world) == {Invariant.NO_FAILURE}


def _broken(leg: Leg, world: World) -> set[Invariant]:
    leg.evidence.index()
    return {one.invariant for one in check(world, leg.histories, leg.evidence, at=_now(leg))}


def _now(leg: Leg):  # type: ignore[no-untyped-def]
    return max(event.at for events in leg.evidence.events.values() for event in events) + timedelta(minutes=5)


def _one(leg: Leg, *kinds: Kind) -> History:
    return next(history for history in leg.histories if history.lot.kind in kinds)


def _released(leg: Leg) -> History:
    """One that is released, after agencies have consented."""
    return next(
        history
        for history in leg.histories
        if history.lot.kind is Kind.CONSENTED
        and _outcomes(leg, history) == ["release"]
        and leg.evidence.applications_of[history.mrn]
    )


def _refused(leg: Leg) -> History:
    return next(history for history in leg.histories if _outcomes(leg, history) == ["refusal"])


def _withdraw(history: History) -> None:
    """As if its declarant had taken it back, and been told so."""
    history.answers.append(replace(history.answers[0], act=Act.WITHDRAW))


def _outcomes(leg: Leg, history: History) -> list[str]:
    return [notice.outcome for notice in _notices(leg, history)]


def _notices(leg: Leg, history: History) -> list[Notice]:
    return leg.evidence.notices_of[history.mrn or ""]


def _application(leg: Leg, history: History) -> Application:
    return next(one for one in leg.evidence.applications_of[history.mrn or ""] if one.cases)
