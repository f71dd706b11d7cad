"""policy.yaml, checked and turned into what accepting a declaration reads."""

from __future__ import annotations

from collections.abc import Sequence

from hub.config.faults import Key
from hub.config.models import DatedPolicyFile, PolicyFile
from hub.config.schema_faults import FileReport
from hub.config.terms import check_term
from hub.config.vocabulary import check_text
from hub.domain.case import CasePolicy
from hub.domain.catalogue import Validity
from hub.domain.policy import DatedPolicy

_TERMS = (
    ("refusal_open_for", True),
    ("inspection_within", False),
    ("information_within", False),
    ("silence_counts_after", True),
)
"""The lengths of time of a policy, and whether each may be nothing."""
_FROZEN = tuple(name for name in CasePolicy.model_fields if name != "version")


def check_policy(file: PolicyFile, report: FileReport) -> None:
    """Lengths of time, words, and that no declaration is meant by two policies alike."""
    _check_terms(file, (), report)
    check_term(file.control_within, ("control_within",), report)
    check_reminders(file.remind_before, ("remind_before",), report)
    check_text(file.control_law, ("control_law",), report)
    for code, reason in file.withdrawal_reasons.items():
        check_text(reason.name, ("withdrawal_reasons", code, "name"), report)
    for place, policy in enumerate(file.policies):
        _check_terms(policy, ("policies", place), report)
        if policy.from_ and policy.until and policy.from_ > policy.until:
            report.add(
                ("policies", place, "from"),
                f"it begins on {policy.from_}, after its end on {policy.until}",
                "exchange or correct them",
            )
        for earlier, other in enumerate(file.policies[:place]):
            _check_pair(file.policies, earlier, place, report, same_name=other.name == policy.name)


def check_reminders(terms: Sequence[str], key: Key, report: FileReport) -> None:
    """Terms before a deadline: each sensible, none said twice."""
    for place, term in enumerate(terms):
        check_term(term, (*key, place), report)
        if term in terms[:place]:
            report.add((*key, place), f"{term} stands here twice", "remove one")


def case_policy(file: PolicyFile, version: str) -> CasePolicy:
    """What is frozen of the keys at the top of the file, which has that version."""
    return CasePolicy(version=version, **{name: getattr(file, name) for name in _FROZEN})


def dated_policies(file: PolicyFile, version: str) -> tuple[DatedPolicy, ...]:
    """The policies of a sound file, in its order; the version of each names the policy too."""
    default = case_policy(file, version)
    return tuple(
        DatedPolicy(
            name=each.name,
            policy=default.model_copy(
                update={
                    "version": f"{version}/{each.name}",
                    **{name: said for name in _FROZEN if (said := getattr(each, name)) is not None},
                }
            ),
            valid=Validity(each.from_, each.until),
            procedures=frozenset(each.procedure),
            offices=frozenset(each.office),
        )
        for each in file.policies
    )


def _check_terms(policy: PolicyFile | DatedPolicyFile, key: Key, report: FileReport) -> None:
    for name, may_be_zero in _TERMS:
        term = getattr(policy, name)
        if term is not None:
            check_term(term, (*key, name), report, may_be_zero=may_be_zero)


def _check_pair(
    policies: Sequence[DatedPolicyFile], earlier: int, later: int, report: FileReport, *, same_name: bool
) -> None:
    one, other = policies[earlier], policies[later]
    key: Key = ("policies", later)
    line = report.line_of(("policies", earlier))
    if same_name:
        report.add(
            (*key, "name"),
            f"the policy in line {line} has this name already",
            "give each a name of its own: it is kept with the declarations",
        )
    if _is_ambiguous(one, other):
        report.add(
            key,
            f"it and policies[{earlier}] (line {line}) fit the same declarations on the same days",
            "give them days that do not overlap, or name a procedure or an office more in one of them",
        )


def _is_ambiguous(one: DatedPolicyFile, other: DatedPolicyFile) -> bool:
    def overlap(a: Sequence[str], b: Sequence[str]) -> bool:
        return not a or not b or not set(a).isdisjoint(b)

    def begins_in_time(a: DatedPolicyFile, b: DatedPolicyFile) -> bool:
        return a.from_ is None or b.until is None or a.from_ <= b.until

    return (
        bool(one.procedure) + bool(one.office) == bool(other.procedure) + bool(other.office)
        and overlap(one.procedure, other.procedure)
        and overlap(one.office, other.office)
        and begins_in_time(one, other)
        and begins_in_time(other, one)
    )
