"""Accepting a declaration: what is wrong with it, and what is written down when nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from hub.domain.case import Case, CasePolicy, Prohibition, Referral
from hub.domain.catalogue import Attribute, Catalogue, Service
from hub.domain.certificates import (
    CertificateKey,
    CertificateStanding,
    claims_of,
    needed_certificates,
)
from hub.domain.clearance import Clearance
from hub.domain.deadlines import WorkingCalendar, parse_duration
from hub.domain.declaration import AttributeValue, Declaration, ExemptionClaim
from hub.domain.duties import Duties
from hub.domain.forms import malformed
from hub.domain.life import with_decision
from hub.domain.model import Model, Text, UtcDatetime
from hub.domain.names import CUSTOMS, CUSTOMS_CONTROL
from hub.domain.policy import Control, DatedPolicy, policy_for
from hub.domain.referral import Decision, ReferralState, ReferralTerms, Verdict, Via
from hub.domain.risk import Assessment, Channel, RiskEngine
from hub.domain.routing import Routing, route
from hub.domain.settling import needs_no_asking, settle
from hub.domain.terms import terms_of


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
    trace: str | None = None
    """W3C `traceparent` of the request that lodged it: what a relay does of it later is part of its trace."""


@dataclass(frozen=True)
class Rulebook:
    """The rules in force: what accepting a declaration reads, taken from the configuration as one version."""

    catalogue: Catalogue
    calendars: Mapping[str, WorkingCalendar]
    """By agency."""
    versions: Mapping[str, str]
    """Version of each agency's file."""
    policy: CasePolicy
    """Of every declaration for which there is no other among `policies`."""
    country: str
    """Stands in every mrn (ISO 3166-1)."""
    zone: ZoneInfo
    """Of the administration: its day is the day whose law applies."""
    policies: tuple[DatedPolicy, ...] = ()
    remind_before: tuple[str, ...] = ()
    """Of services that do not say themselves when their agency is reminded."""
    withdrawal_reasons: Mapping[str, Text] = field(default_factory=dict)
    """By code: why a declarant may take a declaration back."""
    risk: RiskEngine | None = None
    """None where the administration has no rules: customs itself then looks at nothing."""
    control: Control | None = None
    """What the risk channel calls for; must be there where `risk` is."""

    def policy_for(self, declaration: Declaration, day: date) -> CasePolicy:
        """The policy under which a declaration is accepted on that day."""
        return policy_for(declaration, day, self.policies, self.policy)

    def certificates_of(self, declaration: Declaration) -> tuple[CertificateKey, ...]:
        """The certificates it presents that some service looks up in the ledger."""
        rules = [service.certificate for service in self.catalogue.services]
        types = {type_ for rule in rules if rule is not None for type_ in rule.types}
        return tuple(key for key in needed_certificates(declaration) if key.type in types)

    def day_of(self, at: datetime) -> date:
        """The administration's own day at that time: the day whose law applies."""
        return at.astimezone(self.zone).date()


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
    declaration: Declaration,
    rulebook: Rulebook,
    *,
    mrn: str,
    client: str,
    at: datetime,
    day: date | None = None,
    policy: CasePolicy | None = None,
    version: int = 1,
    assessment: Assessment | None = None,
    standings: Mapping[CertificateKey, CertificateStanding] = MappingProxyType({}),
    trace: str | None = None,
) -> Acceptance:
    """
    Route a declaration by the law of the day, and freeze the terms on which each agency is asked.

    `assessment` is the risk channel's, and `standings` tells of the certificates that are presented
    (`Rulebook.certificates_of`), as far as they are in the ledger. Another version of a
    declaration is accepted in the same way: by the law of the `day` on which the first was, under the
    `policy` that was frozen then, and with deadlines that begin `at` its own time.
    """
    day = day or rulebook.day_of(at)
    policy = policy or rulebook.policy_for(declaration, day)
    routing = route(declaration, rulebook.catalogue, day)
    # Nobody is asked about a consignment that may not cross anyway.
    asked = {} if routing.prohibited else routing.services()
    services = [(rulebook.catalogue.service(code), items) for code, items in asked.items()]
    claims = claims_of(declaration, services, standings, day=day, may_reuse=policy.reuse)
    referrals = [
        Referral(terms=_terms(service, service.code, service.agency, mrn, items, rulebook, at))
        for service, items in services
    ]
    if assessment is not None and not routing.prohibited:
        referrals += _control(declaration, rulebook, mrn, policy, assessment, at)
    case = Case(
        mrn=mrn,
        policy=policy,
        prohibitions=tuple(
            Prohibition(
                item=p.item, service=p.service, agency=p.agency, law=p.law, matched_prefix=p.matched_prefix
            )
            for p in routing.prohibited
        ),
        referrals=tuple(referrals),
        version=version,
        items=tuple(item.number for item in declaration.items),
        duties=Duties(version=version) if policy.duty_gate else None,
        claims=claims,
    )
    case = case.model_copy(update={"referrals": tuple(_unless_reused(case, r) for r in case.referrals)})
    return Acceptance(
        mrn=mrn,
        client=client,
        declaration=declaration,
        content_hash=declaration.content_hash,
        accepted_at=at,
        routing=routing,
        case=case,
        clearance=settle(case),
        due_at=max(
            (r.terms.due_at for r in case.referrals if r.state is not ReferralState.DECIDED), default=None
        ),
        assessment=assessment,
        trace=trace,
    )


