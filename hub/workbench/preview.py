"""The request as it would go over the wire, written and not sent; and which expression gave which part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.adapters.channel import Contracts, Preparation
from hub.adapters.context import agency_context, dossier_context, information_context, withdrawal_context
from hub.adapters.proof import PLACEHOLDER, prove
from hub.adapters.proof.secrets import ProvingExpressions, request_expressions
from hub.adapters.secrets import CredentialUnusable, Scrubber, known_secrets
from hub.adapters.soap import ContractUnreadable
from hub.adapters.transport import NotSent, headers_sent
from hub.adapters.wire import Misfit
from hub.config.faults import Key, written
from hub.config.models import AgencyFile
from hub.domain.exchange import Dossier
from hub.expressions import Expression, ExpressionFailed, PathTemplate
from hub.workbench.asking import SAMPLE, Beside
from hub.workbench.bench import Bench
from hub.workbench.operations import NO_REASON, OperationName, Place, operation_of
from hub.workbench.shown import Message
from hub.workbench.unready import Unready
from hub.workbench.variables import Variable, unset

_UNKNOWN_HOST = "agency.invalid"


@dataclass(frozen=True)
class Leaf:
    """One expression of a mapping, and what it came to."""

    key: str
    expression: str
    value: Any = None
    failure: str | None = None
    """Why it has no value."""


@dataclass(frozen=True)
class Preview:
    """One request, and where its parts come from."""

    operation: OperationName
    at: str
    """Its key in the agency's file, as `channel.submit`."""
    service: str | None
    request: Message | None
    """None when it cannot be written."""
    trouble: str | None
    leaves: tuple[Leaf, ...]
    notes: tuple[str, ...]
    """What else would take place, and what stands for what is not known here."""


def preview(
    bench: Bench,
    name: OperationName,
    *,
    dossier: Dossier | None = None,
    ids: Sequence[str] = (),
    reason: str = NO_REASON,
    beside: Beside = SAMPLE,
    at: datetime,
) -> Preview:
    """
    The request of an operation: about a referral with its dossier, about messages with their ids.

    Variables that are not set are stood for. Raises Unready when the file does not have the operation.
    """
    place = operation_of(bench.file, name)
    missing = unset(bench.file, bench.environment)
    file, environment = _stood_for(bench.file, bench.environment, missing)
    context = _context(file, environment, place, dossier, ids, reason, beside)
    request, trouble = None, None
    try:
        request = _written(bench, file, environment, place, context, at, missing)
    except (Misfit, ExpressionFailed, NotSent) as wrong:
        trouble = str(wrong)
    made = ProvingExpressions(request_expressions(place.file, place.writing)).made_of(context)
    masked = Scrubber([*known_secrets(file.channel, environment), *made])
    return Preview(
        operation=name,
        at=written(place.key),
        service=dossier.terms.service if dossier is not None else None,
        request=request,
        trouble=None if trouble is None else masked.text(trouble),
        leaves=tuple(_masked(leaf, masked) for leaf in _leaves(place, context)),
        notes=tuple(_notes(bench.file, name, missing)),
    )


def _stood_for(
    file: AgencyFile, environment: Mapping[str, str], missing: Sequence[Variable]
) -> tuple[AgencyFile, dict[str, str]]:
    """The file and the variables with something in place of what is not set; no signature without its key."""
    values = dict(environment)
    for variable in missing:
        values[variable.name] = (
            f"https://{_UNKNOWN_HOST}" if variable.is_address else f"unset-{variable.name}"
        )
    auth = file.channel.auth
    signed = auth.ws_security is not None and auth.ws_security.signature is not None
    if signed and any(variable.is_file and "signature" in variable.key for variable in missing):
        assert auth.ws_security is not None
        unsigned = auth.ws_security.model_copy(update={"signature": None})
        changed = file.channel.model_copy(update={"auth": auth.model_copy(update={"ws_security": unsigned})})
        file = file.model_copy(update={"channel": changed})
    return file, values


def _context(
    file: AgencyFile,
    environment: Mapping[str, str],
    place: Place,
    dossier: Dossier | None,
    ids: Sequence[str],
    reason: str,
    beside: Beside,
) -> dict[str, Any]:
    named = {n: environment.get(t.removeprefix("env:"), "") for n, t in file.channel.secrets.items()}
    secret = {"secret": named}
    session = secret | ({"session": {"token": PLACEHOLDER}} if file.channel.login is not None else {})
    if place.name.is_about_a_referral:
        assert dossier is not None
        seen = {**dossier_context(dossier, file), **session}
        if place.name is OperationName.WITHDRAW:
            return seen | withdrawal_context(beside.withdrawal)
        return seen | information_context(beside.information) if place.name is OperationName.INFORM else seen
    agency = agency_context(file)
    if place.name is OperationName.LOGIN:
        return {**agency, **secret}
    if place.name is OperationName.PULL:
        return {**agency, **session, "page": {"number": 1, "cursor": ""}}
    if not ids:
        raise Unready(f"{place.name} is about messages", "name them with --id")
    return {**agency, **session, "ids": list(ids), "id": ids[0], "reason": reason}


