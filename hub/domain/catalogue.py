"""The agencies and their services, as routing needs them: who must consent, when, under which law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

from hub.domain.declaration import AttributeValue, Procedure
from hub.domain.forms import Form, compared
from hub.domain.model import Text
from hub.domain.referral import Answers, OnExpiry


class Predicate(Protocol):
    """A typed condition over the facts of one goods item; compiled elsewhere, pure here."""

    @property
    def text(self) -> str:
        """As written in the configuration."""

    @property
    def names(self) -> tuple[str, ...]:
        """The facts it reads, as `item.used`, in order of appearance."""

    def __call__(self, facts: Mapping[str, object]) -> bool:
        """Whether it holds. `facts` has a value for each of `names` at least."""


@dataclass(frozen=True, slots=True)
class Validity:
    """A span of days, both included; None is open."""

    start: date | None = None
    end: date | None = None

    def covers(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a requirement table: an HS prefix of a service."""

    prefix: str
    valid: Validity = Validity()
    excluded: bool = False
    """The service does not apply to these codes, though a shorter prefix says it does."""
    prohibited: bool = False
    """No permit can be had: the goods may not cross at all."""
    needed_when: Predicate | None = None
    """A condition of this row, beside the service's own."""


@dataclass(frozen=True, slots=True)
class Certified:
    """How a service uses certificates that stand in the ledger."""

    types: tuple[str, ...]
    """LPCO types that are looked up there when they are presented."""
    reserve: bool = True
    """The quantity of the goods is reserved, and written off at release."""
    reuse: bool = False
    """A certificate that is valid for the goods stands for the consent, where the policy allows it too."""


@dataclass(frozen=True, slots=True)
class Service:
    """One approval an agency gives, under one law."""

    code: str
    agency: str
    name: Text
    law: Text
    law_code: str
    """The two digits by which exemption claims name the law."""
    procedures: frozenset[Procedure]
    rows: tuple[Row, ...]
    document: str
    answers: Answers
    answer_within: str
    on_expiry: OnExpiry
    valid: Validity = Validity()
    needed_when: Predicate | None = None
    prohibited_when: Predicate | None = None
    alternative_group: str | None = None
    document_types: tuple[str, ...] = ()
    """LPCO types that this service issues."""
    exempted_by: tuple[str, ...] = ()
    """LPCO types of another law whose presence removes this requirement."""
    confidence: str = "assumed"
    remind_before: tuple[str, ...] | None = None
    """Terms before its deadline at which its agency is reminded; None: as the administration says."""
    certificate: Certified | None = None
    """None: certificates are for its agency alone to judge."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A goods item's attribute: its CEL type, what its absence means, and the values it may take."""

    name: str
    type: str
    """string, bool, number or list (of strings)."""
    title: Text
    absent: bool | float | str | tuple[str, ...]
    values: tuple[str, ...] = ()
    form: Form = Form.TEXT
    """Of a string, or of each member of a list: how it is compared."""

    def comparable(self, declared: AttributeValue) -> bool | float | str | tuple[str, ...]:
        """A declared value as conditions compare it; the declaration keeps what was declared."""
        if isinstance(declared, str):
            return compared(self.form, declared)
        if isinstance(declared, tuple):
            return tuple([compared(self.form, word) for word in declared])
        return float(declared) if isinstance(declared, Decimal) else declared


@dataclass(frozen=True, slots=True)
class ExemptionCode:
    """A reason a declarant may claim why a law does not apply."""

    code: str
    law_code: str
    name: Text
    document_required: bool = False


@dataclass(frozen=True, eq=False)
class Catalogue:
    """
    Everything routing reads. Built once from configuration; never changed.

    Two catalogues are compared by `version`; the object itself is its own key, so that what is derived from
    it can be kept beside it.
    """

    services: tuple[Service, ...]
    attributes: Mapping[str, Attribute]
    exemptions: Mapping[str, ExemptionCode]
    lists: Mapping[str, tuple[str, ...]]
    """Named code lists that predicates may use, as `list.cites_species`."""
    version: str
    """Hash of the configuration it was built from."""
    agencies: Mapping[str, Text] = field(default_factory=dict)
    hs_digits: int | None = None
    """Digits of the administration's tariff; None where codes of any length are taken."""

    def service(self, code: str) -> Service:
        """The service of that code. Raises KeyError."""
        for service in self.services:
            if service.code == code:
                return service
        raise KeyError(code)
