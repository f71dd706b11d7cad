"""agencies/<agency>.yaml: how the agency is spoken to."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from hub.config.models.auth import CallbackAuth, ChannelAuth
from hub.config.models.base import Cel, Duration, FileModel, Moment, Reference, Says, TimeOfDay, TrustFile

Tree = Annotated[Any, Says("tree")]
"""A YAML tree whose text leaves may be `=` CEL expressions: a mapping from referral to request."""


class Limits(FileModel):
    """How hard the agency may be pushed."""

    timeout: Duration = "20s"
    """For one request, from connect to the last byte."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    """Requests at a time, of each process of the hub."""
    per_second: Annotated[float, Field(gt=0)] | None = None
    """Requests a second, of each process of the hub; without it as many as come."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 2
    """Requests in quick succession within one activity, for a connection that could not be made."""
    breaker_failures: Annotated[int, Field(ge=1)] = 5
    """Consecutive failures that open the breaker."""
    breaker_pause: Duration = "30s"
    """How long an open breaker waits before it lets one request through."""


class DecisionReading(FileModel):
    """How an answer is read as a decision. Expressions see `reply` (or `message`) and `receipt`."""

    when: Cel | None = None
    """`=`expression: whether the answer holds a decision at all. Without it, every answer does."""
    word: Cel
    """The verdict in the agency's words; looked up in `verdicts`."""
    reference: Cel | None = None
    """The agency's number for the certificate."""
    remarks: Cel | None = None
    """In words; shown to the declarant and to operations."""
    decided_at: Cel | None = None
    """RFC 3339 or `yyyy-MM-ddTHH:mm:ss` in the agency's zone; without it, the time of receipt."""
    items: Cel | None = None
    """List of goods item numbers it speaks of; without it, all."""
    id: Cel | None = None
    """The agency's id for this decision; without it, a hash of what was said."""
    revision: Cel | None = None
    """
    Which revision of the application it is about: the number that `amend` has told (referral.revision), a
    lower one for the content before. Empty or absent: the agency does not say, and its own action time
    tells.
    """


class ReceiptReading(FileModel):
    """How an answer is read as a receipt."""

    reference: Cel | None = None
    """The agency's own reference, or its ticket."""
    values: dict[str, Cel] = {}
    """Further things to remember of this answer, as text; later requests see them as `receipt.values.x`."""


class ErrorReading(FileModel):
    """An error told inside an ordinary answer, or by a fault or status, and what it means."""

    when: Cel
    """
    `=`expression over `reply`, `status` (int), `fault` (text, "" when there is none), `headers` of HTTP, and
    `header`: the SOAP header parts by local name.
    """
    means: Literal["refused", "unavailable", "already_received", "not_understood", "not_found", "logged_out"]
    """What the hub does about it."""
    text: Cel | None = None
    """`=`expression: what operations are told."""


class OperationFile(FileModel):
    """One request to the agency and how its answer is read."""

    # SOAP
    operation: str | None = None
    """SOAP: the operation of the contract."""
    service: str | None = None
    """SOAP: which service of the contract, where it has several."""
    port: str | None = None
    """SOAP: which port of the service, where it has several."""
    soap_header: Tree = None
    """SOAP: the header parts that the contract declares, by name."""
    soap_action: str | None = None
    """SOAP: the action to send, where the contract's own is wrong."""
    # REST
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    """REST."""
    path: str | None = None
    """Below the endpoint; `{expression}` parts are CEL."""
    query: dict[str, Tree] = {}
    """REST: by name; a list repeats the name."""
    headers: dict[str, Tree] = {}
    """By name. Credentials do not belong here."""
    format: Literal["json", "xml", "form", "multipart"] | None = None
    """
    REST: how the body is written; without it, as the contract says, and JSON where it leaves a choice.

    A part of `multipart` is a text, a tree (sent as JSON), or a file: `{content: , filename: , type: }`, with
    `base64:` in place of `content:` where it is no text.
    """
    root: str | None = None
    """REST: the outermost element of an XML body, where the contract does not name it; `{namespace}name`."""
    # both
    endpoint: str | None = None
    """Another base URL for this operation alone, or `env:NAME`."""
    request: Tree = None
    """The SOAP arguments, or the body."""
    receipt: ReceiptReading = ReceiptReading()
    """How the answer is read as a receipt."""
    decision: DecisionReading | None = None
    """How the answer is read as a decision."""
    errors: list[ErrorReading] = []
    """Errors told in the agency's own way; the first rule that matches counts."""
    found: Cel | None = None
    """
    look_up only, `=`expression: whether the agency has the referral. Without it: any answer but not_found.
    """


class PollFile(OperationFile):
    """Asks whether a referral is decided."""

    every: Duration
    """Between two questions about the same referral."""


class MessageReading(FileModel):
    """How one message (callback or feed) is read; expressions see it as `message`."""

    id: Cel | None = None
    """Unique for the agency; the same id again is the same message. Without it, a hash of the content."""
    referral: Cel | None = None
    """Our reference, as sent."""
    agency_reference: Cel | None = None
    """The agency's reference; used where the message does not carry ours."""
    decision: DecisionReading
    """How it is read as a decision."""


