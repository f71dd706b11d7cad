"""agencies/<agency>.yaml: who, and when each of its services is needed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from hub.config.models.base import Cel, FileModel, HsPrefix, Term, ValidSpan
from hub.domain.declaration import Procedure
from hub.domain.model import Slug, Text
from hub.domain.referral import Answers, OnExpiry


class RowFile(FileModel):
    """An HS prefix that needs more than the prefix alone."""

    code: HsPrefix
    """The prefix."""
    excluded: bool = False
    """The service does not need these codes, though a shorter prefix says it does."""
    prohibited: bool = False
    """No permit can be had: the goods may not cross."""
    needed_when: Cel | None = None
    """A condition of this row, beside the service's own."""
    valid: ValidSpan = ValidSpan()
    """When the row is in force."""
    note: str | None = None
    """Free text."""


def _hs_form(entry: Any) -> Literal["text", "row"]:
    return "row" if isinstance(entry, dict | RowFile) else "text"


# Told apart before they are read, so that a wrong entry has one fault and not one for each form.
HsEntry = Annotated[
    Annotated[HsPrefix, Tag("text")] | Annotated[RowFile, Tag("row")], Discriminator(_hs_form)
]
"""An HS prefix, alone or with what it needs beside."""


class CertificateFile(FileModel):
    """How a service uses certificates whose quantity stands in the hub's ledger."""

    types: list[str] = []
    """LPCO types that are looked up there when they are presented; by default `document_types`."""
    reserve: bool = True
    """The quantity of the goods is reserved, written off at release, and given back at withdrawal."""
    reuse: bool = False
    """A certificate that is valid for the goods stands for the consent, where the policy has `reuse` too."""


class ServiceFile(FileModel):
    """One approval, under one law."""

    name: Text
    """By language."""
    law: Text
    """By language."""
    law_code: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
    """Two digits, by which exemption claims name the law."""
    procedure: Annotated[list[Procedure], Field(min_length=1)]
    """For which it is needed."""
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
    certificate: CertificateFile | None = None
    """How certificates in the hub's ledger are used; without it they are for the agency to judge."""
    answer_within: Term
    """The time the law gives; working days end when the calendar closes, hours may follow them: `2wd+4h`."""
    on_expiry: OnExpiry
    """What happens when the agency lets its time pass."""
    remind_before: list[Term] | None = None
    """How long before its deadline the agency is reminded; without it, as `policy.yaml` says. `[]`: never."""
    answers: Answers
    """The way its decision comes back."""
    alternative_group: Slug | None = None
    """Bodies of one group may stand in for each other."""
    valid: ValidSpan = ValidSpan()
    """When the service is in force; the day of acceptance counts."""
    confidence: Literal["verified", "likely", "assumed"]
    """How surely law and agency are known."""
    note: str | None = None
    """Free text."""
