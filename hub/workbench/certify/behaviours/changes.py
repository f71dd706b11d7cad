"""What becomes of a referral after it was taken: amended, withdrawn, its question answered, reminded of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

from hub.adapters.sample import sample_information
from hub.clock import utc_now
from hub.domain.declaration import Declaration, GoodsItem
from hub.domain.errors import AgencyRefused, InDoubt, NotUnderstood
from hub.domain.exchange import Dossier, Exchange
from hub.domain.names import next_referral_id
from hub.domain.referral import Decision, Receipt, ReferralState, Verdict
from hub.domain.withdrawal import Withdrawal
from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.behaviours.ordinary import decided
from hub.workbench.certify.finding import Failed, NotApplicable, Notes, NotPlayed, insist
from hub.workbench.certify.scene import Scene
from hub.workbench.certify.stage import Stage
from hub.workbench.certify.wire import cut_before_answer

_SEE = "read what the agency says against the request; `hub agency try` shows the whole exchange"
_NOT_REPEATED = (
    "add a rule to `errors` of {name} that `means: already_received`, told by what the agency says to the "
    "second one"
)
_UNKNOWN_RECEIPT = "NEVER-GIVEN"


async def _taken(scene: Scene, dossier: Dossier, notes: Notes) -> Dossier:
    """The dossier of a referral that the agency has taken, with its receipt. Raises Failed."""
    attempt = await scene.hand_over_at_last(dossier)
    notes.saw(f"submitted {dossier.terms.id}: {attempt.words}", scene.exchanges(dossier))
    insist(
        attempt.state in (ReferralState.DELIVERED, ReferralState.DECIDED),
        f"the submission came to {attempt.words}",
        "see to `approve` first",
    )
    return dossier.model_copy(update={"receipt": attempt.receipt or scene.view(dossier).receipt})


async def _told(
    scene: Scene, notes: Notes, words: str, work: Callable[[], Awaitable[tuple[Exchange, ...]]]
) -> str:
    """Tell the agency something past the store, and give how its answer was read. Raises ChannelError."""
    exchanges = await work()
    scene.stage.direct += exchanges
    reading = exchanges[-1].reading
    notes.saw(f"{words}: {reading}", exchanges)
    return reading


async def _twice(
    scene: Scene, notes: Notes, name: str, work: Callable[[], Awaitable[tuple[Exchange, ...]]]
) -> None:
    """
    Tell it, and lose the answer; then tell it again, and once more. Raises Failed where the agency does not
    take it a second time.
    """
    try:
        with scene.stage.tap.playing(cut_before_answer, name, 1):
            await work()
    except InDoubt as doubt:
        scene.stage.direct += doubt.exchanges
        notes.saw(f"{name}, and the connection is cut before the answer: {doubt}", doubt.exchanges)
    else:
        raise Failed(
            f"{name} whose answer was lost was not in doubt",
            "see whether a rule of `errors` takes it for another",
        )
    for words in ("the same again", "and once more"):
        try:
            await _told(scene, notes, words, work)
        except (AgencyRefused, NotUnderstood) as wrong:
            scene.stage.direct += wrong.exchanges
            notes.saw(f"{words}: {wrong}", wrong.exchanges)
            cure = _NOT_REPEATED.format(name=name)
            raise Failed(f"{name} is not taken a second time: {wrong}", cure) from wrong


# --- amended ------------------------------------------------------------------------------------------------


async def _amend(stage: Stage, notes: Notes) -> None:
    if stage.file.channel.amend is None and stage.file.channel.withdraw is None:
        raise NotApplicable("a channel without `amend` and `withdraw`: a person must tell the agency")
    for service in stage.ways.values():
        async with stage.scene() as scene:
            before = await _taken(scene, scene.lodge("approve", service), notes)
            after = await _amended(scene, before)
            if stage.file.channel.amend is not None:
                await _in_place(scene, after, notes)
            else:
                await _anew(scene, before, after, notes)


async def _in_place(scene: Scene, after: Dossier, notes: Notes) -> None:
    receipts: list[Receipt] = []

    async def work() -> tuple[Exchange, ...]:
        submission = await scene.gateway.amend(after)
        receipts.append(submission.receipt)
        return submission.exchanges

    await _twice(scene, notes, "amend", work)
    insist(
        len({receipt.reference for receipt in receipts}) == 1,
        "each answer to the same amendment tells another reference",
        "correct `receipt` of amend: it is read where the agency's reference changes with an amendment",
    )
    shown = await _ledger(scene, after, notes)
    if shown is not None:
        insist(
            (shown["effects"], shown["amendments"], shown["revision"]) == (1, 1, 2) and shown["live"],
            f"the ledger shows {shown['effects']} case(s), {shown['amendments']} amendment(s), revision "
            f"{shown['revision']}",
            "send referral.revision, or whatever the contract tells a repeated amendment by",
        )


async def _anew(scene: Scene, before: Dossier, after: Dossier, notes: Notes) -> None:
    """Without an operation for it: withdrawn, and submitted again under a reference of its own."""
    notes.saw("the channel has no `amend`: it is withdrawn, and submitted anew under another reference")
    await _told(scene, notes, "withdrawn", lambda: scene.gateway.withdraw(before, None))
    terms = after.terms.model_copy(update={"id": next_referral_id(after.terms.id, 2)})
    again = after.model_copy(update={"terms": terms, "receipt": None, "former": (before.terms.id,)})

    async def work() -> tuple[Exchange, ...]:
        return (await scene.gateway.submit(again)).exchanges

    try:
        await _told(scene, notes, f"submitted {terms.id}", work)
    except AgencyRefused as wrong:
        scene.stage.direct += wrong.exchanges
        raise Failed(
            f"the new application is not taken: {wrong}",
            "send =referral.id as our reference, which is another one then; or use the contract's operation "
            "for amendments",
        ) from wrong
    old, new = await _ledger(scene, before, notes), await _ledger(scene, again, notes)
    if old is not None and new is not None:
        insist(
            not old["live"] and new["live"] and new["effects"] == 1,
            "the ledger does not show the old application withdrawn and the new one alive",
            _SEE,
        )


async def _amended(scene: Scene, before: Dossier) -> Dossier:
    """The same referral with other content, such as the agency is told of. Raises NotApplicable."""
    told = await scene.gateway.inputs_of(before)
    for declaration in _corrected(before.declaration):
        terms = before.terms.model_copy(update={"revision": 2})
        after = before.model_copy(update={"declaration": declaration, "terms": terms})
        if await scene.gateway.inputs_of(after) != told:
            return after
    raise NotApplicable("the agency is told nothing that would be corrected")


def _corrected(declaration: Declaration) -> Iterator[Declaration]:
    """Small corrections of the first goods item, one at a time."""
    first, *others = declaration.items
    for change in _changes(first):
        yield declaration.model_copy(update={"items": (first.model_copy(update=change), *others)})


def _changes(item: GoodsItem) -> Iterator[dict[str, Any]]:
    if item.quantity is not None:
        yield {"quantity": item.quantity.model_copy(update={"value": item.quantity.value + Decimal(1)})}
    if item.net_mass_kg is not None:
        yield {"net_mass_kg": item.net_mass_kg + Decimal(1)}
    yield {"description": f"{item.description or ''} (corrected)".strip()}
    yield {"origin": "NZ" if item.origin != "NZ" else "US"}


AMEND = Behaviour(
    "amend",
    "Amendment",
    "A declaration that is corrected reaches the agency once, however often it is told: by `amend`, or "
    "withdrawn and submitted anew.",
    _amend,
)


# --- withdrawn ----------------------------------------------------------------------------------------------


async def _withdraw(stage: Stage, notes: Notes) -> None:
    if stage.file.channel.withdraw is None:
        raise NotApplicable("the channel has no `withdraw`: a person must tell the agency")
    withdrawal = _withdrawal(stage)
    for service in stage.ways.values():
        async with stage.scene() as scene:
            dossier = await _taken(scene, scene.lodge("approve", service), notes)
            await _twice(scene, notes, "withdraw", partial(scene.gateway.withdraw, dossier, withdrawal))
            shown = await _ledger(scene, dossier, notes)
            if shown is not None:
                insist(not shown["live"], "the ledger shows a live application", _SEE)
                insist(
                    shown["withdrawals"] == 1,
                    f"the ledger shows {shown['withdrawals']} withdrawals",
                    "see which application the request names",
                )
    async with stage.scene() as scene:
        await _never_had(scene, withdrawal, notes)


async def _never_had(scene: Scene, withdrawal: Withdrawal, notes: Notes) -> None:
    receipt = Receipt(reference=_UNKNOWN_RECEIPT, received_at=utc_now())
    unknown = scene.stage.dossier("approve").model_copy(update={"receipt": receipt})
    words = f"withdrawn {unknown.terms.id}, which it never had"
    try:
        reading = await _told(scene, notes, words, lambda: scene.gateway.withdraw(unknown, withdrawal))
    except (AgencyRefused, NotUnderstood) as wrong:
        scene.stage.direct += wrong.exchanges
        notes.saw(f"{words}: {wrong}", wrong.exchanges)
        raise Failed(
            f"an agency that does not have it is not understood: {wrong}",
            "add a rule to `errors` of withdraw that `means: not_found`, told by what the agency says then",
        ) from wrong
    if reading == "withdrawn":
        notes.saw("the agency does not say that it never had it")


def _withdrawal(stage: Stage) -> Withdrawal:
    reason = next(iter(stage.bench.configuration.policy.withdrawal_reasons), "C01")
    return Withdrawal(reason=reason, remarks="Certification", requested_at=utc_now(), by="certify")


WITHDRAW = Behaviour(
    "withdraw",
    "Withdrawal",
    "What is withdrawn is asked no more, however often the agency is told; one that never had it says so.",
    _withdraw,
)


# --- informed, reminded -------------------------------------------------------------------------------------


async def _inform(stage: Stage, notes: Notes) -> None:
    if stage.file.channel.inform is None:
        raise NotApplicable("the channel has no `inform`: the agency's people fetch answers at the hub")
    if Verdict.INFORMATION_REQUIRED not in stage.file.verdicts.values():
        raise NotApplicable("`verdicts` of the agency's file has no word for information_required")
    async with stage.scene() as scene:
        dossier = scene.lodge("ask")
        asked = (await decided(scene, dossier, notes)).decisions[-1]
        if asked.verdict is not Verdict.INFORMATION_REQUIRED:
            raise NotPlayed(
                f"the agency asked for nothing: it said {asked.word!r}", "give a declaration with --ask FILE"
            )
        dossier = dossier.model_copy(update={"receipt": scene.view(dossier).receipt})
        information = sample_information(whole=True).model_copy(
            update={"request": asked.id, "request_reference": asked.reference, "given_at": utc_now()}
        )
        said: list[Decision] = []

        async def work() -> tuple[Exchange, ...]:
            answer = await scene.gateway.inform(dossier, information)
            said.extend(answer.decisions)
            return answer.exchanges

        await _twice(scene, notes, "inform", work)
        shown = await _ledger(scene, dossier, notes)
        if shown is None:
            return
        insist(
            shown["informed"] == 1,
            f"the ledger shows {shown['informed']} answers",
            "send information.id, or whatever the contract tells a repeated answer by",
        )
        sent = {one.sha256 for one in information.enclosures}
        came = {one["sha256"] for each in shown["supplements"] for one in each["enclosures"]}
        insist(
            came in (sent, set()),
            "the documents did not come as they were sent",
            "send `base64` of each document where the contract has its content, not a text made of it",
        )
        notes.saw(f"{len(came)} of {len(sent)} document(s) came, octet for octet")
        consents = await scene.until(
            lambda: any(one.verdict.consents for one in (*said, *scene.view(dossier).decisions)),
            meanwhile=scene.go_round,
        )
        insist(consents, "informed, the agency did not decide", "see how its decision is read")


INFORM = Behaviour(
    "inform",
    "Answer to a question",
    "What the agency asks for reaches it once, with its documents, however often it is told.",
    _inform,
)


async def _remind(stage: Stage, notes: Notes) -> None:
    if stage.file.channel.remind is None:
        raise NotApplicable("the channel has no `remind`: the agency's people see at the hub what is due")
    async with stage.scene() as scene:
        dossier = await _taken(scene, scene.lodge("approve"), notes)
        await _told(scene, notes, "reminded", lambda: scene.gateway.remind(dossier))
        shown = await _ledger(scene, dossier, notes)
        if shown is not None:
            insist(
                (shown["effects"], shown["reminded"]) == (1, 1),
                f"the ledger shows {shown['effects']} case(s) and {shown['reminded']} reminder(s)",
                "see which application the request names",
            )


REMIND = Behaviour("remind", "Reminder", "A reminder is taken, and opens no second case.", _remind)


async def _ledger(scene: Scene, dossier: Dossier, notes: Notes) -> dict[str, Any] | None:
    """What the simulator's ledger shows of a referral; None where the agency is a real one."""
    if scene.stage.simulator is None:
        return None
    shown = await scene.stage.simulator.shown(dossier.terms.id)
    notes.saw(
        f"the simulator's ledger of {dossier.terms.id}: {'live' if shown['live'] else 'not live'}, "
        f"{shown['effects']} case(s), revision {shown['revision']}, {shown['amendments']} amendment(s), "
        f"{shown['withdrawals']} withdrawal(s), {shown['informed']} answer(s), "
        f"{shown['reminded']} reminder(s)"
    )
    return shown
