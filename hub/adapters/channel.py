"""A channel prepared from its agency's file: expressions compiled, operations found in the contract."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from hub.adapters.messages import MessageReader
from hub.adapters.openapi import RestContract
from hub.adapters.proof import Proof, prove
from hub.adapters.proof.headers import carried_names
from hub.adapters.proof.secrets import ProvingExpressions, request_expressions
from hub.adapters.reading import DecisionReader, ErrorRule, ReceiptReader
from hub.adapters.rest import RestCall
from hub.adapters.secrets import CredentialUnusable, resolve
from hub.adapters.soap import ContractUnreadable, SoapCall, SoapContract
from hub.adapters.wire import Credentials
from hub.config.models import AgencyFile, LoginFile, OperationFile
from hub.domain.deadlines import parse_duration
from hub.expressions import Expression, ExpressionFault, PathTemplate, TreeFaults, TreeTemplate, roots

_NOWHERE = "https://agency.invalid"


class ChannelUnusable(Exception):
    """A channel that cannot be prepared: a contract, an expression, a credential. The message says which."""


class Contracts:
    """Every contract file, read once and shared by the agencies that name it; for several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._soap: dict[str, SoapContract] = {}
        self._rest: dict[str, RestContract] = {}
        self._lock = threading.Lock()

    def soap(self, name: str) -> SoapContract:
        """Raises ContractUnreadable."""
        with self._lock:
            if name not in self._soap:
                self._soap[name] = SoapContract(self._inside(name), self.folder)
            return self._soap[name]

    def rest(self, name: str) -> RestContract:
        """Raises ContractUnreadable."""
        with self._lock:
            if name not in self._rest:
                self._rest[name] = RestContract(self._inside(name), self.folder)
            return self._rest[name]

    def _inside(self, name: str) -> Path:
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise ContractUnreadable(f"{name} lies outside the configuration folder")
        return path


@dataclass(frozen=True)
class Operation:
    """One request to the agency, and how its answer is read."""

    call: SoapCall | RestCall
    errors: tuple[ErrorRule, ...]
    receipt: ReceiptReader
    decision: DecisionReader | None
    found: Expression | None
    proving: ProvingExpressions
    """Those of its request's expressions that read secrets."""


@dataclass(frozen=True)
class FeedChannel:
    """The agency's feed."""

    pull: Operation
    messages: Expression
    message: MessageReader
    acknowledge: Operation
    reject: Operation | None
    next_page: Expression | None
    asks_by: frozenset[str]
    """What of `page` the pull asks by: `cursor`, `number`, both, or neither."""


@dataclass(frozen=True)
class Login:
    """How a session is opened, and where the answer tells its token."""

    operation: Operation
    token: Expression
    expires_in: Expression | None
    lasts: float
    """Seconds a session is used where the answer does not say."""


@dataclass(frozen=True)
class Channel:
    """The operations of one agency, ready for use."""

    proof: Proof
    secrets: Mapping[str, str] = field(repr=False)
    """What requests see as `secret`, by name."""
    login: Login | None
    submit: Operation
    look_up: Operation | None
    poll: Operation | None
    amend: Operation | None
    withdraw: Operation | None
    inform: Operation | None
    remind: Operation | None
    feed: FeedChannel | None


def prepare(
    file: AgencyFile, contracts: Contracts, environment: Mapping[str, str], zone: ZoneInfo
) -> Channel:
    """Raises ChannelUnusable."""
    return Preparation(file, contracts, environment, zone).channel()


