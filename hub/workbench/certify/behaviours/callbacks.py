"""Callbacks as they come in life: twice, late, in any order, too early; and forged ones."""

from __future__ import annotations

import threading
import time

from hub.clock import utc_now
from hub.domain.deadlines import parse_duration
from hub.domain.names import new_mrn
from hub.domain.referral import ReferralState, Verdict
from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.behaviours.calls import Call, Caller, answering_by_callback
from hub.workbench.certify.behaviours.ordinary import raise_if_turned_down
from hub.workbench.certify.door import Told
from hub.workbench.certify.finding import Failed, Notes, NotPlayed, insist
from hub.workbench.certify.scene import Scene, accepted
from hub.workbench.certify.stage import Stage
from hub.workbench.certify.wire import Answer, Ask, Cut, Request

_DEFECT = "this is a defect of the hub"


def _other_word(stage: Stage, call: Call) -> str:
    """A word of the agency's that means something else. Raises NotPlayed."""
    for wanted in (Verdict.REFUSED, *Verdict):
        for word, verdict in stage.file.verdicts.items():
            if verdict is wanted and verdict is not call.decision.verdict:
                return word
    raise NotPlayed("the agency has one word only", "")


async def _repeated(stage: Stage, notes: Notes) -> None:
    service = answering_by_callback(stage)
    async with stage.scene() as scene:
        caller = Caller(scene)
        call = await caller.first(service, notes)
        before = scene.view(call.dossier)
        told = [await caller.again(call) for _ in range(2)]
        notes.saw("the same twice more: " + ", ".join(one.words for one in told))
        insist(
            all(one.status == 202 and one.answer.get("duplicate") for one in told),
            f"a repeated callback was answered {told[0].words}",
            "read the id of the message: `callback.id`; without one, a hash of the message is its id",
        )
        insist(scene.view(call.dossier).decisions == before.decisions, "it counted again", _DEFECT)


REPEATED = Behaviour(
    "callback-repeated",
    "Callback repeated",
    "The same message is taken each time, and counts once.",
    _repeated,
)


async def _late(stage: Stage, notes: Notes) -> None:
    service = answering_by_callback(stage)
    async with stage.scene() as scene:
        caller = Caller(scene)
        call = await caller.first(service, notes)
        before = scene.view(call.dossier)
        stage.store.close_case(call.dossier.terms.mrn, utc_now())
        stage.call = None  # the case is over: nothing more can be played with it
        body = caller.another(call, _other_word(stage, call))
        told = await caller.send(call, body)
        notes.saw(f"another verdict after the case is closed: {told.words}")
        insist(told.status == 202, f"a late callback was answered {told.words}", _DEFECT)
        events = scene.events(call.dossier)
        notes.saw(f"recorded as {events[-1]}")
        insist("decision.late" in events, "what came late is not recorded as late", _DEFECT)
        insist(scene.view(call.dossier).state is before.state, "it changed a closed case", _DEFECT)


LATE = Behaviour(
    "callback-late",
    "Late callback",
    "What comes after the end is taken, recorded as late, and changes nothing.",
    _late,
)


async def _out_of_order(stage: Stage, notes: Notes) -> None:
    service = answering_by_callback(stage)
    async with stage.scene() as scene:
        caller = Caller(scene)
        call = await caller.first(service, notes)
        before = scene.view(call.dossier)
        body = caller.another(call, _other_word(stage, call), older=True)
        told = await caller.send(call, body)
        older = caller.read(call, body).decisions[-1]
        notes.saw(f"{older.word!r} of {older.decided_at:%Y-%m-%d} comes after it: {told.words}")
        insist(told.status == 202, f"an older message was answered {told.words}", _DEFECT)
        after = scene.view(call.dossier)
        insist(
            len(after.decisions) == len(before.decisions) + 1, "the older decision is not recorded", _DEFECT
        )
        latest = max(after.decisions, key=lambda one: one.decided_at)
        insist(
            latest.verdict is call.decision.verdict and after.state is before.state,
            f"the older decision outweighs the newer: {latest.verdict.value}",
            "read the time of the agency's own action: `callback.decision.decided_at`",
        )


OUT_OF_ORDER = Behaviour(
    "callback-out-of-order",
    "Callbacks out of order",
    "An older decision that arrives after a newer one is recorded, and does not outweigh it.",
    _out_of_order,
)


