"""A verdict that is in nobody's table."""

from __future__ import annotations

from collections.abc import Mapping

from hub.domain.exchange import Dossier
from hub.domain.referral import Answers
from hub.ports import ReferralView
from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.behaviours.calls import Caller
from hub.workbench.certify.finding import NotApplicable, Notes, NotPlayed, insist
from hub.workbench.certify.leaves import Leaves, NoLeaves
from hub.workbench.certify.scene import Scene
from hub.workbench.certify.stage import Stage
from hub.workbench.certify.wire import Answer, Ask, Cut, Request

UNKNOWN = "HUB-CERTIFY-UNKNOWN"
"""A word in no agency's vocabulary."""


def unknown_words(verdicts: Mapping[str, object]) -> dict[str, str]:
    """What to put in the place of each of the agency's words."""
    return {word: "987654" if word.isdecimal() else UNKNOWN for word in verdicts}


def is_signed(stage: Stage) -> bool:
    """Whether the hub would notice any change of an answer before it reads it."""
    security = stage.file.channel.auth.ws_security
    return security is not None and security.signature is not None and security.signature.check_answer


async def _unknown(stage: Stage, notes: Notes) -> None:
    played = False
    for way, service in stage.ways.items():
        if way is Answers.FEED:
            notes.saw(f"{service}: played by feed-poisoned")
        elif way is Answers.CALLBACK:
            await _called(stage, service, notes)
            played = True
        elif is_signed(stage):
            notes.saw(f"{service}: its answers are signed, so none can be edited; see tampered-answer")
        else:
            await _answered(stage, way, service, notes)
            played = True
    if not played:
        raise NotApplicable("it is played by another behaviour: " + "; ".join(notes.seen))


async def _answered(stage: Stage, way: Answers, service: str, notes: Notes) -> None:
    words = unknown_words(stage.file.verdicts)
    edited: list[bytes] = []

    def trick(request: Request, ask: Ask) -> Answer | Cut:
        answer = ask()
        try:
            body = Leaves(answer.body).replaced(words)
            same = Leaves(answer.body).replaced({})
        except NoLeaves:
            return answer
        if body == same:
            return answer  # nothing is decided yet
        edited.append(body)
        return answer.with_body(body)

    kind = "submit" if way is Answers.REPLY else "poll"
    async with stage.scene() as scene:
        dossier = scene.lodge("approve", service)
        with stage.tap.playing(trick, kind):
            attempt = await scene.hand_over(dossier)
            notes.saw(f"submitted {dossier.terms.id}: {attempt.words}", scene.exchanges(dossier))
            view = await scene.answered(dossier)
        if not edited:
            raise NotPlayed(
                f"{service}: no word of `verdicts` was found in the agency's answers",
                "the agency has to decide meanwhile; a word that is put together by an expression cannot be "
                "edited",
            )
        _never_guessed(view, dossier, scene, notes)


def _never_guessed(view: ReferralView, dossier: Dossier, scene: Scene, notes: Notes) -> None:
    notes.saw(f"the verdict {UNKNOWN}: {view.state.value}, {view.trouble}", scene.exchanges(dossier))
    insist(
        not view.decisions,
        f"a word that is in no table was read as {[d.verdict.value for d in view.decisions]}",
        "`decision.word` must be the agency's word itself, and not what an expression makes of it",
    )
    insist(view.trouble, "it was passed over, and operations are told nothing", "see `decision.when`")


async def _called(stage: Stage, service: str, notes: Notes) -> None:
    async with stage.scene() as scene:
        caller = Caller(scene)
        call = await caller.first(service, notes)
        before = scene.view(call.dossier).decisions
        body = caller.another(call, unknown_words(stage.file.verdicts)[call.decision.word])
        told = await caller.send(call, body)
        notes.saw(f"a callback with the verdict {UNKNOWN}: {told.words}")
        insist(
            told.status == 422,
            f"a callback with an unknown word was answered {told.words}",
            "`decision.word` must be the agency's word itself, and not what an expression makes of it",
        )
        view = scene.view(call.dossier)
        insist(view.decisions == before, "a decision was read from it", "correct `callback.decision`")
        insist(view.trouble, "operations are told nothing", "this is a defect of the hub")


UNKNOWN_WORD = Behaviour(
    "unknown-word",
    "Unknown verdict word",
    "A word that is not in `verdicts` is never guessed at: not understood, and shown to a person.",
    _unknown,
)
