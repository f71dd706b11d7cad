"""
The shape of the files in the configuration folder.

Strict on purpose: an unknown key or a number where a code belongs is a fault with a line, never a guess.
A text that begins with `=` is a CEL expression; `env:NAME` is read from the environment when used.
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, StringConstraints, Tag

from hub.domain.declaration import Procedure
from hub.domain.forms import Form
from hub.domain.model import Slug, Text
from hub.domain.referral import Answers, OnExpiry, Verdict


class FileModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, use_attribute_docstrings=True)


HsPrefix = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,12}$")]
Term = Annotated[str, StringConstraints(pattern=r"^[0-9]+(wd|d|h|m|s)$")]
"""20s, 5m, 48h, 30d, or 3wd (working days)."""
Duration = Annotated[str, StringConstraints(pattern=r"^[0-9]+(d|h|m|s)$")]
Cel = Annotated[str, StringConstraints(min_length=1)]
"""A CEL expression. In `needed_when` and `prohibited_when` it stands bare; elsewhere it begins with `=`."""
Tree = Any
"""A YAML tree whose text leaves may be `=` CEL expressions: a mapping from referral to request."""


def _as_written(value: Any) -> Any:
    # Numbers would be taken for seconds since 1970, or since midnight.
    if isinstance(value, int | float):
        raise ValueError("a number is neither a day nor a time")
    return value


Day = Annotated[date, BeforeValidator(_as_written)]
"""yyyy-MM-dd."""
TimeOfDay = Annotated[time, BeforeValidator(_as_written)]
"""HH:mm."""


class ValidSpan(FileModel):
    """Days in force, both included."""

    start: Day | None = None
    end: Day | None = None


# --- agencies/<agency>.yaml: who and when -------------------------------------------------------------


class RowFile(FileModel):
    """An HS prefix that needs more than the prefix alone."""

    code: HsPrefix
    excluded: bool = False
    """The service does not need these codes, though a shorter prefix says it does."""
    prohibited: bool = False
    """No permit can be had: the goods may not cross."""
    needed_when: Cel | None = None
    """A condition of this row, beside the service's own."""
    valid: ValidSpan = ValidSpan()
    note: str | None = None


def _hs_form(entry: Any) -> Literal["text", "row"]:
    return "row" if isinstance(entry, dict | RowFile) else "text"


# Told apart before they are read, so that a wrong entry has one fault and not one for each form.
HsEntry = Annotated[
    Annotated[HsPrefix, Tag("text")] | Annotated[RowFile, Tag("row")], Discriminator(_hs_form)
]
"""An HS prefix, alone or with what it needs beside."""


class ServiceFile(FileModel):
    """One approval, under one law."""

    name: Text
    law: Text
    law_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
    """Two digits, by which exemption claims name the law."""
    procedure: Annotated[list[Procedure], Field(min_length=1)]
    hs: Annotated[list[HsEntry], Field(min_length=1)]
    """The requirement table: HS prefixes, longest match first."""
    needed_when: Cel | None = None
    """Condition over the facts of a goods item; without it, every item of these codes."""
    prohibited_when: Cel | None = None
    """When no permit can be had at all."""
    document: str
    """What the agency issues, by name."""
    document_types: list[str] = []
    """Types by which the certificate is presented; they decide within an alternative group."""
    exempted_by: list[str] = []
    """Types of documents under another law whose presence removes the requirement."""
    answer_within: Term
    on_expiry: OnExpiry
    """What happens when the agency lets its time pass."""
    answers: Answers
    """The way its decision comes back."""
    alternative_group: Slug | None = None
    """Bodies of one group may stand in for each other."""
    valid: ValidSpan = ValidSpan()
    confidence: Literal["verified", "likely", "assumed"]
    """How surely law and agency are known."""
    note: str | None = None


# --- agencies/<agency>.yaml: how ----------------------------------------------------------------------


class BasicAuth(FileModel):
    username: str
    password: str


class ApiKeyAuth(FileModel):
    header: str
    value: str


class WsSecurityAuth(FileModel):
    """WS-Security UsernameToken Profile 1.1; `digest` sends nonce, created and the password digest."""

    username: str
    password: str
    digest: bool = True


class ChannelAuth(FileModel):
    """How the hub proves itself to the agency: one of these, or none."""

    bearer: str | None = None
    basic: BasicAuth | None = None
    api_key: ApiKeyAuth | None = None
    ws_security: WsSecurityAuth | None = None


class Limits(FileModel):
    """How hard the agency may be pushed."""

    timeout: Duration = "20s"
    """For one request, from connect to the last byte."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    per_second: Annotated[float, Field(gt=0)] | None = None
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
    remarks: Cel | None = None
    decided_at: Cel | None = None
    """RFC 3339 or `yyyy-MM-ddTHH:mm:ss` in the agency's zone; without it, the time of receipt."""
    items: Cel | None = None
    """List of goods item numbers it speaks of; without it, all."""
    id: Cel | None = None
    """The agency's id for this decision; without it, a hash of what was said."""


class ReceiptReading(FileModel):
    reference: Cel | None = None


class ErrorReading(FileModel):
    """An error told inside an ordinary answer, or by a fault or status, and what it means."""

    when: Cel
    """`=`expression over `reply`, `status` (int) and `fault` (text, "" when there is none)."""
    means: Literal["refused", "unavailable", "already_received", "not_understood", "not_found"]
    text: Cel | None = None


