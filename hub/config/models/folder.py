"""The files beside the agencies': attributes, lists, exemptions, calendars, policy."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from hub.config.models.base import Cel, Day, Duration, FileModel, Term, TimeOfDay
from hub.domain.case import OnInformationExpiry
from hub.domain.declaration import Procedure
from hub.domain.forms import Form
from hub.domain.model import Slug, Text


class AttributeFile(FileModel):
    """One thing a declarant may say about a goods item."""

    title: Text
    """By language."""
    type: Literal["string", "bool", "number", "list"]
    """What a declared value must be."""
    absent: Any = None
    """What it means when not declared; by default "", false, 0 or []."""
    values: list[str] = []
    """The only values that may be declared; any, where there are none."""
    form: Form = Form.TEXT
    """How a string, or each member of a list, is compared."""


class AttributesFile(FileModel):
    """attributes.yaml: what a declarant may say about a goods item beyond the common elements."""

    attributes: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], AttributeFile]
    """By name, as conditions and declarations use it."""


class ListsFile(FileModel):
    """lists.yaml: code lists that predicates use, as `list.cites_species`."""

    lists: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], list[str]]
    """By name."""


class ExemptionFile(FileModel):
    """One reason why a law does not apply."""

    name: Text
    """By language."""
    law: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
    """The law code of the services it speaks of."""
    document_required: bool = False
    """A claim without a document is a fault of the declaration."""


class ExemptionsFile(FileModel):
    """exemptions.yaml: the reasons a declarant may claim why a law does not apply."""

    exemptions: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{2}[A-Z][0-9]{2}$")], ExemptionFile]
    """By code: law code, letter, two digits, as `90A01`."""


class CalendarFile(FileModel):
    """When one kind of office works."""

    zone: str
    """IANA name, as Asia/Seoul."""
    closes_at: TimeOfDay
    """When a working day ends, and with it what is due on it."""
    opens_at: TimeOfDay = time(9)
    """When a working day begins: inspections are offered from then on."""
    holidays: str | None = None
    """ISO 3166-1 country (with optional subdivision, `US-NY`) of the `holidays` package."""
    closed: list[Day] = []
    """Days on which nobody works, beside holidays and weekends."""
    weekend: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = ["sat", "sun"]
    """Days of the week on which nobody works."""


class CalendarsFile(FileModel):
    """calendar.yaml: when agencies work. `default` must be there."""

    calendars: dict[Slug, CalendarFile]
    """By name; agencies name theirs."""


class DatedPolicyFile(FileModel):
    """
    A policy for some days, and perhaps for some procedures and offices only.

    A key that is left out is as at the top of the file. Of the policies that fit a declaration, that which
    names procedure and office comes before one that names one of them, and that before one that names none.
    """

    name: Slug
    """Shown with every declaration that is accepted under it."""
    from_: Day | None = Field(default=None, alias="from")
    """First day on which declarations are accepted under it."""
    until: Day | None = None
    """Last such day."""
    procedure: list[Procedure] = []
    """For these procedures; without it, for all."""
    office: list[Annotated[str, StringConstraints(min_length=1, max_length=17)]] = []
    """For declarations lodged at these customs offices; without it, for all."""
    refusal_open_for: Duration | None = None
    """Another `refusal_open_for` than at the top of the file."""
    partial_release: bool | None = None
    """Another `partial_release` than at the top of the file."""
    joint_inspection: bool | None = None
    """Another `joint_inspection` than at the top of the file."""
    inspection_within: Term | None = None
    """Another `inspection_within` than at the top of the file."""
    duty_gate: bool | None = None
    """Another `duty_gate` than at the top of the file."""
    reuse: bool | None = None
    """Another `reuse` than at the top of the file."""
    information_within: Duration | None = None
    """Another `information_within` than at the top of the file."""
    on_information_expiry: OnInformationExpiry | None = None
    """Another `on_information_expiry` than at the top of the file."""
    silence_counts_after: Duration | None = None
    """Another `silence_counts_after` than at the top of the file."""


class WithdrawalReasonFile(FileModel):
    """A reason why a declarant may take a declaration back."""

    name: Text
    """By language."""


class PolicyFile(FileModel):
    """policy.yaml: release policy of this administration. What is frozen with a declaration is marked so."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """Stands in every mrn."""
    hs_digits: Annotated[int, Field(ge=6, le=12, strict=True)] | None = None
    """Digits of the national tariff; a shorter code of a goods item is a fault. Without it, none is."""
    refusal_open_for: Duration = "30d"
    """Frozen. How long after a refusal an agency may still change its mind."""
    partial_release: bool = False
    """Frozen. Goods items whose services all consent may go before the others."""
    joint_inspection: bool = False
    """Frozen. Inspections that several offices call for are one appointment."""
    inspection_within: Term = "2wd"
    """Frozen. How long the window of an appointment is open."""
    duty_gate: bool = False
    """Frozen. Nothing is released before duties are paid or guaranteed."""
    reuse: bool = False
    """Frozen. A certificate in the ledger may stand for a consent, where the service allows it too."""
    information_within: Duration | None = None
    """Frozen. How long the declarant has to answer an agency's question; without it there is no limit."""
    on_information_expiry: OnInformationExpiry = OnInformationExpiry.HOLD
    """Frozen. What happens when the declarant does not answer in time."""
    silence_counts_after: Duration = "10m"
    """Frozen. How long after a deadline silence is taken for consent, where the law deems it so."""
    policies: list[DatedPolicyFile] = []
    """Policies for some days, procedures or offices, in place of the keys above."""
    remind_before: list[Term] = []
    """How long before their deadlines agencies are reminded, where the service does not say."""
    control_within: Term = "3wd"
    """The time that customs has for its own control, by the `default` calendar."""
    control_law: Text = {"en": "Customs Act"}
    """The law by which customs looks at documents and goods, by language."""
    withdrawal_reasons: dict[
        Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{2}$")], WithdrawalReasonFile
    ] = {}
    """Why a declarant may take a declaration back, by code, as `C01`; without any, nobody may."""


class RiskRuleFile(FileModel):
    """One thing that makes a declaration worth a closer look."""

    name: Slug
    """Recorded with the assessment."""
    title: Text
    """By language, for customs; the declarant never sees it."""
    when: Cel
    """Condition over the facts of a goods item, as `needed_when`."""
    weight: Annotated[int, Field(ge=-1000, le=1000, strict=True)]
    """Added to the score once, if it holds for any goods item; negative where it speaks for them."""


class RandomFile(FileModel):
    """The share of declarations that are looked at though no rule says so."""

    share: Annotated[float, Field(ge=0, le=1, strict=True)]
    """0.02: one in fifty."""
    channel: Literal["yellow", "red"] = "yellow"
    """What becomes of them."""


class RiskFile(FileModel):
    """risk.yaml: how closely customs itself looks. The file need not be there; then it looks at nothing."""

    yellow_from: Annotated[int, Field(ge=1, strict=True)]
    """Score from which on the documents are looked at."""
    red_from: Annotated[int, Field(ge=1, strict=True)]
    """Score from which on the goods are inspected."""
    rules: list[RiskRuleFile] = []
    """What adds to the score."""
    random: RandomFile | None = None
    """Without it, nothing is left to chance."""
