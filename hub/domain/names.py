"""The one home of ids, queue names and message names."""

from __future__ import annotations

import secrets
from datetime import datetime

TASK_QUEUE = "hub"
CALLS_QUEUE = "hub-calls"
"""Of the workflow that puts a request to an agency's own worker."""

CLEARANCE_WORKFLOW = "ClearanceWorkflow"
AGENCY_CALL_WORKFLOW = "AgencyCall"
WATCH_WORKFLOW = "WatchWorkflow"
WATCH_SCHEDULE = "hub-watch"
"""Of the rounds of the early warning, and what the ids of their workflows begin with."""
SIGNAL_DECISIONS_RECEIVED = "decisions_received"
SIGNAL_NEWS_RECORDED = "news_recorded"
SIGNAL_GO_ON = "go_on"
QUERY_CLEARANCE = "clearance"

CUSTOMS = "customs"
"""Stands as the agency of customs' own control; no agency's file may take the name."""
CUSTOMS_CONTROL = "customs-control"
"""The service by which customs looks at documents or goods, as the risk channel says."""

SEARCH_OUTCOME = "HubOutcome"
SEARCH_PENDING_AGENCIES = "HubPendingAgencies"
SEARCH_DUE_AT = "HubDueAt"

# ISO 6346 letter values, the scheme the European MRN uses for its check digit.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTER_VALUES = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        [v for v in range(10, 39) if v % 11],
        strict=True,
    )
)


def check_digit(stem: str) -> str:
    """The ISO 6346 check digit of a reference of digits and capital letters."""
    total = sum((int(c) if c.isdigit() else _LETTER_VALUES[c]) * 2**place for place, c in enumerate(stem))
    return str(total % 11 % 10)


def new_mrn(country: str, at: datetime) -> str:
    """
    A new movement reference number: year, country, thirteen random characters, check digit; 18 in all.

    Random rather than counted, so that it can be given out without asking anyone, and cannot be guessed.
    """
    stem = f"{at:%y}{country}" + "".join(secrets.choice(_ALPHABET) for _ in range(13))
    return stem + check_digit(stem)


def workflow_id(mrn: str) -> str:
    """The id of the one workflow that clears this declaration."""
    return f"declaration/{mrn}"


def mrn_of(workflow: str) -> str:
    """The mrn of the declaration that this workflow clears, or whatever stands in its place."""
    return workflow.removeprefix("declaration/")


def agency_queue(agency: str) -> str:
    """The task queue that an agency's own worker serves."""
    return f"agency-{agency}"


def call_id(agency: str, kind: str) -> str:
    """A new id for one call of an agency's worker."""
    return f"call/{agency}/{kind}/{secrets.token_hex(8)}"


def referral_id(mrn: str, service: str) -> str:
    """The id of a referral: what an agency is given as our reference."""
    return f"{mrn}/{service}"


def next_referral_id(referral: str, revision: int) -> str:
    """The id under which a withdrawn application is submitted anew, with that revision of its content."""
    return f"{referral.partition('.')[0]}.{revision}"


def split_referral_id(referral: str) -> tuple[str, str]:
    """The mrn and the service of a referral id, of a later one too. Raises ValueError if it is not one."""
    mrn, slash, rest = referral.partition("/")
    service, dot, revision = rest.partition(".")
    if not (mrn and slash and service) or (dot and not revision.isdecimal()):
        raise ValueError(f"not a referral id: {referral!r}")
    return mrn, service


def notice_key(mrn: str, number: int) -> str:
    """The idempotency key of a declaration's n-th notice to the cargo system."""
    return f"{mrn}-notice-{number}"
