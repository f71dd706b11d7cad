"""What an agency is told after the submission, through the hub's own gateway: every agency's own words."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio

from hub.adapters.gateway import Gateway
from hub.config.loader import Configuration
from hub.domain import names
from hub.domain.exchange import Asked, Dossier, Enclosure, InformationContent
from hub.domain.referral import Answers, Receipt, Verdict
from hub.domain.withdrawal import Withdrawal
from tests.simulator.support import Simulator, dossier_for, gateway_to

PAPER = b"%PDF-1.7 \x00 the test report of the exporting country"
WITHOUT_AMEND = {"rest-immediate", "rest-labs", "soap11-rpc", "soap11-wssec"}
WITHOUT_INFORM = {"rest-labs", "rest-feed", "soap11-oneway", "soap12"}
WITH_REMIND = {"rest-callback", "rest-feed", "rest-ticket", "soap11-rpc", "soap11-wrapped", "soap12"}


@pytest_asyncio.fixture
async def gateway(simulator: Simulator, configuration: Configuration) -> AsyncIterator[Gateway]:
    gateway = gateway_to(simulator, configuration)
    yield gateway
    await gateway.close()


def now() -> datetime:
    return datetime.now(UTC)


def withdrawal(reason: str) -> Withdrawal:
    return Withdrawal(reason=reason, remarks="The ship never came.", requested_at=now(), by="BROKER")


async def _submitted(gateway: Gateway, dossier: Dossier) -> Dossier:
    submission = await gateway.submit(dossier)
    return dossier.model_copy(update={"receipt": submission.receipt})


def _entry(simulator: Simulator, dossier: Dossier) -> dict[str, Any]:
    return simulator.entry(dossier.terms.agency, dossier.terms.mrn)


def _contract(configuration: Configuration, agency: str) -> str:
    return configuration.agencies[agency].channel.contract.removeprefix("contracts/").partition(".")[0]


async def test_abilities_are_those_of_the_contract(configuration: Configuration, gateway: Gateway) -> None:
    """All take withdrawals; the rest differs, so that every way of the hub's is used by somebody."""
    for agency in configuration.agencies:
        name = _contract(configuration, agency)
        expected = {Asked.WITHDRAW}
        expected |= set() if name in WITHOUT_AMEND else {Asked.AMEND}
        expected |= set() if name in WITHOUT_INFORM else {Asked.INFORM}
        expected |= {Asked.REMIND} if name in WITH_REMIND else set()
        assert await gateway.abilities(agency, configuration.versions[agency]) == expected, agency


async def test_every_agency_lets_go_of_an_application_once(
    simulator: Simulator, configuration: Configuration, gateway: Gateway
) -> None:
    """Told why in its own code; told again, or about what it never had, it has been told all the same."""
    for agency, file in configuration.agencies.items():
        dossier = await _submitted(gateway, dossier_for(configuration, next(iter(file.services))))
        await gateway.withdraw(dossier, withdrawal("C06"))
        first = _entry(simulator, dossier)
        assert (first["live"], first["withdrawals"]) == (False, 1), agency
        assert first["withdrawal"]["words"] == "The ship never came.", agency
        reason = str(file.tables["withdrawal"]["C06"]) if "withdrawal" in file.tables else "C06"
        assert first["withdrawal"]["reason"] == reason, agency
        await gateway.withdraw(dossier, withdrawal("C06"))
        again = _entry(simulator, dossier)
        assert (again["withdrawals"], again["requests"]["withdraw"]) == (1, 2), agency
        unknown = dossier_for(configuration, next(iter(file.services)))
        receipt = Receipt(reference="NEVER-0001", received_at=now())
        (exchange,) = await gateway.withdraw(
            unknown.model_copy(update={"receipt": receipt}), withdrawal("C99")
        )
        assert exchange.reading == "withdrawn: the agency does not have it", agency


async def test_what_is_not_changed_is_withdrawn_and_submitted_anew(
    simulator: Simulator, configuration: Configuration, gateway: Gateway
) -> None:
    """The second reference is an application of its own; exactly one of the two is live."""
    for agency, file in configuration.agencies.items():
        before = await _submitted(gateway, dossier_for(configuration, next(iter(file.services))))
        await gateway.withdraw(before, None)
        terms = before.terms
        anew = terms.model_copy(update={"id": names.next_referral_id(terms.id, 2), "revision": 2})
        await gateway.submit(before.model_copy(update={"terms": anew, "receipt": None}))
        summary = simulator.ledger(agency=agency, mrn=terms.mrn)["summary"]
        assert summary["live"] == [anew.id], agency
        assert (summary["effects"], summary["effects_over_one"]) == (2, []), agency


