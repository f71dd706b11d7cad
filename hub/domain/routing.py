"""Which services must consent to a declaration, by which law, and which need not, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypedDict

from pydantic import Field

from hub.domain.catalogue import Catalogue, Predicate, Service
from hub.domain.declaration import AttributeValue, Declaration, GoodsItem, Lpco
from hub.domain.explaining import Explanation, condition_text
from hub.domain.facts import BUILT_IN_FACTS, attribute_fact
from hub.domain.model import Model, Text
from hub.domain.requirement_table import Listing, table_of

FactValue = bool | float | str | tuple[str, ...]


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
                ruled_out.append(RuledOut(item=item.number, by=finding.by, **finding.fields))
            elif finding.prohibited:
                prohibited.append(Prohibited(item=item.number, **finding.fields))
            else:
                required.append(Requirement(item=item.number, **finding.fields))
    return Routing(
        required=tuple(required),
        ruled_out=tuple(ruled_out),
        prohibited=tuple(prohibited),
        catalogue_version=catalogue.version,
        day=day,
    )


class _Fields(TypedDict):
    """What a candidate says whichever way it is decided; all but the item's number."""

    service: str
    agency: str
    law: Text
    matched_prefix: str
    predicate: str | None
    values: dict[str, FactValue]
    assumed: tuple[str, ...]
    because: str


class _Facts(NamedTuple):
    """The facts about one item that its conditions read, and which of them were not declared."""

    values: dict[str, FactValue]
    assumed: frozenset[str]


@dataclass(slots=True)
class _Question:
    """Whether one service must consent to one item, as far as it is worked out."""

    place: int
    service: Service
    prefix: str
    predicates: tuple[Predicate, ...]
    values: dict[str, FactValue]
    assumed: tuple[str, ...]
    sentences: Explanation


class _Finding(NamedTuple):
    """An answered question; `by` is None where the service is needed or the goods are prohibited."""

    place: int
    by: RuledOutBy | None
    prohibited: bool
    fields: _Fields


def _find(
    question: _Question, because: str, by: RuledOutBy | None = None, *, prohibited: bool = False
) -> _Finding:
    service = question.service
    return _Finding(
        question.place,
        by,
        prohibited,
        {
            "service": service.code,
            "agency": service.agency,
            "law": service.law,
            "matched_prefix": question.prefix,
            "predicate": condition_text(question.predicates),
            "values": question.values,
            "assumed": question.assumed,
            "because": because,
        },
    )


_BUILT_IN = {fact.name: fact for fact in BUILT_IN_FACTS}


