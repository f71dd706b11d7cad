"""Which services must consent to a declaration, by which law, and which need not, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Self

from pydantic import Field

from hub.domain import explaining as say
from hub.domain.catalogue import Catalogue, Service
from hub.domain.declaration import Declaration, GoodsItem, Lpco
from hub.domain.facts import FactValue, read_fact
from hub.domain.forms import Form, compared
from hub.domain.model import Model, Text
from hub.domain.requirement_table import Conditions, Listing, table_of


class RuledOutBy(StrEnum):
    """Why a service whose HS prefix matches need not consent."""

    CONDITION = "condition"
    """Its predicate does not hold for this item."""
    EXCLUDED = "excluded"
    """A longer prefix excludes this code."""
    PROCEDURE = "procedure"
    NOT_IN_FORCE = "not_in_force"
    EXEMPTION_CLAIM = "exemption_claim"
    OTHER_LPCO = "other_lpco"
    """A document under another law removes the requirement."""
    ALTERNATIVE = "alternative"
    """Another body of the same group certifies these goods."""


@cache
def _every_field(kind: type[Candidate]) -> set[str]:
    return set(kind.model_fields)


class Candidate(Model):
    """A service whose table has a row for the item's code."""

    item: int
    service: str
    agency: str
    law: Text
    matched_prefix: str
    predicate: str | None = None
    """The condition as written, when there is one."""
    values: dict[str, FactValue] = Field(default_factory=dict)
    """The facts the condition read, as `item.used`: true."""
    assumed: tuple[str, ...] = ()
    """Facts among `values` that were not declared and took their meaning of absence."""
    because: str
    """One sentence for a customs officer."""

    @classmethod
    def found(cls, fields: dict[str, object]) -> Self:
        """
        A candidate of fields that routing itself has made, all of them and for this one only: not validated
        again, not copied.

        A long declaration has thousands of candidates, and validating them took longer than finding them.
        """
        candidate = cls.__new__(cls)
        object.__setattr__(candidate, "__dict__", fields)
        # One set for all: a model that cannot be changed changes it never, and a copy has its own.
        object.__setattr__(candidate, "__pydantic_fields_set__", _every_field(cls))
        object.__setattr__(candidate, "__pydantic_extra__", None)
        object.__setattr__(candidate, "__pydantic_private__", None)
        return candidate


class Requirement(Candidate):
    """The service must consent to this item."""


class RuledOut(Candidate):
    """The service need not consent to this item."""

    by: RuledOutBy


class Prohibited(Candidate):
    """The item may not cross at all."""


class Routing(Model):
    """
    All of it, in the order of items and then of services.

    A pure function of declaration, day and catalogue.
    """

    required: tuple[Requirement, ...]
    ruled_out: tuple[RuledOut, ...]
    prohibited: tuple[Prohibited, ...]
    catalogue_version: str
    day: date

    def services(self) -> dict[str, tuple[int, ...]]:
        """The goods items that each service must consent to, services in order of first need."""
        items: dict[str, list[int]] = {}
        for requirement in self.required:
            items.setdefault(requirement.service, []).append(requirement.item)
        return {service: tuple(numbers) for service, numbers in items.items()}


def route(declaration: Declaration, catalogue: Catalogue, day: date) -> Routing:
    """
    Route a declaration by the law of that day (the day of acceptance).

    For each goods item and each service whose table has a row for its code, the row with the longest prefix
    in force decides, in this order: not in force, other procedure, excluded code, prohibition, condition.
    Of those still needed, one of each alternative group is chosen; then exemption claims and documents of
    other laws are heard. What is left is required.

    Claims come last so that a claim can only take a requirement away, never move it to another body.
    """
    required: list[Requirement] = []
    ruled_out: list[RuledOut] = []
    prohibited: list[Prohibited] = []
    router = _Router(declaration, catalogue, day)
    for item in declaration.items:
        for finding in router.findings(item):
            if finding.by is not None:
                ruled_out.append(RuledOut.found(finding.fields(item) | {"by": finding.by}))
            elif finding.prohibited:
                prohibited.append(Prohibited.found(finding.fields(item)))
            else:
                required.append(Requirement.found(finding.fields(item)))
    return Routing(
        required=tuple(required),
        ruled_out=tuple(ruled_out),
        prohibited=tuple(prohibited),
        catalogue_version=catalogue.version,
        day=day,
    )


