"""Submissions whose answer is lost, and what must come of them: exactly one case at the agency."""

from __future__ import annotations

import threading

from hub.domain.exchange import Dossier
from hub.domain.referral import ReferralState
from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.behaviours.cases import exactly_one
from hub.workbench.certify.finding import Notes, insist
from hub.workbench.certify.scene import Attempt, Scene
from hub.workbench.certify.stage import Stage
from hub.workbench.certify.wire import Answer, Ask, Cut, Request, Trick, cut_before_answer, cut_in_answer

_NOT_IN_DOUBT = (
    "a submission without an answer must be in doubt: see whether a rule of `errors` takes it for another"
)
_UNRESOLVED = "see what look_up answers, and whether it finds a case by our reference"


async def resolved(scene: Scene, dossier: Dossier, first: Attempt, notes: Notes) -> None:
    """After an attempt that ended in doubt: the hub finds out by itself, and there is one case."""
    notes.saw(f"first attempt: {first.words}", scene.exchanges(dossier))
    if first.state is ReferralState.DECIDED and scene.view(dossier).receipt is None:
        notes.saw("the agency's decision came meanwhile, so there is nothing left to find out")
        await exactly_one(scene, dossier, notes)
        return
    insist(first.state is ReferralState.PENDING, f"it came to {first.words}", _NOT_IN_DOUBT)
    # Long enough for the pause after which "not found" counts, which is the channel's time-out.
    last = await scene.hand_over_at_last(dossier)
    asked = any(exchange.kind == "look_up" for exchange in scene.exchanges(dossier))
    how = "looked up" if asked else "sent again"
    notes.saw(f"then {how}: {last.words}", scene.exchanges(dossier))
    insist(
        last.state in (ReferralState.DELIVERED, ReferralState.DECIDED),
        f"the doubt was not resolved: {last.words}",
        _UNRESOLVED,
    )
    await exactly_one(scene, dossier, notes)


async def _duplicate(stage: Stage, notes: Notes) -> None:
    async with stage.scene() as scene:
        dossier = scene.lodge()
        # As when the worker dies behind the answer: nothing of it is recorded, but the mark of being sent.
        marks = stage.store.begin_hand_over(dossier.terms.mrn, [dossier.terms.service], dossier.accepted_at)
        first = await scene.gateway.submit(marks[0].dossier)
        stage.direct += first.exchanges
        notes.saw(f"submitted {dossier.terms.id}: {first.exchanges[-1].reading}", first.exchanges)
        last = await scene.hand_over_at_last(dossier)
        notes.saw(f"the same once more: {last.words}", scene.exchanges(dossier))
        insist(
            last.state in (ReferralState.DELIVERED, ReferralState.DECIDED),
            f"the second one came to {last.words}",
            "where the agency turns a known reference down, add a rule to `errors` of submit that "
            "`means: already_received`",
        )
        await exactly_one(scene, dossier, notes)


DUPLICATE = Behaviour(
    "duplicate",
    "Duplicate submission",
    "The same reference twice opens exactly one case: the same receipt, `already received`, or look-up.",
    _duplicate,
)


async def _slow(stage: Stage, notes: Notes) -> None:
    timeout = await stage.short_timeout()
    notes.saw(f"the channel's time-out was shortened from {stage.file.channel.limits.timeout} to {timeout}")
    over = threading.Event()

    def late(request: Request, ask: Ask) -> Answer | Cut:
        answer = ask()
        over.wait(stage.patience)
        return answer

    async with stage.scene(changes={"limits": {"timeout": timeout}}) as scene:
        dossier = scene.lodge()
        try:
            with stage.tap.playing(late, "submit", 1):
                first = await scene.hand_over(dossier)
            await resolved(scene, dossier, first, notes)
        finally:
            over.set()


SLOW = Behaviour(
    "slow-answer",
    "Slow answer",
    "An answer later than the time-out leaves the submission in doubt; the hub then finds out, and there is "
    "exactly one case.",
    _slow,
)


async def _cut(stage: Stage, notes: Notes) -> None:
    timeout = await stage.short_timeout()
    tricks: list[tuple[str, Trick]] = [
        ("in the middle of the answer", cut_in_answer),
        ("before the answer", cut_before_answer),
    ]
    for where, trick in tricks:
        async with stage.scene(changes={"limits": {"timeout": timeout}}) as scene:
            dossier = scene.lodge()
            notes.saw(f"the connection is cut {where} to {dossier.terms.id}")
            with stage.tap.playing(trick, "submit", 1):
                first = await scene.hand_over(dossier)
            await resolved(scene, dossier, first, notes)


CUT = Behaviour(
    "cut-connection",
    "Connection cut in mid-answer",
    "The agency has the request and the hub has no answer: the hub finds out, and there is exactly one case.",
    _cut,
)


async def _no_connection(stage: Stage, notes: Notes) -> None:
    async with stage.scene() as scene:
        dossier = scene.lodge()
        with scene.nobody_there():
            first = await scene.hand_over(dossier)
        notes.saw(f"nobody at the address: {first.words}", scene.exchanges(dossier))
        insist(
            first.state is ReferralState.PENDING,
            f"it came to {first.words}",
            "see whether a rule of `errors` takes it for another",
        )
        insist(
            not stage.submissions(dossier.terms.id),
            "something reached the agency",
            "this is a defect of the hub",
        )
        last = await scene.hand_over_at_last(dossier)
        notes.saw(f"tried again: {last.words}", scene.exchanges(dossier))
        insist(
            last.state in (ReferralState.DELIVERED, ReferralState.DECIDED),
            f"tried again, it came to {last.words}",
            "see to `approve` first",
        )
        insist(
            not any(exchange.kind == "look_up" for exchange in scene.exchanges(dossier)),
            "nothing had been sent, and yet it was looked up",
            "this is a defect of the hub",
        )
        await exactly_one(scene, dossier, notes)


NO_CONNECTION = Behaviour(
    "no-connection",
    "Connection cut before anything is sent",
    "The agency counts as unavailable, nothing is in doubt, and the next attempt delivers.",
    _no_connection,
)
