"""What happens every day: a referral is delivered, and decided."""

from __future__ import annotations

from hub.domain.exchange import Dossier
from hub.domain.referral import Answers, ReferralState
from hub.ports import ReferralView
from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.door import Callback
from hub.workbench.certify.finding import Failed, NotApplicable, Notes, NotPlayed, insist
from hub.workbench.certify.scene import Scene
from hub.workbench.certify.stage import OUTCOMES, Stage

_UNDELIVERED = "mend what the agency or the contract complains of; `hub agency try` shows the whole exchange"


async def decided(scene: Scene, dossier: Dossier, notes: Notes) -> ReferralView:
    """
    Hand a referral over, and wait for the agency's word. Raises Failed, NotPlayed.

    Whatever word it is: whether it is the right one is the caller's to say.
    """
    before = len(scene.stage.door.captured)
    attempt = await scene.hand_over_at_last(dossier)
    notes.saw(f"submitted {dossier.terms.id}: {attempt.words}", scene.exchanges(dossier))
    insist(
        attempt.state in (ReferralState.DELIVERED, ReferralState.DECIDED),
        f"the submission came to {attempt.words}",
        _UNDELIVERED,
    )
    about = [dossier.terms.mrn.encode()]
    if attempt.receipt is not None and attempt.receipt.reference:
        about.append(attempt.receipt.reference.encode())

    def is_turned_down() -> bool:
        calls = scene.stage.door.captured[before:]
        return any(call.status >= 400 and any(name in call.body for name in about) for call in calls)

    # The agency does not send it again as long as it is turned down, so nothing is left to wait for.
    view = await scene.answered(dossier, unless=is_turned_down)
    insist(not view.trouble, f"the answer was not understood: {view.trouble}", unread(view.trouble or ""))
    if view.decisions:
        said = view.decisions[-1]
        notes.saw(
            f"by {said.via.value}: {said.word!r}, read as {said.verdict.value}", scene.exchanges(dossier)
        )
        return view
    return _silence(scene, dossier, scene.stage.door.captured[before:])


def unread(trouble: str) -> str:
    """What to fix when an answer was not understood."""
    if "verdict" in trouble and "is unknown" in trouble:
        return "add the word to `verdicts` of the agency's file, with what it means"
    return "correct the readings (`receipt`, `decision`, `message`) in the agency's file"


def raise_if_turned_down(scene: Scene, calls: list[Callback]) -> None:
    """Raises Failed when a callback came in vain."""
    refused = [call.status for call in calls if call.status >= 400]
    if not refused:
        return
    auth = scene.file.channel.callback.auth if scene.file.channel.callback else None
    unproved = auth is not None and auth.hmac is None and auth.bearer is None
    told = scene.stage.store.refused_callbacks(1)
    raise Failed(
        f"{len(refused)} callback(s) came and were turned down ({refused[0]}): "
        + (told[0].reason if told else "not readable"),
        "add `hmac` or `bearer` to channel.callback.auth: the hub takes no callback that proves nothing"
        if unproved
        else "compare secret, headers and signature with what the agency sends; docs: signing a callback",
    )


def _silence(scene: Scene, dossier: Dossier, calls: list[Callback]) -> ReferralView:
    raise_if_turned_down(scene, calls)
    wait = f"{scene.stage.patience:g} s"
    if dossier.terms.answers is Answers.CALLBACK:
        raise NotPlayed(
            f"no callback came within {wait}",
            f"have the agency's test system call back to {scene.stage.door.url}, or wait longer: --patience",
        )
    raise NotPlayed(
        f"the agency has not decided {dossier.terms.id} within {wait}",
        "decide it in the agency's test system meanwhile, or wait longer: --patience",
    )


def _ordinary(outcome: str, title: str) -> Behaviour:
    verdict, _ = OUTCOMES[outcome]

    async def play(stage: Stage, notes: Notes) -> None:
        if verdict not in stage.file.verdicts.values():
            raise NotApplicable(f"`verdicts` of the agency's file has no word for {verdict.value}")
        async with stage.scene() as scene:
            for service in stage.ways.values():
                view = await decided(scene, scene.lodge(outcome, service), notes)
                said = view.decisions[-1]
                insist(
                    said.verdict is verdict,
                    f"{service}: the agency said {said.word!r}, which was read as {said.verdict.value}",
                    f"correct `verdicts` if {said.word!r} means something else, or give a declaration that "
                    f"the agency answers so: --{outcome} FILE",
                )
                only_approved = verdict.consents or said.reference is None
                insist(
                    only_approved or view.state is ReferralState.DECIDED,
                    f"{service}: decided, and the referral is {view.state.value}",
                    "see which goods items the decision names: `decision.items`",
                )

    expected = f"The agency's word is read as {verdict.value.replace('_', ' ')}, on each way it answers."
    return Behaviour(outcome, title, expected, play)


APPROVE = _ordinary("approve", "Ordinary approval")
REFUSE = _ordinary("refuse", "Ordinary refusal")
CONDITIONS = _ordinary("conditions", "Approval with conditions")


async def _poll(stage: Stage, notes: Notes) -> None:
    service = stage.ways.get(Answers.POLL)
    if service is None:
        raise NotApplicable("no service of the agency answers by poll")
    mark = len(stage.tap.passages)
    async with stage.scene() as scene:
        view = await decided(scene, scene.lodge("approve", service), notes)
        asked = stage.tap.since(mark, "poll")
        notes.saw(f"asked {len(asked)} time(s) until it was decided")
        insist(view.state is ReferralState.DECIDED, f"the referral is {view.state.value}", "see `decision`")
        await scene.go_round()
        late = len(stage.tap.since(mark, "poll")) - len(asked)
        insist(late == 0, f"asked {late} time(s) more after the decision", "this is a defect of the hub")


POLL = Behaviour(
    "poll-until-decided",
    "Poll until decided",
    "The hub asks until the agency has decided, reads `not yet` as such, and then asks no more.",
    _poll,
)