def _folded(name: str) -> str:
    """A name as names are compared: blanks and capitals do not count."""
    return compared(Form.TEXT, name).casefold()


@dataclass(frozen=True, slots=True)
class _Judgement:
    """Conditions, asked about certain facts."""

    hold: bool
    text: str | None
    values: dict[str, FactValue]
    assumed: tuple[str, ...]
    facts: str
    """The facts in words."""


@dataclass(slots=True)
class _Finding:
    """What is found about one service and one item; claims may still change it. Needed, if nothing else."""

    place: int
    service: Service
    prefix: str
    judgement: _Judgement
    because: str
    by: RuledOutBy | None = None
    prohibited: bool = False

    @property
    def is_needed(self) -> bool:
        return self.by is None and not self.prohibited

    def rule_out(self, by: RuledOutBy, because: str) -> None:
        self.by = by
        self.because = because

    def fields(self, item: GoodsItem) -> dict[str, object]:
        """Every field of a candidate."""
        return {
            "item": item.number,
            "service": self.service.code,
            "agency": self.service.agency,
            "law": self.service.law,
            "matched_prefix": self.prefix,
            "predicate": self.judgement.text,
            "values": self.judgement.values,
            "assumed": self.judgement.assumed,
            "because": self.because,
        }


_NOT_ASKED = _Judgement(hold=True, text=None, values={}, assumed=(), facts="")
_Fact = tuple[FactValue, bool]
"""A value, and whether it was declared."""


