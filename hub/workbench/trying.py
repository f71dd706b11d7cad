"""One real request to the configured endpoint, its answer, and how the hub understood it, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.adapters.context import rfc3339
from hub.adapters.gateway import Gateway
from hub.clock import utc_now
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyRefused, AgencyUnavailable, ChannelError, InDoubt, NotUnderstood
from hub.domain.exchange import Answer, Dossier, Exchange, Feed, LookUp, Submission
from hub.domain.referral import Answers, Decision
from hub.workbench.asking import SAMPLE, Beside, ask_about
from hub.workbench.bench import Bench
from hub.workbench.operations import NO_REASON, OperationName, operation_of
from hub.workbench.unready import Unready

Outcome = Submission | LookUp | Answer | Feed | ChannelError | None
"""What it came to; None where the agency has only taken something."""


@dataclass(frozen=True)
class Attempt:
    """One request that was really made."""

    operation: OperationName
    dossier: Dossier | None
    at: datetime
    outcome: Outcome
    exchanges: tuple[Exchange, ...]
    beside: Beside = SAMPLE

    @property
    def status(self) -> int:
        """Of the command: 0 understood, 3 unavailable, 4 refused, 5 not understood, 6 in doubt."""
        match self.outcome:
            case AgencyUnavailable():
                return 3
            case AgencyRefused():
                return 4
            case InDoubt():
                return 6
            case ChannelError():
                return 5
        return 0


async def attempt(
    bench: Bench,
    name: OperationName,
    *,
    dossier: Dossier | None = None,
    ids: Sequence[str] = (),
    reason: str = NO_REASON,
    beside: Beside = SAMPLE,
) -> Attempt:
    """Ask the agency, once. Raises Unready when its file has no such operation, or a variable is not set."""
    operation_of(bench.file, name)
    if name.is_about_messages and not ids:
        raise Unready(f"{name} is about messages", "name them with --id")
    at = utc_now()
    async with bench.gateway() as gateway:
        try:
            outcome, exchanges = await _ask(gateway, bench.agency, name, dossier, ids, reason, at, beside)
        except ChannelError as error:
            outcome, exchanges = error, error.exchanges
    return Attempt(name, dossier, at, outcome, exchanges, beside)


async def _ask(
    gateway: Gateway,
    agency: str,
    name: OperationName,
    dossier: Dossier | None,
    ids: Sequence[str],
    reason: str,
    at: datetime,
    beside: Beside,
) -> tuple[Outcome, tuple[Exchange, ...]]:
    if name is OperationName.PULL:
        feed = await gateway.pull_feed(agency)
        return feed, feed.exchanges
    if name is OperationName.ACKNOWLEDGE:
        return None, await gateway.acknowledge_feed(agency, ids)
    if name is OperationName.REJECT:
        return None, await gateway.acknowledge_feed(agency, ids, dict.fromkeys(ids, reason))
    if dossier is None:
        raise Unready(
            f"{name} is not tried by itself", "try what needs it: submit logs in, pull comes before it"
        )
    return await ask_about(gateway, name, dossier, at, beside)


def explained(attempt: Attempt, file: AgencyFile) -> list[str]:
    """How the answer was read, and what comes next, line by line."""
    return list(_explained(attempt, file))


def in_short(attempt: Attempt, file: AgencyFile) -> str:
    """The first of these lines."""
    return next(_explained(attempt, file))


def _explained(attempt: Attempt, file: AgencyFile) -> Iterator[str]:
    match attempt.outcome:
        case None:
            last = f": {attempt.exchanges[-1].reading}" if attempt.dossier is not None else ""
            yield f"the agency has taken it: {attempt.operation}{last}"
        case ChannelError():
            yield from _error(attempt.outcome, attempt, file)
        case LookUp(submission=None):
            yield "the agency does not have this referral: the hub would send it again"
        case LookUp(submission=Submission() as found):
            yield "the agency has this referral:"
            yield from _submission(found, attempt, file)
        case Submission():
            yield from _submission(attempt.outcome, attempt, file)
        case Answer() if attempt.operation is OperationName.INFORM:
            yield f"the agency has taken it: {attempt.exchanges[-1].reading}"
            yield from _decisions(attempt.outcome.decisions)
        case Answer():
            yield from _decisions(attempt.outcome.decisions)
            if not attempt.outcome.decisions:
                every = file.channel.poll.every if file.channel.poll else "a while"
                yield f"not decided yet; the hub asks again every {every}"
        case Feed():
            yield f"{len(attempt.outcome.messages)} message(s) wait in the feed; none has been acknowledged"
            if attempt.outcome.next is not None:
                yield "there is another page, which the hub would pull next"
            for message in attempt.outcome.messages:
                about = message.referral or message.agency_reference or "nothing that can be told"
                yield f"message {message.message_id}, about {about}"
                yield from _decisions(message.decisions)
                if message.trouble is not None:
                    yield f"  not understood: {message.trouble}"


def _submission(submission: Submission, attempt: Attempt, file: AgencyFile) -> Iterator[str]:
    reference = submission.receipt.reference
    yield (
        f"received: the agency's reference is {reference}"
        if reference
        else (
            "received; the agency gives no reference of its own"
            if file.channel.submit.receipt.reference is None
            else "received, and the reference that `receipt.reference` reads is empty"
        )
    )
    for name, value in submission.receipt.values.items():
        yield f"remembered: {name} {value}"
    yield from _decisions(submission.decisions)
    if not submission.decisions and attempt.dossier is not None:
        yield _awaited(attempt.dossier.terms.answers, reference, file)


def _awaited(answers: Answers, reference: str | None, file: AgencyFile) -> str:
    if answers is Answers.POLL:
        every = file.channel.poll.every if file.channel.poll else ""
        again = f"; to ask now: --operation poll --reference {reference}" if reference else ""
        return f"no decision yet: the hub asks for it every {every}{again}"
    if answers is Answers.FEED:
        return "no decision yet: it comes by the agency's feed; to look now: --operation pull"
    if answers is Answers.CALLBACK:
        return f"no decision yet: the agency calls back at /v1/agencies/{file.agency}/callbacks of the hub"
    return "no decision, although it should come in this very answer: see `decision.when` of submit"


def _decisions(decisions: Sequence[Decision]) -> Iterator[str]:
    for decision in decisions:
        items = "all goods items" if decision.items is None else f"goods items {list(decision.items)}"
        at = rfc3339(decision.decided_at)
        yield f"decision: {decision.verdict} (its word: {decision.word}), {items}, at {at}"
        if decision.reference:
            yield f"  its number: {decision.reference}"
        if decision.about is not None:
            yield f"  of revision: {decision.about}"
        if decision.remarks:
            yield f"  remarks: {decision.remarks}"
        if decision.stated_at is not None:
            yield f"  it states {rfc3339(decision.stated_at)}, which lies ahead: the time of receipt counts"


def _error(error: ChannelError, attempt: Attempt, file: AgencyFile) -> Iterator[str]:
    sort, then = _SORTS[type(error)]
    yield f"{sort}: {error}"
    if attempt.operation is OperationName.SUBMIT:
        yield f"what the hub does: {then}"
    if error.retry_after is not None:
        yield f"the agency asks to wait {error.retry_after:g} seconds, and the hub does"
    yield f"what to do: {_cure(error, attempt, file)}"


_SORTS: dict[type[ChannelError], tuple[str, str]] = {
    AgencyUnavailable: ("unavailable", "it tries again later, for as long as it takes"),
    AgencyRefused: ("refused", "it never sends this again as it is; the referral is undeliverable"),
    NotUnderstood: ("not understood", "it stops, and a person must look"),
    InDoubt: ("in doubt", "it looks the referral up by our reference before it sends again"),
}


def _cure(error: ChannelError, attempt: Attempt, file: AgencyFile) -> str:
    words = str(error)
    last = attempt.exchanges[-1] if attempt.exchanges else None
    status = last.reply["status"] if last is not None and last.reply is not None else None
    if "cannot be written" in words:
        return f"correct the mapping; `hub agency preview {file.agency} --explain` shows each expression"
    if "the verdict" in words and "is unknown" in words:
        return "add the word to `verdicts`, if it is one the agency may say, or correct `decision.word`"
    if status in (401, 403):
        return (
            "look at `channel.auth` and at the variables it names: the agency does not accept the credential"
        )
    if status == 404:
        return "look at `endpoint` and `path`: there is nothing at this address"
    if last is not None and last.reply is None:
        address = last.request["url"]
        return f"is {address} the right address ({file.channel.endpoint}), and its system up and reachable?"
    if isinstance(error, AgencyRefused):
        return "read what the agency says against the request above; correct the mapping or the declaration"
    if isinstance(error, NotUnderstood):
        return "read the answer above against the file: `decision`, `receipt`, `errors`, and the contract"
    if isinstance(error, InDoubt):
        return "if the agency's faults mean that nothing was done, say so with a rule under `errors`"
    return "try again later; if it is always so, ask the agency"
