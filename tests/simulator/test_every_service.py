"""Every service, through the hub's own gateway: mapping, contract and verdict table fit together."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from hub.adapters.gateway import Gateway
from hub.config.loader import Configuration
from hub.domain.declaration import Consignment, Declarant, Declaration, GoodsItem, Lpco, Party
from hub.domain.exchange import Dossier
from hub.domain.model import Measure
from hub.domain.referral import Answers, Decision, ReferralTerms, Verdict
from hub.simulator.environment import environment
from tests.simulator.support import Simulator, new_mrn

BARE = GoodsItem(number=1, hs_code="080510")
FULL = GoodsItem(
    number=3,
    hs_code="0805100000",
    description='Oranges & "Lemons" <fresh>, 오렌지',
    origin="US",
    quantity=Measure(value=Decimal("10.50"), unit="KGM"),
    net_mass_kg=Decimal("1200.250"),
    gross_mass_kg=Decimal(1300),
    attributes={
        "used": True,
        "species": "Citrus sinensis",
        "cas_numbers": ("50-00-0", "64-17-5"),
        "concentration_percent": Decimal("1.5"),
        "intended_use": "food",
    },
)


def now() -> datetime:
    return datetime.now(UTC)


@pytest_asyncio.fixture
async def gateway(simulator: Simulator, configuration: Configuration) -> AsyncIterator[Gateway]:
    gateway = Gateway(
        configuration.agencies,
        configuration.versions,
        configuration.folder,
        environment(configuration.agencies, simulator.url, "seed"),
        {slug: ZoneInfo(str(calendar.zone)) for slug, calendar in configuration.calendars.items()},
        now,
    )
    yield gateway
    await gateway.close()


def _dossier(configuration: Configuration, code: str, *, full: bool, ucr: str = "UCR1") -> Dossier:
    slug = next(slug for slug, agency in configuration.agencies.items() if code in agency.services)
    service = configuration.agencies[slug].services[code]
    document = Lpco(type=(service.document_types or ["911"])[0], id="PERMIT-7")
    parties = (
        {
            "importer": Party(id="1234567890", name="수입상사 & Co", address="Seoul", country="KR"),
            "exporter": Party(id="9876543210", name="Export Ltd", country="US"),
        }
        if full
        else {}
    )
    mrn = new_mrn()
    return Dossier(
        declaration=Declaration(
            lrn="L1",
            procedure=service.procedure[0],
            declarant=Declarant(id="B1", name="관세사") if full else Declarant(id="B1"),
            consignment=Consignment(ucr=ucr),
            items=(BARE, GoodsItem(number=2, hs_code="999999"), FULL) if full else (BARE,),
            lpcos=(document,) if full else (),
            **parties,
        ),
        terms=ReferralTerms(
            id=f"{mrn}/{code}",
            mrn=mrn,
            service=code,
            agency=slug,
            service_name=service.name,
            law=service.law,
            document=service.document,
            items=(1, 3) if full else (1,),
            answers=service.answers,
            answer_within=service.answer_within,
            due_at=now() + timedelta(days=3),
            on_expiry=service.on_expiry,
            config_version="",
        ),
        accepted_at=now(),
    )


async def _decisions(gateway: Gateway, simulator: Simulator, dossier: Dossier) -> list[Decision]:
    """What the agency decides, in the way in which this service answers."""
    submission = await gateway.submit(dossier)
    answers, mine = dossier.terms.answers, dossier.terms.id
    asking = dossier.model_copy(update={"receipt": submission.receipt})
    deadline = time.monotonic() + 10
    while True:
        if answers is Answers.REPLY:
            found = list(submission.decisions)
        elif answers is Answers.POLL:
            found = list((await gateway.poll(asking)).decisions)
        elif answers is Answers.FEED:
            messages = (await gateway.pull_feed(dossier.terms.agency)).messages
            found = [d for message in messages for d in message.decisions if message.referral == mine]
            assert not [message.trouble for message in messages if message.trouble]
        else:
            told = simulator.hub.about(mine)
            messages = tuple(
                gateway.read_callback(one.agency, dict(one.headers), one.body, now()) for one in told
            )
            found = [d for message in messages for d in message.decisions]
            assert not [message.trouble for message in messages if message.trouble]
        if found:
            return found
        assert time.monotonic() < deadline


async def test_every_service_understands_and_is_understood(
    simulator: Simulator, configuration: Configuration, gateway: Gateway
) -> None:
    """A full and a bare application to each: accepted by the contract, and the approval read back."""
    simulator.timings(callback=0, poll=0)
    for agency in configuration.agencies.values():
        for code in agency.services:
            for full in (True, False):
                dossier = _dossier(configuration, code, full=full)
                (decision,) = await _decisions(gateway, simulator, dossier)
                assert decision.verdict is Verdict.APPROVED, code
                assert decision.reference, code
                assert decision.referral == dossier.terms.id
                assert decision.items in (None, dossier.terms.items), code
                assert abs(decision.decided_at - now()) < timedelta(minutes=1), code
    summary = simulator.ledger()["summary"]
    assert summary["effects"] == 2 * sum(len(agency.services) for agency in configuration.agencies.values())
    assert summary["effects_over_one"] == []


@pytest.mark.parametrize(
    ("behaviour", "verdict"),
    [
        ("CONDITIONS", Verdict.APPROVED_WITH_CONDITIONS),
        ("REFUSE", Verdict.REFUSED),
        ("INFO", Verdict.INFORMATION_REQUIRED),
        ("INSPECT", Verdict.INSPECTION_REQUIRED),
    ],
)
async def test_every_agency_has_a_word_for_every_verdict(
    simulator: Simulator,
    configuration: Configuration,
    gateway: Gateway,
    behaviour: str,
    verdict: Verdict,
) -> None:
    """Each verdict of each agency is told in its own words and read back by its own table."""
    simulator.timings(callback=0, poll=0)
    for agency in configuration.agencies.values():
        code = next(iter(agency.services))
        dossier = _dossier(configuration, code, full=True, ucr=f"X-SIM-{behaviour}")
        (decision,) = await _decisions(gateway, simulator, dossier)
        assert decision.verdict is verdict, agency.agency
        assert decision.remarks, agency.agency


async def test_every_contract_that_counts_submissions_can_be_looked_up(
    simulator: Simulator, configuration: Configuration, gateway: Gateway
) -> None:
    """Where a second submission would be a second case, our reference finds the first one."""
    simulator.timings(poll=0)
    for agency in configuration.agencies.values():
        if agency.channel.look_up is None:
            continue
        dossier = _dossier(configuration, next(iter(agency.services)), full=True)
        assert (await gateway.look_up(dossier, now())).submission is None
        submission = await gateway.submit(dossier)
        found = (await gateway.look_up(dossier, now())).submission
        assert found is not None, agency.agency
        assert found.receipt.reference == submission.receipt.reference
        assert [d.verdict for d in found.decisions] == [Verdict.APPROVED]
