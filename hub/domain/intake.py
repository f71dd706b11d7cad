"""Accepting a declaration: what is wrong with it, and what is written down when nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from hub.domain.case import Case, CasePolicy, Prohibition, Referral
from hub.domain.catalogue import Attribute, Catalogue
from hub.domain.clearance import Clearance
from hub.domain.deadlines import WorkingCalendar
from hub.domain.declaration import AttributeValue, Declaration, ExemptionClaim
from hub.domain.forms import malformed
from hub.domain.model import Model, UtcDatetime
from hub.domain.names import referral_id
from hub.domain.referral import ReferralTerms
from hub.domain.risk import Assessment
from hub.domain.routing import Routing, route
from hub.domain.settling import settle


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a declaration; `pointer` is a JSON pointer (RFC 6901) to it."""

    pointer: str
    detail: str


class Acceptance(Model):
    """An accepted declaration: what was lodged, how it was routed, and the case as it starts."""

    mrn: str
    client: str
    """Id of the API client that lodged it."""
    declaration: Declaration
    content_hash: str
    accepted_at: UtcDatetime
    routing: Routing
    case: Case
    clearance: Clearance
    """As settled at acceptance: released at once when nobody need consent."""
    due_at: UtcDatetime | None
    """The latest time by which a referral is due."""
    assessment: Assessment | None = None
    """The risk channel; None where the administration has no rules."""


@dataclass(frozen=True)
class Rulebook:
    """The rules in force: what accepting a declaration reads, taken from the configuration as one version."""

    catalogue: Catalogue
    calendars: Mapping[str, WorkingCalendar]
    """By agency."""
    versions: Mapping[str, str]
    """Version of each agency's file."""
    policy: CasePolicy
    country: str
    """Stands in every mrn (ISO 3166-1)."""
    zone: ZoneInfo
    """Of the administration: its day is the day whose law applies."""


def find_faults(declaration: Declaration, catalogue: Catalogue) -> list[Fault]:
    """What the catalogue knows to be wrong with a well-formed declaration: all of it, with pointers."""
    return [
        fault
        for index, item in enumerate(declaration.items)
        for fault in item_faults(
            f"/items/{index}", item.hs_code, item.attributes, dict(enumerate(item.exemptions)), catalogue
        )
    ]


def item_faults(
    at: str,
    hs_code: str | None,
    attributes: Mapping[str, AttributeValue],
    exemptions: Mapping[int, ExemptionClaim],
    catalogue: Catalogue,
) -> list[Fault]:
    """
    What the catalogue knows to be wrong with these parts of the goods item at pointer `at`.

    `hs_code` is None where it is not well-formed, which is told elsewhere.
    """
    faults: list[Fault] = []
    if hs_code is not None and catalogue.hs_digits is not None and len(hs_code) < catalogue.hs_digits:
        # A row may be longer than the code: nobody could tell whether the goods are those it speaks of.
        said = f"has {len(hs_code)} digits; this administration's tariff has {catalogue.hs_digits}"
        faults.append(Fault(f"{at}/hs_code", said))
    for name, value in attributes.items():
        pointer = f"{at}/attributes/{name.replace('~', '~0').replace('/', '~1')}"
        attribute = catalogue.attributes.get(name)
        if attribute is None:
            faults.append(Fault(pointer, f"there is no attribute {name!r}; see GET /v1/attributes"))
        else:
            faults += [Fault(pointer, detail) for detail in _value_faults(attribute, value)]
    for position, claim in exemptions.items():
        pointer = f"{at}/exemptions/{position}"
        known = catalogue.exemptions.get(claim.code)
        if known is None:
            faults.append(Fault(f"{pointer}/code", f"there is no exemption reason {claim.code!r}"))
        elif known.document_required and claim.document is None:
            faults.append(Fault(f"{pointer}/document", f"reason {claim.code} needs a document number"))
    return faults


def _value_faults(attribute: Attribute, value: AttributeValue) -> list[str]:
    fits = {
        "bool": isinstance(value, bool),
        "number": isinstance(value, Decimal) and not isinstance(value, bool),
        "string": isinstance(value, str),
        "list": isinstance(value, tuple),
    }[attribute.type]
    if not fits:
        return [f"{attribute.name} is a {attribute.type}"]
    words = [word for word in (value if isinstance(value, tuple) else (value,)) if isinstance(word, str)]
    faults = [wrong for word in words if (wrong := malformed(attribute.form, word)) is not None]
    if attribute.values:
        faults += [
            f"{attribute.name} is one of {', '.join(attribute.values)}; not {word!r}"
            for word in words
            if attribute.comparable(word) not in attribute.values
        ]
    return faults


def accept(
    declaration: Declaration, rulebook: Rulebook, *, mrn: str, client: str, at: datetime
) -> Acceptance:
    """Route a declaration by the law of the day, and freeze the terms on which each agency is asked."""
    routing = route(declaration, rulebook.catalogue, at.astimezone(rulebook.zone).date())
    referrals = []
    for code, items in routing.services().items():
        service = rulebook.catalogue.service(code)
        referrals.append(
            Referral(
                terms=ReferralTerms(
                    id=referral_id(mrn, code),
                    mrn=mrn,
                    service=code,
                    agency=service.agency,
                    service_name=service.name,
                    law=service.law,
                    document=service.document,
                    items=items,
                    answers=service.answers,
                    answer_within=service.answer_within,
                    due_at=rulebook.calendars[service.agency].due(at, service.answer_within),
                    on_expiry=service.on_expiry,
                    config_version=rulebook.versions[service.agency],
                )
            )
        )
    case = Case(
        mrn=mrn,
        policy=rulebook.policy,
        prohibitions=tuple(
            Prohibition(
                item=p.item, service=p.service, agency=p.agency, law=p.law, matched_prefix=p.matched_prefix
            )
            for p in routing.prohibited
        ),
        # Nobody is asked about a consignment that may not cross anyway.
        referrals=() if routing.prohibited else tuple(referrals),
    )
    return Acceptance(
        mrn=mrn,
        client=client,
        declaration=declaration,
        content_hash=declaration.content_hash,
        accepted_at=at,
        routing=routing,
        case=case,
        clearance=settle(case),
        due_at=max((r.terms.due_at for r in case.referrals), default=None),
    )