class _Router:
    """Routes the items of one declaration on one day, remembering what it has worked out already."""

    def __init__(self, declaration: Declaration, catalogue: Catalogue, day: date) -> None:
        self._declaration = declaration
        self._catalogue = catalogue
        self._table = table_of(catalogue)
        self._day = day
        self._attributes = {attribute_fact(a.name): a for a in catalogue.attributes.values()}
        self._truths: dict[tuple[int, tuple[FactValue, ...]], bool] = {}

    def findings(self, item: GoodsItem) -> list[_Finding]:
        """One finding for each candidate of an item, in catalogue order."""
        listings = self._table.listings(item.hs_code, self._day)
        facts = self._read(item, listings)
        decided: list[_Finding] = []
        needed: list[_Question] = []
        for listing in listings:
            heard = self._hear(item, listing, facts)
            if isinstance(heard, _Finding):
                decided.append(heard)
            else:
                needed.append(heard)
        if any(question.service.alternative_group is not None for question in needed):
            needed = self._choose_certifiers(item, needed, decided)
        decided += [self._hear_claims(item, question) for question in needed]
        decided.sort(key=lambda finding: finding.place)
        return decided

    # --- facts and conditions ---------------------------------------------------------------------------

    def _read(self, item: GoodsItem, listings: Iterable[Listing]) -> _Facts:
        """Only what these listings read: an item has many facts, and its conditions few."""
        values: dict[str, FactValue] = {}
        assumed = set()
        for listing in listings:
            for name in listing.names:
                if name in values:
                    continue
                declared: AttributeValue | FactValue | None
                if name in _BUILT_IN:
                    declared, absent = _BUILT_IN[name].read(self._declaration, item), _BUILT_IN[name].absent
                else:
                    attribute = self._attributes[name]
                    declared, absent = item.attributes.get(attribute.name), attribute.absent
                if declared is None:
                    assumed.add(name)
                    declared = absent
                values[name] = float(declared) if isinstance(declared, Decimal) else declared
        return _Facts(values, frozenset(assumed))

    def _holds(self, predicate: Predicate, facts: _Facts) -> bool:
        key = (id(predicate), tuple(facts.values[name] for name in predicate.names))
        truth = self._truths.get(key)
        if truth is None:
            truth = self._truths[key] = predicate(facts.values)
        return truth

    # --- one service -------------------------------------------------------------------------------------

    def _hear(self, item: GoodsItem, listing: Listing, facts: _Facts) -> _Finding | _Question:
        """What table and conditions say; a question that is still open is needed by them."""
        service, row = listing.service, listing.row
        procedure = self._declaration.procedure
        bare = self._question(item, listing, (), facts)
        if not listing.in_force:
            return _find(bare, bare.sentences.not_in_force(self._day), RuledOutBy.NOT_IN_FORCE)
        if procedure not in service.procedures:
            because = bare.sentences.other_procedure(service.procedures, procedure)
            return _find(bare, because, RuledOutBy.PROCEDURE)
        if row.excluded:
            return _find(bare, bare.sentences.excluded(), RuledOutBy.EXCLUDED)
        if service.prohibited_when is not None and self._holds(service.prohibited_when, facts):
            question = self._question(item, listing, (service.prohibited_when,), facts)
            return _find(question, question.sentences.prohibited(), prohibited=True)
        question = self._question(item, listing, listing.conditions, facts) if listing.conditions else bare
        if not all(self._holds(condition, facts) for condition in listing.conditions):
            return _find(question, question.sentences.not_needed(), RuledOutBy.CONDITION)
        if row.prohibited:
            return _find(question, question.sentences.prohibited(), prohibited=True)
        return question

    def _question(
        self, item: GoodsItem, listing: Listing, predicates: tuple[Predicate, ...], facts: _Facts
    ) -> _Question:
        names = dict.fromkeys(name for predicate in predicates for name in predicate.names)
        return self._question_of(
            item,
            listing.place,
            listing.service,
            listing.row.prefix,
            predicates,
            {name: facts.values[name] for name in names},
            tuple(name for name in names if name in facts.assumed),
        )

    def _question_of(
        self,
        item: GoodsItem,
        place: int,
        service: Service,
        prefix: str,
        predicates: tuple[Predicate, ...],
        values: dict[str, FactValue],
        assumed: tuple[str, ...],
    ) -> _Question:
        sentences = Explanation(item.hs_code, prefix, service, predicates, values, assumed)
        return _Question(place, service, prefix, predicates, values, assumed, sentences)

    # --- one of several bodies ---------------------------------------------------------------------------

    def _choose_certifiers(
        self, item: GoodsItem, needed: list[_Question], decided: list[_Finding]
    ) -> list[_Question]:
        """The needed questions with one left of each group; the others are added to `decided`."""
        kept = [question for question in needed if question.service.alternative_group is None]
        groups: dict[str, list[_Question]] = {}
        for question in needed:
            if question.service.alternative_group is not None:
                groups.setdefault(question.service.alternative_group, []).append(question)
        for group, questions in groups.items():
            best = max(questions, key=lambda question: (len(question.prefix), -question.place))
            chosen, certificate = self._certifier(item, group, questions, decided) or (
                best.service,
                None,
            )
            for question in questions:
                if question.service is not chosen:
                    because = question.sentences.certified_by(chosen, certificate)
                    decided.append(_find(question, because, RuledOutBy.ALTERNATIVE))
            own = [question for question in questions if question.service is chosen]
            kept += own or [self._asked_all_the_same(item, chosen, best, decided)]
        return kept

    def _asked_all_the_same(
        self, item: GoodsItem, chosen: Service, best: _Question, decided: list[_Finding]
    ) -> _Question:
        """The question of a body whose certificate is presented, though its own rows do not call for it."""
        decided[:] = [finding for finding in decided if finding.fields["service"] != chosen.code]
        return self._question_of(
            item,
            self._table.places[chosen.code],
            chosen,
            best.prefix,
            best.predicates,
            best.values,
            best.assumed,
        )

    def _certifier(
        self, item: GoodsItem, group: str, questions: list[_Question], decided: list[_Finding]
    ) -> tuple[Service, str] | None:
        """The member whose certificate is presented, with the item before with the header."""
        rows_match = {question.service.code for question in questions}
        forbidding = {finding.fields["service"] for finding in decided if finding.prohibited}
        members = [
            member
            for member in self._table.groups[group]
            if self._declaration.procedure in member.procedures
            and member.valid.covers(self._day)
            and member.code not in forbidding
        ]
        # A header's certificates may be for other items: a member whose rows match comes first.
        members.sort(key=lambda member: member.code not in rows_match)
        for lpcos in (item.lpcos, self._declaration.lpcos):
            for issued in (self._by_type, self._by_issuer):
                for member in members:
                    for lpco in lpcos:
                        if issued(lpco, member):
                            return member, f"{lpco.type} {lpco.id}".strip()
        return None

    def _by_type(self, lpco: Lpco, member: Service) -> bool:
        return lpco.type in member.document_types

    def _by_issuer(self, lpco: Lpco, member: Service) -> bool:
        # A document that is known to be another service's says nothing about this group.
        return lpco.issuer == member.agency and lpco.type not in self._table.issuers

    # --- claims and documents ----------------------------------------------------------------------------

    def _hear_claims(self, item: GoodsItem, question: _Question) -> _Finding:
        for claim in item.exemptions:
            reason = self._catalogue.exemptions.get(claim.code)
            if reason is None or reason.law_code != question.service.law_code:
                continue
            if reason.document_required and claim.document is None:
                continue
            because = question.sentences.exempt(claim.code, reason.name["en"], claim.document)
            return _find(question, because, RuledOutBy.EXEMPTION_CLAIM)
        if question.service.exempted_by:
            for lpco in (*item.lpcos, *self._declaration.lpcos):
                if lpco.type in question.service.exempted_by and not self._has_lapsed(lpco):
                    because = question.sentences.covered_by(lpco.type, lpco.id)
                    return _find(question, because, RuledOutBy.OTHER_LPCO)
        return _find(question, question.sentences.needed())

    def _has_lapsed(self, lpco: Lpco) -> bool:
        return lpco.valid_until is not None and lpco.valid_until.date() < self._day