class Preparation:
    """The making of one channel, operation by operation."""

    def __init__(
        self, file: AgencyFile, contracts: Contracts, environment: Mapping[str, str], zone: ZoneInfo
    ) -> None:
        self._file = file
        self._contracts = contracts
        self._environment = environment
        self._zone = zone

    def channel(self) -> Channel:
        """Raises ChannelUnusable."""
        channel = self._file.channel
        try:
            endpoint, whole = self.endpoint(), prove(channel, self._environment, self._contracts.folder)
            proof = whole.credentials
            return Channel(
                proof=whole,
                secrets={name: resolve(text, self._environment) for name, text in channel.secrets.items()},
                login=self._login(channel.login, endpoint, proof),
                submit=self.operation(channel.submit, endpoint, proof, roots.SUBMIT, roots.READING),
                **{name: self._follow_up(name, endpoint, proof) for name in roots.FOLLOWING},
                feed=self._feed(endpoint, proof),
            )
        except (CredentialUnusable, ContractUnreadable, LookupError, ExpressionFault, TreeFaults) as wrong:
            raise ChannelUnusable(f"the channel of {self._file.agency} cannot be used: {wrong}") from wrong

    def submission(self) -> SoapCall | RestCall:
        """
        The submission as it tells of the declaration: without an address, and without what proves the hub.

        Raises ChannelUnusable.
        """
        file = self._file.channel.submit
        try:
            return self._call(file, _NOWHERE, Credentials(), roots.SUBMIT)
        except (ContractUnreadable, LookupError, ExpressionFault, TreeFaults) as wrong:
            raise ChannelUnusable(f"the channel of {self._file.agency} cannot be used: {wrong}") from wrong

    def endpoint(self, operation: OperationFile | None = None) -> str:
        """
        The address that operations are below, or that of an operation which has its own.

        Raises CredentialUnusable, ContractUnreadable.
        """
        own = None if operation is None else operation.endpoint
        endpoint = resolve(own or self._file.channel.endpoint, self._environment)
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ContractUnreadable("the endpoint is not an http or https address")
        return endpoint

    def operation(
        self,
        file: OperationFile,
        endpoint: str,
        proof: Credentials,
        writing: Collection[str],
        reading: Collection[str],
    ) -> Operation:
        """Raises ContractUnreadable, LookupError, ExpressionFault, TreeFaults, CredentialUnusable."""
        if file.endpoint is not None:
            endpoint = self.endpoint(file)
        return Operation(
            call=self._call(file, endpoint, proof, writing),
            errors=tuple(ErrorRule(rule, reading) for rule in file.errors),
            receipt=ReceiptReader(file.receipt, reading),
            decision=None
            if file.decision is None
            else DecisionReader(
                file.decision,
                reading,
                agency=self._file.agency,
                verdicts=self._file.verdicts,
                zone=self._zone,
            ),
            found=None if file.found is None else Expression(file.found, reading),
            proving=ProvingExpressions(request_expressions(file, writing)),
        )

    def _call(
        self, file: OperationFile, endpoint: str, proof: Credentials, writing: Collection[str]
    ) -> SoapCall | RestCall:
        channel = self._file.channel
        request = TreeTemplate(file.request, writing)
        if channel.adapter == "soap":
            if file.operation is None:
                raise LookupError("a SOAP channel needs `operation`")
            contract = self._contracts.soap(channel.contract)
            operation = contract.find(file.operation, file.service, file.port)
            return SoapCall(
                contract,
                operation,
                request,
                endpoint,
                proof,
                header=None if file.soap_header is None else TreeTemplate(file.soap_header, writing),
                action=file.soap_action,
            )
        if file.method is None or file.path is None:
            raise LookupError("a REST channel needs `method` and `path`")
        rest = self._contracts.rest(channel.contract)
        path = PathTemplate(file.path, writing)
        return RestCall(
            rest,
            rest.find(file.method, path.skeleton),
            path=path,
            query=TreeTemplate(file.query, writing),
            headers=TreeTemplate(file.headers, writing),
            request=None if file.request is None else request,
            form=file.format,
            root=file.root,
            endpoint=endpoint,
            credentials=proof,
            carried=carried_names(channel.auth),
        )

    def _follow_up(self, name: str, endpoint: str, proof: Credentials) -> Operation | None:
        file: OperationFile | None = getattr(self._file.channel, name)
        if file is None:
            return None
        return self.operation(file, endpoint, proof, roots.FOLLOWING[name], roots.READING)

    def _login(self, file: LoginFile | None, endpoint: str, proof: Credentials) -> Login | None:
        if file is None:
            return None
        reading = roots.LOGIN_READING
        return Login(
            operation=self.operation(file, endpoint, proof, roots.LOGIN, reading),
            token=Expression(file.token, reading),
            expires_in=None if file.expires_in is None else Expression(file.expires_in, reading),
            lasts=parse_duration(file.lasts).total_seconds(),
        )

    def _feed(self, endpoint: str, proof: Credentials) -> FeedChannel | None:
        feed = self._file.channel.feed
        if feed is None:
            return None
        return FeedChannel(
            pull=self.operation(feed.pull, endpoint, proof, roots.PULL, roots.FEED_READING),
            messages=Expression(feed.messages, roots.FEED_READING),
            message=MessageReader(feed.message, self._file, self._zone),
            acknowledge=self.operation(
                feed.acknowledge, endpoint, proof, roots.ACKNOWLEDGE, roots.FEED_READING
            ),
            reject=None
            if feed.reject is None
            else self.operation(feed.reject, endpoint, proof, roots.REJECT, roots.FEED_READING),
            next_page=None if feed.next_page is None else Expression(feed.next_page, roots.FEED_READING),
            asks_by=_asks_by(feed.pull),
        )


def _asks_by(pull: OperationFile) -> frozenset[str]:
    read = [expression.reads for expression in request_expressions(pull, roots.PULL)]
    return frozenset(word for word in ("cursor", "number") if any(("page", word) in one for one in read))