class CallbackFile(MessageReading):
    """Messages that the agency sends to the hub, at `/v1/agencies/<agency>/callbacks`."""

    auth: CallbackAuth
    """How the agency proves itself."""
    format: Literal["json", "xml", "soap"] = "json"
    """soap: the body's first child is read as plain data (text or nested mapping; lists where repeated)."""


class FeedFile(FileModel):
    """A queue of messages that the hub pulls and acknowledges."""

    every: Duration
    """Between two pulls of an empty feed."""
    pull: OperationFile
    """Asks for the messages that wait."""
    messages: Cel
    """`=`expression over `reply`: the list of messages."""
    message: MessageReading
    """How one message is read."""
    acknowledge: OperationFile
    """Its expressions see `ids`, the list of message ids that are safely stored."""
    reject: OperationFile | None = None
    """For messages that cannot be read; as `acknowledge`, and sees `reason`. Else they are acknowledged."""
    each: bool = False
    """Acknowledge and reject every message by a request of its own, which sees `id`."""
    next_page: Cel | None = None
    """
    `=`expression over `reply` and `headers`: what the next page is asked for by, seen as `page.cursor`; the
    address of the next page; or true, where pages are known by `page.number`. Empty, null or false: the last.
    """
    max_pages: Annotated[int, Field(ge=1, le=1000)] = 20
    """Pages of one pull; what is left comes with the next."""


class LoginFile(OperationFile):
    """
    Two steps: log in for a token, then use it, as `session.token`, in the requests of the other operations.

    Its own expressions see `agency`, `table` and `secret`.
    """

    token: Cel
    """`=`expression over the answer."""
    expires_in: Cel | None = None
    """`=`expression over the answer: seconds."""
    lasts: Duration = "10m"
    """How long a token is used where the answer does not say."""


class MaintenanceFile(FileModel):
    """
    When the agency has announced that its system is away: nothing is sent then, and nothing counts as failed.

    Either `start` and `end`, once, or `days`, `from` and `until`, every week, in the zone of its calendar.
    """

    model_config = ConfigDict(populate_by_name=True)

    start: Moment | None = None
    """Once: from this moment."""
    end: Moment | None = None
    """Once: until this moment."""
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = []
    """Every week: the days on which it begins."""
    from_: TimeOfDay | None = Field(default=None, alias="from")
    """Every week: it begins at this time."""
    until: TimeOfDay | None = None
    """On the following day where it is not later than `from`; from 00:00 until 00:00 is a whole day."""
    note: str | None = None
    """Told to operations."""


class ChannelFile(FileModel):
    """Adapter, endpoint, credential and mapping of one agency."""

    adapter: Literal["soap", "rest"]
    """The protocol."""
    contract: str
    """Path below the configuration folder: a WSDL or an OpenAPI document."""
    endpoint: str
    """Base URL, or `env:NAME`."""
    auth: ChannelAuth = ChannelAuth()
    """How the hub proves itself."""
    secrets: dict[str, Reference] = {}
    """
    `env:NAME` by name: credentials that stand in a request itself. Requests of all operations see them as
    `secret.x`, and they are recorded nowhere.
    """
    trust: TrustFile | None = None
    """Authorities of the agency's TLS certificate: a PEM file below the folder, or `env:NAME` of a path."""
    limits: Limits = Limits()
    """How hard the agency may be pushed."""
    maintenance: list[MaintenanceFile] = []
    """When its system is announced to be away."""
    own_worker: bool = False
    """The agency runs `hub worker --agency` in its own network; credentials are known there only."""
    trace: bool = True
    """
    Requests carry a `traceparent` header (W3C Trace Context) while the hub is traced. False where the
    agency's system refuses headers that its contract does not name.
    """
    login: LoginFile | None = None
    """Where a session must be opened first."""
    submit: OperationFile
    """Puts a referral to the agency."""
    look_up: OperationFile | None = None
    """Asks by our reference whether the agency has a referral, after an answer that was lost."""
    poll: PollFile | None = None
    """Asks whether a referral is decided."""
    amend: OperationFile | None = None
    """
    Gives the agency the new content of a referral that it has, under the same reference. Without it, such a
    referral is withdrawn and submitted anew, under another reference.
    """
    withdraw: OperationFile | None = None
    """
    Tells the agency that a referral is asked no more. Its expressions see `withdrawal` too; an answer that
    means not_found or already_received counts as taken. Without it, a person must tell the agency.
    """
    inform: OperationFile | None = None
    """
    Passes on the declarant's answer to the agency's question. Its expressions see `information` and
    `documents` too. Without it, the agency's people fetch the answer at the hub.
    """
    remind: OperationFile | None = None
    """
    Reminds the agency of a referral before its time is over. Without it, its people see that at the hub.
    """
    feed: FeedFile | None = None
    """A queue of messages that the hub pulls and acknowledges."""
    callback: CallbackFile | None = None
    """Messages that the agency sends to the hub."""
