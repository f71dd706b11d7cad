"""The agencies in force, as people are shown them: who they are, and how they are reached."""

from __future__ import annotations

from hub.domain.model import Model, Text, UtcDatetime
from hub.domain.referral import Answers, OnExpiry
from hub.ports.versions import ToldFault


class ServiceCard(Model):
    """One approval that an agency gives."""

    service: str
    name: Text
    law: Text
    document: str
    answers: Answers
    answer_within: str
    """As its file says: `3wd`, `48h`."""
    on_expiry: OnExpiry


class LimitsCard(Model):
    """How hard an agency may be pushed by each process of the hub."""

    timeout: str
    """For one request, from connect to the last byte: `20s`."""
    concurrency: int
    """Requests at a time."""
    per_second: float | None
    """None: as many as come."""
    breaker_failures: int
    """Consecutive failures that open the breaker."""
    breaker_pause: str


class RefusedFiles(Model):
    """What stands in the configuration folder for an agency and is not in force."""

    at: UtcDatetime
    faults: tuple[ToldFault, ...]


class CertifiedAgency(Model):
    """One run of the conformance kit with an agency."""

    version: str
    """Of the agency's file."""
    at: UtcDatetime
    passed: bool
    counts: dict[str, int]
    """Behaviours by mark: pass, fail, not_applicable, not_played."""
    simulated: bool
    """The simulator played the agency: says that the file is right, and nothing of the agency's system."""


class AgencyCard(Model):
    """An agency, as its file in force says."""

    agency: str
    name: Text
    contact: str
    version: str
    in_force_since: UtcDatetime | None
    """None while that is not written down."""
    adapter: str
    """soap or rest."""
    contract: str
    """Below the configuration folder."""
    own_worker: bool
    """Spoken to by a worker in its own network."""
    limits: LimitsCard
    services: tuple[ServiceCard, ...]
    refused: RefusedFiles | None = None