def _written(
    bench: Bench,
    file: AgencyFile,
    environment: Mapping[str, str],
    place: Place,
    context: Mapping[str, Any],
    at: datetime,
    missing: Sequence[Variable],
) -> Message:
    """The request. Raises Misfit, ExpressionFailed."""
    zone = bench.configuration.calendars[bench.agency].zone
    preparation = Preparation(file, Contracts(bench.folder), environment, zone)
    try:
        proof = prove(file.channel, environment, bench.folder)
        operation = preparation.operation(
            place.file, preparation.endpoint(), proof.credentials, place.writing, place.reading
        )
    except (ContractUnreadable, CredentialUnusable) as wrong:
        raise Unready(f"the request cannot be prepared: {wrong}") from wrong
    token = PLACEHOLDER if file.channel.auth.oauth2 is not None else None
    whole = proof.complete(operation.call.write(context, at), at, token)
    made = operation.proving.made_of(context)
    scrubber = Scrubber([*known_secrets(file.channel, environment), *made])
    url = scrubber.text(whole.url)
    for variable in missing:
        if variable.is_address:
            url = url.replace(f"https://{_UNKNOWN_HOST}", f"{{{variable.name}}}")
    headers = headers_sent(whole)
    if _UNKNOWN_HOST in headers.get("Host", ""):
        del headers["Host"]
    return Message(
        f"{whole.method} {url}",
        scrubber.headers(headers),
        scrubber.text(whole.body.decode("utf-8", "replace")),
    )


def _leaves(place: Place, context: Mapping[str, Any]) -> Iterator[Leaf]:
    """Every expression of an operation's request, in the order of the file."""
    file = place.file
    parts: list[tuple[Key, Any]] = [
        (("path",), file.path),
        (("query",), file.query),
        (("headers",), file.headers),
        (("soap_header",), file.soap_header),
        (("request",), file.request),
    ]
    for key, tree in parts:
        if key == ("path",) and isinstance(tree, str):
            yield from _path_leaves((*place.key, "path"), tree, place, context)
        else:
            yield from _tree_leaves((*place.key, *key), tree, place, context)


def _tree_leaves(key: Key, tree: Any, place: Place, context: Mapping[str, Any]) -> Iterator[Leaf]:
    if isinstance(tree, dict):
        for name, part in tree.items():
            yield from _tree_leaves((*key, name), part, place, context)
    elif isinstance(tree, list):
        for index, part in enumerate(tree):
            yield from _tree_leaves((*key, index), part, place, context)
    elif isinstance(tree, str) and tree.startswith("=") and not tree.startswith("=="):
        yield _leaf(key, tree, place, context)
    elif tree is not None:
        yield Leaf(written(key), repr(tree), tree)


def _path_leaves(key: Key, path: str, place: Place, context: Mapping[str, Any]) -> Iterator[Leaf]:
    for expression in PathTemplate(path, place.writing).expressions:
        yield _leaf(key, f"={expression.text}", place, context)


def _leaf(key: Key, text: str, place: Place, context: Mapping[str, Any]) -> Leaf:
    try:
        value = Expression(text, place.writing).evaluate(context)
    except ExpressionFailed as failed:
        return Leaf(written(key), text, failure=failed.reason)
    return Leaf(written(key), text, value)


def _masked(leaf: Leaf, scrubber: Scrubber) -> Leaf:
    return Leaf(leaf.key, leaf.expression, _hidden(leaf.value, scrubber), leaf.failure)


def _hidden(value: Any, scrubber: Scrubber) -> Any:
    if isinstance(value, str):
        return scrubber.text(value)
    if isinstance(value, dict):
        return {name: _hidden(part, scrubber) for name, part in value.items()}
    return [_hidden(part, scrubber) for part in value] if isinstance(value, list) else value


def _notes(file: AgencyFile, name: OperationName, missing: Sequence[Variable]) -> Iterator[str]:
    auth = file.channel.auth
    if auth.oauth2 is not None:
        yield f"before it, a token is asked for at {auth.oauth2.token_url}; {PLACEHOLDER} stands for it"
    if file.channel.login is not None and name is not OperationName.LOGIN:
        yield f"before it, the hub logs in (--operation login shows that); {PLACEHOLDER} stands for the token"
    if auth.mtls is not None:
        yield f"the connection shows the client certificate of {auth.mtls.certificate}"
    for variable in missing:
        if variable.is_address:
            yield f"{variable.name} is not set: {{{variable.name}}} stands for it"
        elif variable.is_file and "signature" in variable.key:
            yield f"{variable.name} is not set: the request is shown without its signature"
        else:
            yield f"{variable.name} is not set; secrets are shown as ***, set or not"
