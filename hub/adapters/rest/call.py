"""One REST operation of one agency: a path, a query, headers and a body, each filled from the referral."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from datetime import datetime
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from hub.adapters.openapi import RestContract, RestOperation, Violation
from hub.adapters.rest.answers import Answers
from hub.adapters.rest.bodies import Body, body_of
from hub.adapters.rest.parameters import Parameters
from hub.adapters.shape import Shape, insist, trim
from hub.adapters.wire import Context, Credentials, Heard, Misfit, Plain, WireReply, WireRequest
from hub.expressions import PathTemplate, TreeTemplate

_PROOF = frozenset({"session", "secret"})
"""What requests see that proves the hub."""


class RestCall:
    """One operation, prepared: two translations and no I/O. For several threads."""

    def __init__(
        self,
        contract: RestContract,
        operation: RestOperation,
        *,
        path: PathTemplate,
        query: TreeTemplate,
        headers: TreeTemplate,
        request: TreeTemplate | None,
        form: str | None,
        root: str | None,
        endpoint: str,
        credentials: Credentials,
        carried: frozenset[str] = frozenset(),
    ) -> None:
        """
        `form` and `root` say how the body is written, where the contract leaves a choice; `carried` are the
        names of headers and query parameters that prove the hub, in lower case. Raises LookupError,
        ContractUnreadable.
        """
        self.operation = operation
        media = contract.body(operation, form)
        self._path = path
        self._query = query
        self._headers = headers
        self._request = request
        self._shape = contract.request_shape(operation, form)
        self._body: Body | None = None
        if request is not None:
            self._body = body_of(contract, media, form, root, self._shape)
        self._validation = contract.request_validation(media) if request is not None else None
        self._parameters = Parameters(contract, operation, carried)
        self._answers = Answers(contract, operation)
        self._endpoint = endpoint.rstrip("/")
        self._credentials = credentials
        # A session's token, or a secret of the channel, that goes in the query.
        self._proving = {
            str(key[0]) for key, one in query.leaves.items() if key and _PROOF.intersection(one.roots)
        }
        self._carried = carried | {name.lower() for name in self._proving}
        self._address: str | None = None

    @property
    def request_shape(self) -> Shape | None:
        """What the body must look like; None where the contract does not say."""
        return self._shape

    def at(self, address: str) -> RestCall:
        """The same request to another address, whole: the next page of what it asks for."""
        other = copy(self)
        other._address = address
        return other

    def neighbour(self, context: Context, reference: str) -> str:
        """
        The address that an answer's link leads to, as it is or seen from this request (RFC 3986 section 5).

        Raises Misfit for one of another origin (RFC 6454): credentials go where the agency's file says.
        """
        if any(_PROOF.intersection(one.roots) for one in self._path.expressions):
            raise Misfit("the path holds what proves us, and addresses of pages are remembered: use a cursor")
        here = self._address or self.draft(context).url
        try:
            address = urljoin(here, reference)
            there, ours = urlsplit(address), urlsplit(here)
            same = _origin(there) == _origin(ours) and there.username is None
        except ValueError as wrong:
            raise Misfit(f"{reference!r} is no address: {wrong}") from wrong
        if not same:
            raise Misfit(f"the link to {reference} leads away from {ours.scheme}://{ours.netloc}")
        # What proves us is added to every request, and a link may hold it already.
        kept = [
            pair for pair in there.query.split("&") if pair.partition("=")[0].lower() not in self._carried
        ]
        return urlunsplit(there._replace(query="&".join(kept), fragment=""))

    def arguments(self, context: Context) -> Plain:
        """
        The filled body without what was not declared, as the contract speaks of it: a file as its content.

        Raises ExpressionFailed.
        """
        filled = self._filled(context)
        return filled if self._body is None else self._body.seen(filled)

    def content(self, context: Context) -> Plain:
        """All that a request tells, as plain data. Raises ExpressionFailed."""
        return {
            "path": self._path.fill(context),
            "query": _members(self._query, context),
            "headers": _members(self._headers, context),
            "body": self._filled(context),
        }

    def violations(self, context: Context) -> Iterator[tuple[str, Violation]]:
        """
        Where the request misses its contract: each place below `request`, `path`, `query` or `headers`.

        Raises ExpressionFailed.
        """
        if self._validation is not None:
            arguments = self.arguments(context)
            yield from (("request", wrong) for wrong in self._validation.violations(arguments))
        yield from self._parameters.violations(
            self._path.fill(context), _members(self._query, context), _members(self._headers, context)
        )

    def write(self, context: Context, now: datetime) -> WireRequest:
        """Raises Misfit, ExpressionFailed."""
        filled = self._filled(context)
        if self._body is not None:
            self._insist(self._body.seen(filled))
        query, headers = _members(self._query, context), _members(self._headers, context)
        path = self._path.fill(context)
        # A link to a next page holds its own query.
        if self._address is None:
            wrong = [str(one) for _, one in self._parameters.violations(path, query, headers)]
            if wrong:
                raise Misfit("; ".join(wrong))
        return self._composed(path, query, headers, filled)

    def draft(self, context: Context) -> WireRequest:
        """The request, not held against its contract, for sample values. Raises Misfit, ExpressionFailed."""
        query, headers = _members(self._query, context), _members(self._headers, context)
        return self._composed(self._path.fill(context), query, headers, self._filled(context))

    def read(self, reply: WireReply) -> Heard:
        """The answer in plain data. Never raises: what cannot be read is told in `unreadable`."""
        return self._answers.read(reply)

    def _filled(self, context: Context) -> Plain:
        return None if self._request is None else trim(self._request.fill(context), self._shape)

    def _insist(self, seen: Plain) -> None:
        if self._shape is not None:
            insist(seen, self._shape)
        if self._validation is not None:
            self._validation.insist(seen)

    def _composed(
        self, path: str, query: dict[str, Plain], given: dict[str, Plain], filled: Plain
    ) -> WireRequest:
        headers = {"Accept": self._answers.accepted}
        body = b""
        if self._body is not None:
            body, headers["Content-Type"] = self._body.write(filled)
        for name, value in self._parameters.headers(given).items():
            headers = {k: v for k, v in headers.items() if k.lower() != name.lower()} | {name: value}
        url = _joined(f"{self._endpoint}{path}", self._parameters.query(query))
        if self._address is not None:
            proving = {name: value for name, value in query.items() if name in self._proving}
            url = _joined(self._address, self._parameters.query(proving))
        return WireRequest(
            method=self.operation.method,
            url=url,
            headers={**headers, **self._credentials.headers},
            body=body,
        )


def _members(template: TreeTemplate, context: Context) -> dict[str, Plain]:
    members: dict[str, Plain] = trim(template.fill(context), None) or {}
    return members


def _joined(address: str, query: str) -> str:
    if not query:
        return address
    return f"{address}{'&' if '?' in address else '?'}{query}"


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
