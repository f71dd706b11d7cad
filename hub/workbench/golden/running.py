"""A golden case played: the request goes out through the real gateway, and its answer is read by it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from hub.adapters.gateway import Gateway
from hub.adapters.sample import SAMPLE_MRN, sample_dossiers
from hub.config.models import AgencyFile
from hub.domain.declaration import Declaration
from hub.domain.errors import CallbackRefused, ChannelError
from hub.domain.exchange import Dossier, Enclosure, Exchange, FeedPage, InformationContent
from hub.domain.names import next_referral_id, referral_id
from hub.domain.referral import Receipt
from hub.domain.terms import terms_of
from hub.domain.withdrawal import Withdrawal
from hub.workbench.asking import Beside, ask_about
from hub.workbench.bench import Bench
from hub.workbench.golden.case import AnswerFile, GoldenFile, SentFile
from hub.workbench.golden.comparison import body_lines, differing, kind_of, lines_of
from hub.workbench.golden.meaning import Outcome, disagreements, meaning_of
from hub.workbench.golden.played import (
    HeardRequest,
    PlayedAnswer,
    as_played,
    played_agency,
    played_environment,
)
from hub.workbench.operations import OperationName
from hub.workbench.unready import Unready

_DUE_AFTER = timedelta(days=3)


@dataclass(frozen=True)
class Difference:
    """One thing that is not as the file says; `lines` begin with `-` as written down, `+` as it is now."""

    what: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([self.what, *(f"  {line}" for line in self.lines)])


@dataclass(frozen=True)
class Played:
    """What came of playing a case."""

    outcome: Outcome
    heard: tuple[HeardRequest, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    differences: tuple[Difference, ...] = field(default=())

    @property
    def passed(self) -> bool:
        return not self.differences


async def play(bench: Bench, case: GoldenFile, base: Mapping[str, Any] | None) -> Played:
    """
    Play a case and compare. `base` is the declaration cases start from, if the folder has one.

    Raises Unready when the case's declaration is none, or names a service that the agency does not have.
    """
    answers = [_played(answer) for answer in case.answered]
    turns = iter(answers)
    with played_agency(lambda _: next(turns, None)) as agency:
        file = as_played(bench.file, agency.url)
        environment = played_environment(file) | case.environment
        async with bench.speaking_to(file, environment).gateway(clock=lambda: case.at) as gateway:
            outcome, exchanges = await _do(gateway, file, case, base)
    played = Played(outcome, tuple(agency.heard), exchanges)
    differences = [*_requests(case, played), *_meaning(case, outcome)]
    return Played(outcome, played.heard, exchanges, tuple(differences))


async def _do(
    gateway: Gateway, file: AgencyFile, case: GoldenFile, base: Mapping[str, Any] | None
) -> tuple[Outcome, tuple[Exchange, ...]]:
    try:
        match case.does:
            case "callback":
                assert case.received is not None  # checked when the file was read
                body = case.received.body.encode()
                return gateway.read_callback(file.agency, case.received.headers, body, case.at), ()
            case "pull":
                page = FeedPage(number=case.page.number, cursor=case.page.cursor)
                feed = await gateway.pull_feed(file.agency, page)
                return feed, feed.exchanges
            case "acknowledge":
                return None, await gateway.acknowledge_feed(file.agency, case.ids)
            case "reject":
                refused = dict.fromkeys(case.ids, case.reason)
                return None, await gateway.acknowledge_feed(file.agency, case.ids, refused)
            case does:
                dossier = dossier_of(file, case, base)
                return await ask_about(gateway, OperationName(does), dossier, case.at, _beside(case))
    except ChannelError as error:
        return error, error.exchanges
    except CallbackRefused as refused:
        return refused, ()
    except KeyError:
        raise Unready(f"{file.agency} takes no callbacks", "add `channel.callback`") from None


def dossier_of(file: AgencyFile, case: GoldenFile, base: Mapping[str, Any] | None) -> Dossier:
    """The dossier of a case, under the sample's mrn. Raises Unready."""
    code = case.service or next(iter(file.services))
    service = file.services.get(code)
    if service is None:
        raise Unready(f"{file.agency} has no service {code!r}", f"there are {', '.join(file.services)}")
    if base is None:
        base = base_of_sample(file)
    try:
        declaration = Declaration.model_validate(merged(base, case.declaration))
    except ValidationError as wrong:
        told = [f"  {'.'.join(map(str, e['loc']))}  {e['msg']}" for e in wrong.errors(include_url=False)]
        raise Unready("\n".join(["the declaration of the case is none:", *told])) from wrong
    first = referral_id(SAMPLE_MRN, code)
    return Dossier(
        declaration=declaration,
        terms=terms_of(
            service,
            code,
            file.agency,
            SAMPLE_MRN,
            tuple(case.items or (item.number for item in declaration.items)),
            due_at=case.at + _DUE_AFTER,
            version="golden",
        ).model_copy(
            update={
                "id": next_referral_id(first, case.revision) if case.former else first,
                "revision": case.revision,
            }
        ),
        accepted_at=case.at,
        receipt=None
        if case.receipt is None and not case.values
        else Receipt(reference=case.receipt, received_at=case.at, values=case.values),
        former=tuple(case.former),
    )