async def _before_receipt(stage: Stage, notes: Notes) -> None:
    service = answering_by_callback(stage)
    async with stage.scene() as scene:
        before = len(stage.door.captured)
        came, over = threading.Event(), threading.Event()
        timeout = parse_duration(stage.file.channel.limits.timeout).total_seconds()
        patience = min(stage.patience, 0.8 * timeout)

        def held(request: Request, ask: Ask) -> Answer | Cut:
            answer = ask()
            ends = time.monotonic() + patience
            while not came.is_set() and not over.is_set() and time.monotonic() < ends:
                if len(stage.door.captured) > before:
                    came.set()
                over.wait(0.02)
            return answer

        dossier = scene.lodge("approve", service)
        try:
            with stage.tap.playing(held, "submit", 1):
                attempt = await scene.hand_over(dossier)
        finally:
            over.set()
        raise_if_turned_down(scene, stage.door.captured[before:])
        if not came.is_set():
            raise NotPlayed(
                f"no callback came within {patience:g} s of submitting {dossier.terms.id}",
                "have the agency's test system decide at once: the answer can be held back for less than "
                "the channel's time-out",
            )
        # One that tells only the agency's reference has waited for the receipt that brings it.
        await scene.until(lambda: scene.view(dossier).state is ReferralState.DECIDED)
        view = scene.view(dossier)
        notes.saw(f"the answer to {dossier.terms.id} is held back; its decision comes first")
        notes.saw(f"then the answer: {attempt.words}", scene.exchanges(dossier))
        insist(
            view.state is ReferralState.DECIDED and view.receipt is not None,
            f"with both, the referral is {view.state.value}"
            + ("" if view.receipt else ", without a receipt"),
            _DEFECT,
        )
        insist(
            len(view.decisions) == 1, f"{len(view.decisions)} decisions are recorded", "read `decision.id`"
        )


BEFORE_RECEIPT = Behaviour(
    "callback-before-receipt",
    "Callback before its receipt",
    "A decision that overtakes the answer to its own submission counts, and the receipt is kept as well.",
    _before_receipt,
)


async def _forged(stage: Stage, notes: Notes) -> None:
    service = answering_by_callback(stage)
    async with stage.scene() as scene:
        caller = Caller(scene)
        if caller.auth.hmac is None and caller.auth.bearer is None:
            raise Failed(
                "anybody could send a callback, so the hub turns all of them down",
                "add `hmac` or `bearer` to channel.callback.auth",
            )
        call = await caller.first(service, notes)
        before = scene.view(call.dossier)
        body = caller.another(call, _other_word(stage, call))
        door, signed = stage.door, caller.headers(call, body)
        kind = {"content-type": signed.get("content-type", "application/json")}
        await _turned_down("without any proof", await door.send(kind, body), notes)
        if caller.auth.hmac is not None:
            old = caller.headers(call, call.callback.body)
            await _turned_down("changed after it was signed", await door.send(old, body), notes)
            window = parse_duration(caller.auth.hmac.window).total_seconds()
            stale = caller.headers(call, body, age=window + 60)
            await _turned_down("signed too long ago", await door.send(stale, body), notes)
        if caller.auth.bearer is not None:
            wrong = {**kind, "Authorization": "Bearer of-somebody-else"}
            await _turned_down("with another token", await door.send(wrong, body), notes)
        await _of_another_agency(scene, caller, call, notes)
        after = scene.view(call.dossier)
        insist(after.decisions == before.decisions and after.state is before.state, "it counted", _DEFECT)


async def _turned_down(how: str, told: Told, notes: Notes) -> None:
    notes.saw(f"{how}: {told.words}")
    insist(told.status == 401, f"a callback {how} was answered {told.words}", _DEFECT)


async def _of_another_agency(scene: Scene, caller: Caller, call: Call, notes: Notes) -> None:
    """A referral that this agency has nothing to do with."""
    if call.message.referral is None:
        notes.saw("its callbacks do not tell our reference, so they cannot name another agency's referral")
        return
    dossier = scene.stage.dossier("approve", call.dossier.terms.service)
    mrn = new_mrn("KR", utc_now())
    terms = dossier.terms.model_copy(
        update={"agency": "another-agency", "mrn": mrn, "id": f"{mrn}/{dossier.terms.service}"}
    )
    other = dossier.model_copy(update={"terms": terms})
    scene.stage.store.lodge(accepted(other))
    body = caller.about(call, caller.another(call, _other_word(scene.stage, call)), terms.id)
    told = await scene.stage.door.send(caller.headers(call, body), body)
    notes.saw(f"about another agency's referral: {told.words}")
    insist(
        told.status == 403,
        f"a callback about another agency's referral was answered {told.words}",
        _DEFECT,
    )
    insist(not scene.view(other).decisions, "it counted for another agency's referral", _DEFECT)


FORGED = Behaviour(
    "callback-forged",
    "Forged callbacks",
    "Unsigned, changed, stale, or about another agency's referral: turned down, and nothing changes.",
    _forged,
)
