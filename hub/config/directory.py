"""The agencies in force, as people are shown them."""

from __future__ import annotations

import json
from pathlib import Path

import structlog

from hub.config.live import LiveConfiguration
from hub.config.refusals import Refusal
from hub.ports import AgencyCard, CertifiedAgency, LimitsCard, RefusedFiles, ServiceCard, ToldFault

log = structlog.get_logger(__name__)


def agency_card(live: LiveConfiguration, slug: str) -> AgencyCard:
    """An agency as people are shown it."""
    configuration = live.current
    file = configuration.agencies[slug]
    limits = file.channel.limits
    refusal = live.refusal(slug)
    return AgencyCard(
        agency=slug,
        name=file.name,
        contact=file.contact,
        version=configuration.versions[slug],
        in_force_since=live.since(slug),
        adapter=file.channel.adapter,
        contract=file.channel.contract,
        own_worker=file.channel.own_worker,
        limits=LimitsCard(
            timeout=limits.timeout,
            concurrency=limits.concurrency,
            per_second=limits.per_second,
            breaker_failures=limits.breaker_failures,
            breaker_pause=limits.breaker_pause,
        ),
        services=tuple(
            ServiceCard(
                service=code,
                name=service.name,
                law=service.law,
                document=service.document,
                answers=service.answers,
                answer_within=service.answer_within,
                on_expiry=service.on_expiry,
            )
            for code, service in file.services.items()
        ),
        refused=None if refusal is None else _refused(refusal),
    )


def certified(folder: Path | None, agency: str) -> CertifiedAgency | None:
    """
    The newest report of `hub agency certify` about an agency below a folder; None without any. Blocking.

    One that cannot be read is logged and left out.
    """
    found = []
    for path in folder.glob(f"{agency}-*/report.json") if folder is not None else ():
        try:
            report = json.loads(path.read_bytes())
            if report["agency"] == agency:
                found.append(
                    CertifiedAgency(
                        version=report["file_version"],
                        at=report["started_at"],
                        passed=report["passed"],
                        counts=report["counts"],
                        simulated=report["simulated"],
                    )
                )
        except (OSError, ValueError, KeyError, TypeError) as wrong:
            log.warning("certification.unreadable", path=str(path), reason=str(wrong))
    return max(found, key=lambda one: one.at, default=None)


def _refused(refusal: Refusal) -> RefusedFiles:
    return RefusedFiles(
        at=refusal.at,
        faults=tuple(
            ToldFault(file=fault.file, line=fault.line, key=fault.key, what=fault.what, cure=fault.cure)
            for fault in refusal.faults
        ),
    )
