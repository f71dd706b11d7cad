"""Whether each side makes sure who the other is."""

from __future__ import annotations

from hub.domain.errors import ChannelError
from hub.domain.referral import ReferralState
from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.behaviours.words import is_signed
from hub.workbench.certify.finding import Failed, NotApplicable, Notes, insist
from hub.workbench.certify.leaves import Leaves
from hub.workbench.certify.stage import Stage
from hub.workbench.certify.wire import Answer, Ask, Cut, Request
from hub.workbench.variables import variables_of

_DEFECT = "this is a defect of the hub"
_TAKEN = (ReferralState.DELIVERED, ReferralState.DECIDED)


async def _expired(stage: Stage, notes: Notes) -> None:
    async with stage.scene(tls=stage.authority.server(expired=False)) as scene:
        attempt = await scene.hand_over(scene.lodge())
        notes.saw(f"with a certificate that is in force: {attempt.words}")
        insist(attempt.state in _TAKEN, f"it came to {attempt.words}", "see to `approve` first")
    async with stage.scene(tls=stage.authority.server(expired=True)) as scene:
        mark = len(stage.tap.passages)
        dossier = scene.lodge()
        attempt = await scene.hand_over(dossier)
        notes.saw(f"with one that ended an hour ago: {attempt.words}", scene.exchanges(dossier))
        insist(not stage.tap.since(mark), "a request was sent to whoever held it", _DEFECT)
        insist(attempt.state is ReferralState.PENDING, f"it came to {attempt.words}", _DEFECT)
        insist("expired" in (attempt.trouble or ""), "operations are not told why", _DEFECT)


EXPIRED_CERTIFICATE = Behaviour(
    "expired-certificate",
    "Certificate expired",
    "The hub sends nothing to a server whose certificate has expired, and says so.",
    _expired,
)


async def _credential(stage: Stage, notes: Notes) -> None:
    secrets = [
        variable.name
        for variable in variables_of(stage.file)
        if not variable.is_for_callbacks and variable.holds == "a secret"
    ]
    if not secrets:
        raise NotApplicable(
            "the channel proves the hub by no secret that could be spoilt (`channel.auth`, `secrets`)"
        )
    # Another of the same length and kind of characters, so that only the secret itself can be at fault.
    wrong = {name: _another(stage.bench.environment.get(name, "")) for name in secrets}
    mark = len(stage.tap.passages)
    async with stage.scene(environment=wrong) as scene:
        try:
            taken = await scene.gateway.submit(stage.dossier("approve"))
        except ChannelError as error:
            stage.direct += error.exchanges
            notes.saw(f"with another {', '.join(secrets)}: {error}", error.exchanges)
            asked = [passage for passage in stage.tap.since(mark) if passage.reached]
            insist(asked, f"the agency was not even asked: {error}", "see to `approve` first")
            return
        stage.direct += taken.exchanges
        notes.saw(f"with another {', '.join(secrets)}: {taken.exchanges[-1].reading}", taken.exchanges)
    raise Failed(
        "the agency took a request that was proved with a wrong credential",
        "the agency's system does not check who asks: its team has to mend that before production",
    )


def _another(secret: str) -> str:
    turned = secret[::-1]
    return turned if turned != secret else "x" * len(secret) if set(secret) != {"x"} else "y" * len(secret)


CREDENTIAL = Behaviour(
    "wrong-credential",
    "Credential wrong",
    "The agency turns down a request whose credential is wrong: it checks who asks.",
    _credential,
)


async def _tampered(stage: Stage, notes: Notes) -> None:
    if not is_signed(stage):
        raise NotApplicable("the agency's answers are not signed (`ws_security.signature.check_answer`)")

    def rewritten(request: Request, ask: Ask) -> Answer | Cut:
        answer = ask()
        return answer.with_body(Leaves(answer.body).replaced({}))

    def changed(request: Request, ask: Ask) -> Answer | Cut:
        answer = ask()
        leaves = Leaves(answer.body)
        # The Body comes last, so its last text is one of those that are signed.
        last = len(leaves.texts()) - 1
        return answer.with_body(leaves.changed(lambda place, text: text + "0" if place == last else None))

    async with stage.scene() as scene:
        with stage.tap.playing(rewritten, "submit", 1):
            attempt = await scene.hand_over(scene.lodge())
        notes.saw(f"a signed answer, written anew and not changed: {attempt.words}")
        insist(attempt.state in _TAKEN, f"it came to {attempt.words}", "see to `approve` first")
        dossier = scene.lodge()
        with stage.tap.playing(changed, "submit", 1):
            attempt = await scene.hand_over(dossier)
        notes.saw(f"one character was added to a signed answer: {attempt.words}", scene.exchanges(dossier))
        insist(attempt.state not in _TAKEN, f"it was believed: {attempt.words}", _DEFECT)
        insist(attempt.trouble, "operations are told nothing", _DEFECT)


TAMPERED = Behaviour(
    "tampered-answer",
    "Tampered answer",
    "An answer that was changed after the agency had signed it is not believed.",
    _tampered,
)