def _beside(case: GoldenFile) -> Beside:
    beside, told = Beside(withdrawal=None), case.information
    if case.withdrawal is not None:
        reason, remarks = case.withdrawal.reason, case.withdrawal.remarks
        withdrawal = Withdrawal(reason=reason, remarks=remarks, requested_at=case.at, by="golden")
        beside = replace(beside, withdrawal=withdrawal)
    if told is not None:
        enclosures = [
            Enclosure(
                name=document.name,
                media_type=document.type,
                sha256=hashlib.sha256(document.base64).hexdigest(),
                content=document.base64,
            )
            for document in told.documents
        ]
        information = InformationContent(
            id=told.id,
            request=told.request,
            request_reference=told.request_reference,
            text=told.text,
            given_at=case.at,
            enclosures=tuple(enclosures),
        )
        beside = replace(beside, information=information)
    return beside


def base_of_sample(file: AgencyFile) -> dict[str, Any]:
    """The declaration that cases start from where the folder has none."""
    dossier, _ = next(sample_dossiers(file))
    return dossier.declaration.model_dump(mode="json")


def merged(base: Any, change: Any) -> Any:
    """A declaration with its changes: mappings are merged, anything else is replaced."""
    if isinstance(base, Mapping) and isinstance(change, Mapping):
        both = {name: merged(base[name], change[name]) for name in base.keys() & change.keys()}
        return {**base, **change, **both}
    return change


def _played(answer: AnswerFile) -> PlayedAnswer:
    body = answer.body.encode() if answer.base64 is None else base64.b64decode(answer.base64)
    return PlayedAnswer(answer.status, answer.headers, body)


def _requests(case: GoldenFile, played: Played) -> Sequence[Difference]:
    if case.does == "callback":
        return []
    found = []
    if len(played.heard) != len(case.sent):
        requests = [f"{heard.method} {heard.path}" for heard in played.heard]
        expected = [f"{sent.method} {sent.path}" for sent in case.sent]
        found.append(Difference("the requests differ in number", tuple(differing(expected, requests))))
    for place, (sent, heard) in enumerate(zip(case.sent, played.heard, strict=False), 1):
        which = f"request {place}" if len(case.sent) > 1 else "the request"
        found += _request(which, sent, heard)
    return found


def _request(which: str, sent: SentFile, heard: HeardRequest) -> Sequence[Difference]:
    found = []
    line = differing([f"{sent.method} {sent.path}"], [f"{heard.method} {heard.path}"])
    if line:
        found.append(Difference(f"{which}: method and path", tuple(line)))
    headers = differing(
        [f"{name.lower()}: {value}" for name, value in sent.headers.items()],
        [f"{name.lower()}: {heard.headers.get(name.lower(), '(none)')}" for name in sent.headers],
    )
    if headers:
        found.append(Difference(f"{which}: headers", tuple(headers)))
    media_type = heard.headers.get("content-type", "")
    kind, text = sent.body or (kind_of(media_type, heard.body) or "text", "")
    expected = text.splitlines() if kind in ("multipart", "form") else body_lines(kind, text.encode())
    body = differing(expected if text else [], body_lines(kind, heard.body, media_type) if heard.body else [])
    if body:
        found.append(Difference(f"{which}: body", tuple(body)))
    return found


def _meaning(case: GoldenFile, outcome: Outcome) -> Sequence[Difference]:
    expected = case.means.model_dump(mode="json", exclude_unset=True)
    disagree = disagreements(expected, meaning_of(outcome))
    if disagree is None:
        return []
    wanted, got = disagree
    return [Difference("what the answer means", tuple(differing(lines_of(wanted), lines_of(got))))]
