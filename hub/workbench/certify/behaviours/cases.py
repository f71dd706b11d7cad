"""Whether one reference of ours has opened one case, or more: by the agency's answers, and by its ledger."""

from __future__ import annotations

from hub.domain.exchange import Dossier
from hub.workbench.certify.finding import Failed, Notes
from hub.workbench.certify.scene import Scene
from hub.workbench.certify.wire import Answer

_CURE = (
    "add `look_up` to the channel, so that the hub asks before it sends again; or send referral.id where the "
    "agency takes it for its idempotency key"
)


async def exactly_one(scene: Scene, dossier: Dossier, notes: Notes) -> None:
    """Raises Failed where there is more than one case."""
    reference = dossier.terms.id
    sent = scene.stage.submissions(reference)
    receipt = scene.view(dossier).receipt
    if scene.stage.simulator is not None:
        effects = await scene.stage.simulator.effects(dossier.terms.mrn)
        notes.saw(f"the simulator's ledger: {len(sent)} submission(s), {effects} case(s)")
        if effects != 1:
            raise Failed(f"{reference} has opened {effects} cases", _cure(scene))
        return
    told = receipt.reference if receipt is not None else None
    if len(sent) == 1:
        _found_again(scene, told, sent[0].said[0], notes)
        return
    if told is None:
        notes.saw(
            f"{len(sent)} submissions; the agency's answers tell no reference of its own, so they cannot "
            f"show whether it is one case: look for {reference} in the agency's system"
        )
        return
    if all(passage.said[0].names(told) for passage in sent if passage.said[0].status < 300):
        notes.saw(f"{len(sent)} submissions, one receipt: {told}")
        return
    already = any("already received" in exchange.reading for exchange in scene.exchanges(dossier))
    if already:
        notes.saw(f"{len(sent)} submissions; the second is told to be received already")
        return
    raise Failed(f"{reference} was sent {len(sent)} times, and the agency's receipts differ", _cure(scene))


def _found_again(scene: Scene, told: str | None, answer: Answer, notes: Notes) -> None:
    first = scene.file.channel.submit.receipt.reference is not None and answer.status < 300
    if told is not None and first and not answer.names(told):
        raise Failed(
            f"it was found as {told}, which is not what the agency had answered",
            "correct the receipt of look_up: it must be the one that the submission was answered with",
        )
    notes.saw(f"one submission reached the agency, its receipt is {told or 'without a reference'}")


def _cure(scene: Scene) -> str:
    if scene.file.channel.look_up is None:
        return _CURE
    return "correct look_up: it must find a case by our reference as soon as the agency has it (`found`)"