def _unless_reused(case: Case, referral: Referral) -> Referral:
    """The referral, decided already where certificates stand for the whole consent."""
    if not needs_no_asking(case, referral):
        return referral
    return referral.model_copy(update={"state": ReferralState.DECIDED})


def _terms(
    service: Service | Control,
    code: str,
    agency: str,
    mrn: str,
    items: tuple[int, ...],
    rulebook: Rulebook,
    at: datetime,
    version: str | None = None,
) -> ReferralTerms:
    calendar = service.calendar if isinstance(service, Control) else rulebook.calendars[agency]
    due_at = calendar.due(at, service.answer_within)
    remind_before = rulebook.remind_before if service.remind_before is None else service.remind_before
    return terms_of(
        service,
        code,
        agency,
        mrn,
        items,
        due_at=due_at,
        version=version or rulebook.versions[agency],
        opened_at=at,
        remind_before=remind_before,
        remind_at=calendar.reminders(at, due_at, remind_before),
    )


_DEMANDS = {
    Channel.YELLOW: (
        Verdict.INFORMATION_REQUIRED,
        "documents",
        "Customs looks at the documents: hand in those that belong to these goods items.",
    ),
    Channel.RED: (
        Verdict.INSPECTION_REQUIRED,
        "goods",
        "Customs looks at the goods: present these goods items at the appointment.",
    ),
}
"""What the risk channel calls for, its word for it, and what the declarant is told: what to do, never why."""


def control_demand(terms: ReferralTerms, assessment: Assessment, at: datetime) -> Decision:
    """
    The first decision of customs' own control: what the risk channel calls for.

    Raises KeyError for a green one. It says nothing of why: the declarant reads it.
    """
    verdict, word, remarks = _DEMANDS[assessment.channel]
    return Decision(
        id=f"risk-{terms.revision}",
        referral=terms.id,
        verdict=verdict,
        word=word,
        remarks=remarks,
        decided_at=at,
        received_at=at,
        via=Via.RISK,
        revision=terms.revision,
    )


def question_due(policy: CasePolicy, asked_at: datetime) -> datetime | None:
    """Until when a question that is asked then may be answered; None for no limit."""
    return None if policy.information_within is None else asked_at + parse_duration(policy.information_within)


def _control(
    declaration: Declaration,
    rulebook: Rulebook,
    mrn: str,
    policy: CasePolicy,
    assessment: Assessment,
    at: datetime,
) -> list[Referral]:
    """The referral to customs' own control, as the risk channel calls for it; none where it is green."""
    if assessment.channel is Channel.GREEN:
        return []
    if rulebook.control is None:
        raise ValueError("the risk channel calls for a control, and nothing says what that is")
    named = {reason.item for reason in assessment.reasons}
    # What was drawn, and what is wrong with the declaration as a whole, is wrong with all of it.
    items = tuple(
        item.number
        for item in declaration.items
        if assessment.drawn or not named or None in named or item.number in named
    )
    terms = _terms(rulebook.control, CUSTOMS_CONTROL, CUSTOMS, mrn, items, rulebook, at, policy.version)
    referral = Referral(
        terms=terms, state=ReferralState.DELIVERED, delivered_revision=terms.revision, delivered_at=at
    )
    return [with_decision(referral, control_demand(terms, assessment, at), question_due(policy, at))]
