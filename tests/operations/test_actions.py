"""Actions: previewed, allowed or not, done once, and each with one line in the audit."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub.domain.events import EventType
from hub.domain.referral import ReferralState
from hub.domain.steps import StepRefused
from hub.operations.actions import OF_AGENCIES, Action
from hub.operations.permission import ActionForbidden
from hub.ports import (
    LEAST_ROLE,
    ActionKind,
    Actor,
    AuditFilter,
    ChangedMeanwhile,
    ControlState,
    UserRole,
)
from hub.store import Store
from tests.operations.desk import ADMIN, CHOI, KIM, LEE, OF_APQA, VIEWER, Office, request
from tests.store.sample import FOOD, PLANT, decision, delivered, failed, message

ANIMAL = "apqa-animal-import"
ONE_PERSON = sorted(set(ActionKind) - {ActionKind.DECIDE})


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store)


def retry(mrn: str, service: str = PLANT) -> Action:
    return Action(kind=ActionKind.RETRY, mrn=mrn, service=service)


def about(kind: ActionKind, mrn: str) -> Action:
    """An action that may be done to a declaration just lodged, or to its agency."""
    if kind in OF_AGENCIES:
        return Action(kind=kind, agency="apqa")
    if kind is ActionKind.WITHDRAW:
        return Action(kind=kind, mrn=mrn, code="C01")
    return Action(kind=kind, mrn=mrn, service=ANIMAL)


# --- who may ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [VIEWER, OF_APQA], ids=["viewer", "agency"])
async def test_who_may_only_look_does_nothing(office: Office, actor: Actor) -> None:
    mrn = office.lodged(ANIMAL).mrn
    before = office.store.events(mrn, 0, 100)
    for kind in ONE_PERSON:
        with pytest.raises(ActionForbidden):
            await office.desk.actions.preview(actor, about(kind, mrn))
        with pytest.raises(ActionForbidden):
            await office.desk.actions.carry_out(actor, about(kind, mrn), "because", request())
    assert office.store.events(mrn, 0, 100) == before
    assert office.store.controls() == {}
    assert office.lines() == []


@pytest.mark.parametrize("kind", [k for k in ONE_PERSON if LEAST_ROLE[k] is UserRole.SUPERVISOR])
async def test_what_is_for_supervisors_an_operator_sees_and_cannot_do(
    office: Office, kind: ActionKind
) -> None:
    mrn = office.lodged(ANIMAL).mrn
    preview = await office.desk.actions.preview(KIM, about(kind, mrn))
    assert preview.refusal is not None
    assert preview.refusal.code == "role"
    with pytest.raises(ActionForbidden):
        await office.desk.actions.carry_out(KIM, about(kind, mrn), "because", request())
    assert office.lines() == []


# --- what is done -------------------------------------------------------------------------------------


async def test_a_retry_is_an_event_with_name_and_reason_and_the_workflow_hears_of_it(
    office: Office,
) -> None:
    mrn = office.lodged(results=()).mrn
    office.store.record_hand_overs(mrn, [failed(mrn, PLANT)], office.now)
    preview = await office.desk.actions.preview(KIM, retry(mrn))
    assert preview.refusal is None
    assert [one.code for one in preview.will] == ["tried_now"]
    assert preview.referral is not None
    assert preview.referral.trouble == "connection refused"

    done = await office.desk.actions.carry_out(
        KIM, retry(mrn), "their firewall is mended", request(), seen=preview.last_seq
    )

    event = office.store.events(mrn, 0, 100)[-1]
    assert event.type is EventType.REFERRAL_RETRY_ASKED
    assert (event.service, event.data["by"], event.data["reason"]) == (
        PLANT,
        "kim",
        "their firewall is mended",
    )
    assert office.engine.nudged == [mrn]
    assert done.told
    [line] = office.lines()
    assert (line.user, line.action, line.mrn, line.service, line.agency, line.result) == (
        "kim",
        "retry",
        mrn,
        PLANT,
        "apqa",
        "done",
    )


async def test_every_action_of_one_person_leaves_its_event_or_control_and_exactly_one_line(
    office: Office,
) -> None:
    lodged = office.lodged(ANIMAL, results=())
    mrn = lodged.mrn
    office.store.begin_hand_over(mrn, [ANIMAL], office.now)
    office.store.record_hand_overs(mrn, [failed(mrn, ANIMAL, sent=True)], office.now)
    asked = [
        (Action(kind=ActionKind.RETRY, mrn=mrn, service=ANIMAL), EventType.REFERRAL_RETRY_ASKED),
        (Action(kind=ActionKind.LOOK_UP, mrn=mrn, service=ANIMAL), EventType.REFERRAL_LOOK_UP_ASKED),
        (Action(kind=ActionKind.RESEND, mrn=mrn, service=ANIMAL), EventType.REFERRAL_RESENT),
        (
            Action(kind=ActionKind.EXTEND, mrn=mrn, service=ANIMAL, due_at=office.now + timedelta(days=9)),
            EventType.DEADLINE_MOVED,
        ),
        (Action(kind=ActionKind.WITHDRAW, mrn=mrn, code="C01"), EventType.DECLARATION_WITHDRAWN),
    ]
    for action, kind in asked:
        last = office.store.events(mrn, 0, 100)[-1].seq
        done = await office.desk.actions.carry_out(CHOI, action, f"about {action.kind}", request())
        new = office.store.events(mrn, last, 100)
        assert kind in [event.type for event in new], action.kind
        assert done.line.reason == f"about {action.kind}"
    for kind_of, state in [
        (ActionKind.PAUSE, ControlState.PAUSED),
        (ActionKind.RESUME, ControlState.DRAINING),
    ]:
        await office.desk.actions.carry_out(
            CHOI, Action(kind=kind_of, agency="mfds"), f"about {kind_of}", request()
        )
        assert office.store.controls()["mfds"].state is state
        assert office.store.controls()["mfds"].by == "choi"
    for kind_of, state in [
        (ActionKind.OPEN_BREAKER, ControlState.FAILING),
        (ActionKind.CLOSE_BREAKER, ControlState.DRAINING),
    ]:
        await office.desk.actions.carry_out(
            CHOI, Action(kind=kind_of, agency="npa"), f"about {kind_of}", request()
        )
        assert office.store.controls()["npa"].state is state
    done_kinds = [action.kind for action, _ in asked]
    done_kinds += [ActionKind.PAUSE, ActionKind.RESUME, ActionKind.OPEN_BREAKER, ActionKind.CLOSE_BREAKER]
    assert [line.action for line in office.lines()] == [kind.value for kind in done_kinds]
    assert {line.result for line in office.lines()} == {"done"}


async def test_a_withdrawal_that_was_told_by_hand(office: Office) -> None:
    mrn = office.lodged(results=()).mrn
    office.store.record_hand_overs(mrn, [delivered(mrn, PLANT)], office.now)
    withdraw = Action(kind=ActionKind.WITHDRAW, mrn=mrn, code="C01")
    await office.desk.actions.carry_out(CHOI, withdraw, "diverted", request())
    told = Action(kind=ActionKind.WITHDRAWN, mrn=mrn, service=PLANT)
    preview = await office.desk.actions.preview(KIM, told)
    assert preview.refusal is not None
    assert preview.refusal.code == "not-by-hand", "the channel can be told, and has not failed"


async def test_whoever_resends_has_it_served_by_the_newest_version_of_the_file(office: Office) -> None:
    mrn = office.lodged(ANIMAL).mrn
    await office.desk.actions.carry_out(
        KIM, Action(kind=ActionKind.RESEND, mrn=mrn, service=ANIMAL), "mapping mended", request()
    )
    view = office.store.view(mrn)
    assert view is not None
    newest = office.desk.rules.newest("apqa", ANIMAL)
    assert newest is not None
    assert view.case.referral(ANIMAL).terms.config_version == newest.version


async def test_the_engine_may_be_away(office: Office) -> None:
    mrn = office.lodged().mrn
    office.engine.down = True
    done = await office.desk.actions.carry_out(KIM, retry(mrn), "again", request())
    assert not done.told
    later = office.now + timedelta(minutes=1)
    assert office.store.untold_news(later, 10) == [mrn], "a relay tells it when the engine is back"


async def test_an_agency_that_is_not_asked_is_told_of_in_the_preview(office: Office) -> None:
    mrn = office.lodged().mrn
    pause = Action(kind=ActionKind.PAUSE, agency="apqa")
    await office.desk.actions.carry_out(KIM, pause, "moving house", request())
    preview = await office.desk.actions.preview(KIM, retry(mrn))
    assert [one.code for one in preview.will] == ["agency_not_asked"]
    assert preview.control is not None
    assert preview.control.reason == "moving house"


# --- once ---------------------------------------------------------------------------------------------


async def test_a_form_that_is_sent_twice_does_it_once(office: Office) -> None:
    mrn = office.lodged().mrn
    once = request()
    first, second = await asyncio.gather(
        office.desk.actions.carry_out(KIM, retry(mrn), "again", once),
        office.desk.actions.carry_out(KIM, retry(mrn), "again", once),
    )
    assert [first.before, second.before].count(True) == 1
    asked = [e for e in office.store.events(mrn, 0, 100) if e.type is EventType.REFERRAL_RETRY_ASKED]
    assert len(asked) == 1
    assert len(office.lines()) == 1


async def test_an_agency_that_was_resumed_is_not_paused_again_by_an_old_form(office: Office) -> None:
    once, pause = request(), Action(kind=ActionKind.PAUSE, agency="apqa")
    await office.desk.actions.carry_out(KIM, pause, "down", once)
    await office.desk.actions.carry_out(KIM, Action(kind=ActionKind.RESUME, agency="apqa"), "up", request())
    again = await office.desk.actions.carry_out(KIM, pause, "down", once)
    assert again.before
    assert office.store.controls()["apqa"].state is ControlState.DRAINING


async def test_the_id_of_another_request_is_refused(office: Office) -> None:
    mrn = office.lodged(PLANT, FOOD).mrn
    once = request()
    await office.desk.actions.carry_out(KIM, retry(mrn), "again", once)
    with pytest.raises(StepRefused) as refused:
        await office.desk.actions.carry_out(LEE, retry(mrn, FOOD), "again", once)
    assert refused.value.code == "request-already-used"


async def test_what_has_changed_since_it_was_looked_at_is_not_done(office: Office) -> None:
    mrn = office.lodged().mrn
    seen = (await office.desk.actions.preview(KIM, retry(mrn))).last_seq
    office.store.record_hand_overs(mrn, [failed(mrn, PLANT, "another trouble")], office.now)
    last = office.store.events(mrn, 0, 100)[-1].seq
    with pytest.raises(ChangedMeanwhile):
        await office.desk.actions.carry_out(KIM, retry(mrn), "again", request(), seen=seen)
    assert office.store.events(mrn, last, 100) == []
    assert office.lines() == []


# --- refused ------------------------------------------------------------------------------------------


async def test_what_is_refused_as_things_stand_leaves_one_line_with_the_reason(office: Office) -> None:
    mrn = office.lodged(results=()).mrn
    office.store.receive(message(decision(mrn, PLANT)))
    with pytest.raises(StepRefused) as refused:
        await office.desk.actions.carry_out(KIM, retry(mrn), "again", request())
    assert refused.value.code == "nothing-waits"
    [line] = office.lines()
    assert line.data["refused"] == "nothing-waits"
    assert line.result.startswith("refused: ")
    assert (line.user, line.reason) == ("kim", "again")


async def test_agencies_that_are_controlled_like_that_already(office: Office) -> None:
    await office.desk.actions.carry_out(KIM, Action(kind=ActionKind.PAUSE, agency="apqa"), "x", request())
    for kind, code in [
        (ActionKind.PAUSE, "already-paused"),
        (ActionKind.OPEN_BREAKER, "not-open"),
        (ActionKind.CLOSE_BREAKER, "not-failing"),
    ]:
        action = Action(kind=kind, agency="apqa")
        preview = await office.desk.actions.preview(ADMIN, action)
        assert preview.refusal is not None
        assert preview.refusal.code == code
        with pytest.raises(StepRefused, match=code):
            await office.desk.actions.carry_out(ADMIN, action, "x", request())
    assert [line.data.get("refused") for line in office.lines()] == [
        None,
        "already-paused",
        "not-open",
        "not-failing",
    ]


@pytest.mark.parametrize(
    ("reason", "pointer"), [("", "/reason"), ("   ", "/reason"), ("x" * 1001, "/reason")]
)
async def test_a_reason_is_needed(office: Office, reason: str, pointer: str) -> None:
    mrn = office.lodged().mrn
    with pytest.raises(StepRefused) as refused:
        await office.desk.actions.carry_out(KIM, retry(mrn), reason, request())
    assert (refused.value.code, refused.value.pointer) == ("invalid-request", pointer)
    assert office.lines() == [], "nothing was asked for yet"


@pytest.mark.parametrize(
    ("action", "pointer"),
    [
        (Action(kind=ActionKind.RETRY), "/mrn"),
        (Action(kind=ActionKind.RETRY, mrn="26KR0000000000000X"), "/service"),
        (Action(kind=ActionKind.RETRY, mrn="26KR0000000000000X", service=PLANT), "/mrn"),
        (Action(kind=ActionKind.RETRY, mrn="a\x00b", service=PLANT), "/mrn"),
        (Action(kind=ActionKind.PAUSE, agency="nobody"), "/agency"),
        (Action(kind=ActionKind.PAUSE), "/agency"),
        (Action(kind=ActionKind.DECIDE, mrn="26KR0000000000000X", service=PLANT), "/kind"),
    ],
)
async def test_there_must_be_something_to_do_it_to(office: Office, action: Action, pointer: str) -> None:
    for ask in (
        office.desk.actions.preview(KIM, action),
        office.desk.actions.carry_out(KIM, action, "because", request()),
    ):
        with pytest.raises(StepRefused) as refused:
            await ask
        assert refused.value.pointer == pointer


async def test_a_deadline_in_the_past_is_a_fault_of_the_form(office: Office) -> None:
    mrn = office.lodged().mrn
    for due_at in (None, office.now - timedelta(minutes=1)):
        action = Action(kind=ActionKind.EXTEND, mrn=mrn, service=PLANT, due_at=due_at)
        with pytest.raises(StepRefused) as refused:
            await office.desk.actions.carry_out(KIM, action, "because", request())
        assert refused.value.pointer == "/due_at"
    assert office.lines() == []


async def test_one_whose_time_had_passed_is_awaited_again(office: Office) -> None:
    accepted = office.lodged(results=())
    mrn = accepted.mrn
    office.now = accepted.case.referrals[0].terms.due_at + timedelta(minutes=1)
    office.store.record_expired(mrn, [PLANT], office.now)
    extend = Action(kind=ActionKind.EXTEND, mrn=mrn, service=PLANT, due_at=office.now + timedelta(days=1))
    preview = await office.desk.actions.preview(KIM, extend)
    assert [one.code for one in preview.will] == ["deadline_moved", "awaited_again"]
    await office.desk.actions.carry_out(KIM, extend, "laboratory closed", request())
    view = office.store.view(mrn)
    assert view is not None
    assert view.case.referral(PLANT).state is ReferralState.PENDING


# --- the audit ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["UPDATE audit SET result = 'x'", "DELETE FROM audit"])
async def test_lines_of_the_audit_cannot_be_changed(office: Office, statement: str) -> None:
    await asyncio.to_thread(office.desk.audit.note, KIM, "session.signed_in")
    engine = sa.create_engine(office.store._database.url)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


async def test_the_audit_is_searched_by_who_what_when_and_about_what(office: Office) -> None:
    first, second = office.lodged(PLANT, FOOD), office.lodged(FOOD)
    started = office.now
    for step, (actor, action) in enumerate(
        [
            (KIM, retry(first.mrn)),
            (LEE, retry(first.mrn, FOOD)),
            (KIM, retry(second.mrn, FOOD)),
            (CHOI, Action(kind=ActionKind.PAUSE, agency="mfds")),
        ]
    ):
        office.now = started + timedelta(minutes=step)
        await office.desk.actions.carry_out(actor, action, "because", request())
    await asyncio.to_thread(office.desk.audit.note, LEE, "session.signed_in")
    await asyncio.to_thread(office.desk.audit.note, LEE, "session.signed_out")

    assert len(office.lines()) == 6
    assert [line.mrn for line in office.lines(user="kim")] == [first.mrn, second.mrn]
    assert [line.user for line in office.lines(mrn=first.mrn)] == ["kim", "lee"]
    assert [line.user for line in office.lines(agency="mfds")] == ["lee", "kim", "choi"]
    assert len(office.lines(action="session")) == 2
    assert len(office.lines(action="session.signed_in")) == 1
    assert len(office.lines(action="retry")) == 3
    within = {"since": started + timedelta(minutes=1), "before": started + timedelta(minutes=3)}
    assert [line.user for line in office.lines(**within)] == ["lee", "kim"]  # type: ignore[arg-type]

    seen: list[int] = []
    cursor: str | None = None
    while True:
        page = await office.desk.audit.search(AuditFilter(), cursor, 2)
        seen += [line.id for line in page.lines]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 6