async def test_every_agency_that_can_takes_an_amendment_once(
    simulator: Simulator, configuration: Configuration, gateway: Gateway
) -> None:
    """The same revision again changes nothing; it is no new application, and it is decided anew."""
    simulator.timings(callback=0, poll=0)
    for agency, file in configuration.agencies.items():
        if file.channel.amend is None:
            continue
        code = next(iter(file.services))
        dossier = await _submitted(gateway, dossier_for(configuration, code, ucr="X-SIM-REFUSE"))
        other = dossier_for(configuration, code, ucr="X").declaration
        terms = dossier.terms.model_copy(update={"revision": 2})
        amended = dossier.model_copy(update={"declaration": other, "terms": terms})
        submission = await gateway.amend(amended)
        assert submission.receipt.reference in (None, dossier.receipt and dossier.receipt.reference)
        if file.services[code].answers is Answers.REPLY:
            assert [one.word for one in submission.decisions] == [next(iter(file.verdicts))], agency
        await gateway.amend(amended)
        entry = _entry(simulator, dossier)
        assert (entry["effects"], entry["amendments"], entry["revision"]) == (1, 1, 2), agency
        assert entry["requests"]["amend"] == 2
        assert entry["decision"]["verdict"] == "approved", agency
        assert entry["ucr"] == "X"


async def test_a_late_agency_that_answers_in_the_reply_is_late_with_it(
    simulator: Simulator, configuration: Configuration, gateway: Gateway
) -> None:
    """LATE: an amendment is decided in its reply as a submission is; there is no other way to tell it."""
    simulator.timings(late=50)
    dossier = await _submitted(gateway, dossier_for(configuration, "mfds-food-import", ucr="X-SIM-LATE"))
    terms = dossier.terms.model_copy(update={"revision": 2})
    submission = await gateway.amend(dossier.model_copy(update={"terms": terms}))
    assert [one.verdict for one in submission.decisions] == [Verdict.APPROVED]


async def test_every_agency_that_can_takes_an_answer_with_its_papers_once(
    simulator: Simulator, configuration: Configuration, gateway: Gateway
) -> None:
    """Text and documents arrive whole; ASK approves then, in the answer where the service answers so."""
    simulator.timings(callback=0, poll=0)
    for agency, file in configuration.agencies.items():
        if file.channel.inform is None:
            continue
        code = next(iter(file.services))
        dossier = await _submitted(gateway, dossier_for(configuration, code, ucr="X-SIM-ASK"))
        assert _entry(simulator, dossier)["decision"]["verdict"] == "information_required", agency
        content = InformationContent(
            id="INF-1",
            request="Q-1",
            request_reference=None,
            text="성적서를 붙임과 같이 제출합니다.",
            given_at=now(),
            enclosures=(
                Enclosure(
                    name="시험성적서.pdf",
                    media_type="application/pdf",
                    sha256=hashlib.sha256(PAPER).hexdigest(),
                    content=PAPER,
                ),
            ),
        )
        answer = await gateway.inform(dossier, content)
        if file.services[code].answers is Answers.REPLY:
            assert [one.word for one in answer.decisions] == [next(iter(file.verdicts))], agency
        await gateway.inform(dossier, content)
        entry = _entry(simulator, dossier)
        assert (entry["informed"], entry["requests"]["inform"]) == (1, 2), agency
        (supplement,) = entry["supplements"]
        assert supplement["text"] == content.text, agency
        assert supplement["question"] in ("Q-1", ""), agency
        assert supplement["enclosures"] == [
            {
                "name": "시험성적서.pdf",
                "media_type": "application/pdf",
                "sha256": hashlib.sha256(PAPER).hexdigest(),
                "size": len(PAPER),
            }
        ], agency
        assert entry["decision"]["verdict"] == "approved", agency
        await gateway.inform(dossier, content.model_copy(update={"id": "INF-2", "enclosures": ()}))
        await gateway.inform(dossier, content.model_copy(update={"id": "INF-3", "text": ""}))
        assert _entry(simulator, dossier)["informed"] == 3, agency


async def test_every_agency_that_can_is_reminded(
    simulator: Simulator, configuration: Configuration, gateway: Gateway
) -> None:
    """Each reminder is counted."""
    for agency, file in configuration.agencies.items():
        if file.channel.remind is None:
            continue
        dossier = await _submitted(gateway, dossier_for(configuration, next(iter(file.services))))
        await gateway.remind(dossier)
        await gateway.remind(dossier)
        assert _entry(simulator, dossier)["reminded"] == 2, agency