class OperationFile(FileModel):
    """One request to the agency and how its answer is read."""

    # SOAP
    operation: str | None = None
    """SOAP: the operation of the contract."""
    service: str | None = None
    """SOAP: which service of the contract, where it has several."""
    port: str | None = None
    """SOAP: which port of the service, where it has several."""
    # REST
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    """REST."""
    path: str | None = None
    """Below the endpoint; `{expression}` parts are CEL."""
    query: dict[str, Tree] = {}
    headers: dict[str, Tree] = {}
    # both
    request: Tree = None
    """The SOAP arguments or the JSON body."""
    receipt: ReceiptReading = ReceiptReading()
    decision: DecisionReading | None = None
    errors: list[ErrorReading] = []
    found: Cel | None = None
    """
    look_up only, `=`expression: whether the agency has the referral. Without it: any answer but not_found.
    """


class PollFile(OperationFile):
    every: Duration
    """Between two questions about the same referral."""


class HmacAuth(FileModel):
    """HMAC-SHA256 over `timestamp + "." + body`, in hexadecimal."""

    secret: str
    header: str = "X-Signature"
    timestamp_header: str = "X-Timestamp"
    """Unix seconds or RFC 3339."""
    window: Duration = "5m"


class CallbackAuth(FileModel):
    """How the agency proves itself to the hub: one of these."""

    hmac: HmacAuth | None = None
    bearer: str | None = None


class MessageReading(FileModel):
    """How one message (callback or feed) is read; expressions see it as `message`."""

    id: Cel | None = None
    referral: Cel | None = None
    """Our reference, as sent."""
    agency_reference: Cel | None = None
    """The agency's reference; used where the message does not carry ours."""
    decision: DecisionReading


class CallbackFile(MessageReading):
    auth: CallbackAuth
    format: Literal["json", "xml", "soap"] = "json"
    """soap: the body's first child is read as plain data (text or nested mapping; lists where repeated)."""


class FeedFile(FileModel):
    every: Duration
    pull: OperationFile
    messages: Cel
    """`=`expression over `reply`: the list of messages."""
    message: MessageReading
    acknowledge: OperationFile
    """Its expressions see `ids`, the list of message ids that are safely stored."""


class ChannelFile(FileModel):
    """Adapter, endpoint, credential and mapping of one agency."""

    adapter: Literal["soap", "rest"]
    contract: str
    """Path below the configuration folder: a WSDL or an OpenAPI document."""
    endpoint: str
    """Base URL, or `env:NAME`."""
    auth: ChannelAuth = ChannelAuth()
    limits: Limits = Limits()
    submit: OperationFile
    look_up: OperationFile | None = None
    """Asks by our reference whether the agency has a referral, after an answer that was lost."""
    poll: PollFile | None = None
    """Asks whether a referral is decided."""
    feed: FeedFile | None = None
    """A queue of messages that the hub pulls and acknowledges."""
    callback: CallbackFile | None = None
    """Messages that the agency sends to the hub."""


class AgencyFile(FileModel):
    """agencies/<agency>.yaml, top to bottom: who, when, how, how hard, how long."""

    agency: Slug
    """Equals the file's name."""
    name: Text
    contact: str
    """Who looks after the agency's system."""
    calendar: Slug = "default"
    """One of calendar.yaml."""
    note: str | None = None
    services: Annotated[dict[Slug, ServiceFile], Field(min_length=1)]
    """By code, unique among all agencies."""
    channel: ChannelFile
    verdicts: Annotated[dict[str, Verdict], Field(min_length=1)]
    """The agency's own words, and what each means."""


# --- the other files ------------------------------------------------------------------------------------


class AttributeFile(FileModel):
    title: Text
    type: Literal["string", "bool", "number", "list"]
    absent: Any = None
    """What it means when not declared; by default "", false, 0 or []."""
    values: list[str] = []
    form: Form = Form.TEXT
    """How a string, or each member of a list, is compared."""


class AttributesFile(FileModel):
    """attributes.yaml: what a declarant may say about a goods item beyond the common elements."""

    attributes: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], AttributeFile]


class ListsFile(FileModel):
    """lists.yaml: code lists that predicates use, as `list.cites_species`."""

    lists: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], list[str]]


class ExemptionFile(FileModel):
    name: Text
    law: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
    document_required: bool = False


class ExemptionsFile(FileModel):
    """exemptions.yaml: the reasons a declarant may claim why a law does not apply."""

    exemptions: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{2}[A-Z][0-9]{2}$")], ExemptionFile]


class CalendarFile(FileModel):
    zone: str
    """IANA name, as Asia/Seoul."""
    closes_at: TimeOfDay
    holidays: str | None = None
    """ISO 3166-1 country (with optional subdivision, `US-NY`) of the `holidays` package."""
    closed: list[Day] = []
    weekend: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = ["sat", "sun"]


class CalendarsFile(FileModel):
    """calendar.yaml: when agencies work. `default` must be there."""

    calendars: dict[Slug, CalendarFile]


class PolicyFile(FileModel):
    """policy.yaml: release policy of this administration."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """Stands in every mrn."""
    hs_digits: Annotated[int, Field(ge=6, le=12, strict=True)] | None = None
    """Digits of the national tariff; a shorter code of a goods item is a fault. Without it, none is."""
    refusal_open_for: Duration = "30d"
    """How long after a refusal an agency may still change its mind."""
