"""A feed as it comes in life: with a message nobody can read, and the same messages once more."""

from __future__ import annotations

from hub.domain.referral import Answers, ReferralState
from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.behaviours.ordinary import decided
from hub.workbench.certify.behaviours.words import is_signed, unknown_words
from hub.workbench.certify.finding import NotApplicable, Notes, NotPlayed, insist
from hub.workbench.certify.leaves import Leaves, NoLeaves
from hub.workbench.certify.stage import Stage
from hub.workbench.certify.wire import Answer, Ask, Cut, Request, saying

_TAKEN = (ReferralState.DELIVERED, ReferralState.DECIDED)


def _service(stage: Stage) -> str:
    service = stage.ways.get(Answers.FEED)
    if service is None:
        raise NotApplicable("no service of the agency answers by a feed")
    return service


async def _poisoned(stage: Stage, notes: Notes) -> None:
    service = _service(stage)
    if is_signed(stage):
        raise NotApplicable("the agency's answers are signed, so no message can be edited")
    words, references, poisoned = unknown_words(stage.file.verdicts), set[str](), []

    def trick(request: Request, ask: Ask) -> Answer | Cut:
        answer = ask()
        try:
            leaves = Leaves(answer.body)
        except NoLeaves:
            return answer
        for reference in references:
            body = leaves.within(reference, words)
            if body != leaves.replaced({}):
                poisoned.append(body)
                return answer.with_body(body)
        return answer

    mark = len(stage.tap.passages)
    async with stage.scene() as scene:
        bad, good = scene.lodge("approve", service), scene.lodge("approve", service)
        with stage.tap.playing(trick, "pull"):
            for dossier in (bad, good):
                attempt = await scene.hand_over_at_last(dossier)
                notes.saw(f"submitted {dossier.terms.id}: {attempt.words}", scene.exchanges(dossier))
                insist(attempt.state in _TAKEN, f"it came to {attempt.words}", "see to `approve` first")
                receipt = attempt.receipt.reference if attempt.receipt is not None else None
                if dossier is bad:
                    references |= {text for text in (dossier.terms.id, receipt) if text}
            view = await scene.answered(good)
            await scene.until(lambda: scene.view(bad).trouble is not None, meanwhile=scene.go_round)
        if not poisoned:
            raise NotPlayed(
                "no message about the poisoned referral came",
                "have the agency's test system decide meanwhile, or wait longer: --patience",
            )
        spoilt = scene.view(bad)
        notes.saw(f"the message about {bad.terms.id} is poisoned: {spoilt.trouble}")
        insist(
            not spoilt.decisions, "a decision was read from a poisoned message", "correct `message.decision`"
        )
        insist(spoilt.trouble, "operations are told nothing", "read our reference: `feed.message.referral`")
        notes.saw(f"the other, {good.terms.id}: {view.state.value}")
        insist(
            view.state is ReferralState.DECIDED,
            "a poisoned message keeps the others waiting",
            "correct `feed.messages`: it must list the messages one by one",
        )
        after = await scene.gateway.pull_feed(stage.file.agency)
        stage.direct += after.exchanges
        settled = stage.tap.since(mark, "acknowledge") + stage.tap.since(mark, "reject")
        notes.saw(f"{len(settled)} acknowledgement(s); {len(after.messages)} message(s) wait after them")
        insist(settled, "nothing was acknowledged", "read the id of a message: `feed.message.id`")
        ours = {bad.terms.id, good.terms.id}
        insist(
            not any(message.referral in ours for message in after.messages),
            "the agency shows a message again that was acknowledged",
            "correct `feed.acknowledge` (`reject`), and the id of a message: `feed.message.id`",
        )


FEED_POISONED = Behaviour(
    "feed-poisoned",
    "Feed with a poisoned message",
    "One message that cannot be read keeps no other waiting, is shown to a person, and leaves the feed.",
    _poisoned,
)


async def _twice(stage: Stage, notes: Notes) -> None:
    service = _service(stage)
    heard: list[Answer] = []

    def listening(request: Request, ask: Ask) -> Answer | Cut:
        answer = ask()
        heard.append(answer)
        return answer

    mark = len(stage.tap.passages)
    async with stage.scene() as scene:
        dossier = scene.lodge("approve", service)
        with stage.tap.playing(listening, "pull"):
            view = await decided(scene, dossier, notes)
        settled = stage.tap.since(mark, "acknowledge")
        insist(settled, "nothing was acknowledged", "read the id of a message: `feed.message.id`")
        receipt = view.receipt.reference if view.receipt is not None else None
        about = [a for a in heard if a.names(dossier.terms.id) or (receipt and a.names(receipt))]
        if not about:
            raise NotPlayed(
                "the messages of the feed name neither our reference nor the receipt as they stand", ""
            )
        again = len(stage.tap.passages)
        taken = saying(settled[-1].said[0])
        with stage.tap.playing(saying(about[0]), "pull", 1), stage.tap.playing(taken, "acknowledge"):
            await scene.until(lambda: stage.tap.since(again, "acknowledge"), meanwhile=scene.go_round)
        notes.saw("the same answer of the feed comes once more")
        insist(
            stage.tap.since(again, "acknowledge"),
            "messages that come again are not acknowledged again",
            "read the id of a message: `feed.message.id`",
        )
        after = scene.view(dossier)
        notes.saw(f"{len(after.decisions)} decision(s) recorded, {after.state.value}")
        insist(
            after.decisions == view.decisions,
            "a decision counted twice",
            "read the id of a message: `feed.message.id`, and that of the decision: `decision.id`",
        )


FEED_TWICE = Behaviour(
    "feed-twice",
    "Feed delivered twice",
    "Messages that come again, as when an acknowledgement was lost, count once and are acknowledged again.",
    _twice,
)