class _Router:
    """Routes the items of one declaration on one day, remembering what it has worked out already."""

    def __init__(self, declaration: Declaration, catalogue: Catalogue, day: date) -> None:
        self._declaration = declaration
        self._procedure = declaration.procedure
        self._catalogue = catalogue
        self._table = table_of(catalogue)
        self._day = day
        self._judgements: dict[tuple[Conditions, tuple[_Fact, ...]], _Judgement] = {}

    def findings(self, item: GoodsItem) -> list[_Finding]:
        """One finding for each candidate of an item, in catalogue order."""
        listings = self._table.listings(item.hs_code, self._day)
        if not listings.each:
            return []
        facts = {name: self._fact(item, name) for name in listings.names}
        findings = [self._find(listing, facts) for listing in listings.each]
        if listings.has_alternatives:
            findings = self._choose_certifiers(item, findings)
        for finding in findings:
            if finding.is_needed:
                self._hear_claims(item, finding)
        return findings

    # --- what table and conditions say -------------------------------------------------------------------

    def _find(self, listing: Listing, facts: Mapping[str, _Fact]) -> _Finding:
        service, row, start = listing.service, listing.row, listing.opening
        finding = _Finding(listing.place, service, row.prefix, _NOT_ASKED, "")
        if not listing.in_force:
            finding.rule_out(RuledOutBy.NOT_IN_FORCE, say.not_in_force(start, self._day))
            return finding
        if self._procedure not in service.procedures:
            because = say.other_procedure(start, service.procedures, self._procedure)
            finding.rule_out(RuledOutBy.PROCEDURE, because)
            return finding
        if row.excluded:
            finding.rule_out(RuledOutBy.EXCLUDED, say.excluded(start))
            return finding
        if listing.prohibition is not None:
            judgement = self._judge(listing.prohibition, facts)
            if judgement.hold:
                finding.prohibited = True
                finding.judgement = judgement
                finding.because = say.prohibited(start, listing.prohibition.words, judgement.facts)
                return finding
        words = listing.conditions.words
        finding.judgement = judgement = self._judge(listing.conditions, facts)
        if not judgement.hold:
            finding.rule_out(RuledOutBy.CONDITION, say.not_needed(start, words, judgement.facts))
        elif row.prohibited:
            finding.prohibited = True
            finding.because = say.prohibited(start, words, judgement.facts)
        else:
            finding.because = say.needed(start, words, judgement.facts)
        return finding

    def _judge(self, conditions: Conditions, facts: Mapping[str, _Fact]) -> _Judgement:
        if not conditions.predicates:
            return _NOT_ASKED
        read = tuple([facts[name] for name in conditions.names])
        judgement = self._judgements.get((conditions, read))
        if judgement is None:
            values = {name: value for name, (value, _) in zip(conditions.names, read, strict=True)}
            assumed = tuple([name for name in conditions.names if not facts[name][1]])
            judgement = self._judgements[conditions, read] = _Judgement(
                conditions.hold(values),
                conditions.text,
                values,
                assumed,
                say.facts_in_words(values, assumed),
            )
        return judgement

    def _fact(self, item: GoodsItem, name: str) -> _Fact:
        # One at a time, as `item_facts` reads all of them: an item has many, and its conditions read few.
        return read_fact(self._declaration, item, self._catalogue.attributes, name)

    # --- one of several bodies ---------------------------------------------------------------------------

    def _choose_certifiers(self, item: GoodsItem, findings: list[_Finding]) -> list[_Finding]:
        """The findings with one member needed of each group that is needed at all."""
        groups: dict[str, list[_Finding]] = {}
        for finding in findings:
            if finding.is_needed and finding.service.alternative_group is not None:
                groups.setdefault(finding.service.alternative_group, []).append(finding)
        for group, needed in groups.items():
            best = max(needed, key=lambda finding: (len(finding.prefix), -finding.place))
            forbidding = {finding.service.code for finding in findings if finding.prohibited}
            members = [
                member
                for member in self._table.groups[group]
                if self._procedure in member.procedures
                and member.valid.covers(self._day)
                and member.code not in forbidding
            ]
            certificate = self._certificate(item, members, {finding.service.code for finding in needed})
            chosen, lpco = certificate or (best.service, None)
            if lpco is not None and all(finding.service is not chosen for finding in needed):
                # Its own rows do not call for it, but the certificate is from there.
                findings = [finding for finding in findings if finding.service is not chosen]
                findings.append(self._asked_all_the_same(item, chosen, lpco, best))
            for finding in needed:
                if finding.service is not chosen:
                    agency = self._catalogue.agencies.get(chosen.agency, {}).get("en", chosen.agency)
                    because = say.certified_by(finding.because, agency, chosen, lpco)
                    finding.rule_out(RuledOutBy.ALTERNATIVE, because)
        return sorted(findings, key=lambda finding: finding.place)

    def _asked_all_the_same(self, item: GoodsItem, service: Service, lpco: Lpco, like: _Finding) -> _Finding:
        start = say.opening(item.hs_code, like.prefix, service)
        because = say.certifies(say.needed(start, "", like.judgement.facts), lpco)
        return _Finding(self._table.places[service.code], service, like.prefix, like.judgement, because)

    def _certificate(
        self, item: GoodsItem, members: Iterable[Service], needed: Collection[str]
    ) -> tuple[Service, Lpco] | None:
        """The member whose certificate is presented, with the item before with the header."""
        # A header's certificates may be for other items: a member whose rows match comes first.
        in_turn = sorted(members, key=lambda member: member.code not in needed)
        for lpcos in (item.lpcos, self._declaration.lpcos):
            for issued in (self._by_type, self._by_issuer):
                for member in in_turn:
                    for lpco in lpcos:
                        if issued(lpco, member):
                            return member, lpco
        return None

    def _by_type(self, lpco: Lpco, member: Service) -> bool:
        return lpco.type in member.document_types

    def _by_issuer(self, lpco: Lpco, member: Service) -> bool:
        # A document that is known to be another service's says nothing about this group.
        if lpco.issuer is None or lpco.type in self._table.document_types:
            return False
        names = (member.agency, *self._catalogue.agencies.get(member.agency, {}).values())
        return _folded(lpco.issuer) in map(_folded, names)

    # --- claims and documents of other laws --------------------------------------------------------------

    def _hear_claims(self, item: GoodsItem, finding: _Finding) -> None:
        service = finding.service
        for claim in item.exemptions:
            reason = self._catalogue.exemptions.get(claim.code)
            if reason is None or reason.law_code != service.law_code:
                continue
            if reason.document_required and claim.document is None:
                continue
            because = say.exempt(finding.because, claim.code, reason.name["en"], claim.document)
            finding.rule_out(RuledOutBy.EXEMPTION_CLAIM, because)
            return
        if not service.exempted_by:
            return
        for lpco in (*item.lpcos, *self._declaration.lpcos):
            if lpco.type in service.exempted_by and not self._has_lapsed(lpco):
                finding.rule_out(RuledOutBy.OTHER_LPCO, say.covered_by(finding.because, lpco))
                return

    def _has_lapsed(self, lpco: Lpco) -> bool:
        return lpco.valid_until is not None and lpco.valid_until.date() < self._day
