"""Lodging under policies: the risk channel, and certificates that stand in the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from hub.api.app import create_app
from hub.domain.case import CasePolicy
from hub.domain.catalogue import Certified
from hub.domain.certificates import Certificate, CertificateKey, EntryKind
from hub.domain.intake import Rulebook
from hub.domain.model import Measure
from hub.domain.policy import Control, DatedPolicy
from hub.domain.risk import BuiltInRisk, RiskRule, RiskRules
from hub.ports import Role
from hub.store import Store
from tests.api.support import (
    CALENDAR,
    NOW,
    Api,
    Condition,
    DescribedTransport,
    EngineFake,
    beef,
    parts,
    rulebook,
    with_item,
)

KEY = CertificateKey(type="22101", id="Q-1")


def rules() -> Rulebook:
    """Customs looks at what is lodged at the port; one agency's certificates are reserved and reused."""
    plain = rulebook()
    port = Condition(
        'declaration.office == "PORT"', ("declaration.office",), lambda f: f["declaration.office"] == "PORT"
    )
    livestock = plain.catalogue.service("mfds-livestock-import")
    certified = replace(livestock, certificate=Certified(("22101",), reserve=True, reuse=True))
    services = tuple(certified if s is livestock else s for s in plain.catalogue.services)
    reuse = CasePolicy(version="policy-1/reuse", refusal_open_for="30d", reuse=True)
    return replace(
        plain,
        catalogue=replace(plain.catalogue, services=services),
        policies=(DatedPolicy("reuse", reuse, offices=frozenset({"PILOT"})),),
        risk=BuiltInRisk(
            RiskRules(
                (RiskRule("port-watched", port, 60, {"en": "Port"}),), plain.catalogue.attributes, 50, 100
            )
        ),
        control=Control(CALENDAR, "2wd", {"en": "Customs Act"}, {"en": "Customs control"}),
    )


@pytest.fixture
async def ruled(store: Store) -> AsyncIterator[Api]:
    engine, known = EngineFake(), rules()
    app = create_app(replace(parts(store, engine), rulebook=lambda: known))
    async with httpx.AsyncClient(transport=DescribedTransport(app), base_url="http://hub") as http:
        yield Api(app, store, engine, http)


async def test_what_customs_looks_at_is_one_more_referral_and_says_nothing_of_why(ruled: Api) -> None:
    """The declarant learns what is to be done; the assessment is kept, and can be repeated."""
    receipt = await ruled.lodge(beef(office="PORT"))
    control = receipt["referrals"][-1]
    assert (control["service"], control["agency"]) == ("customs-control", "customs")
    assert control["agency_name"] == {"en": "Customs", "ko": "세관"}
    assert control["law"] == {"en": "Customs Act"}
    # Two working days from Friday: Monday is closed.
    assert control["due_at"] == "2026-11-25T09:00:00Z"
    assert receipt["outcome"] == "hold"
    assert "port-watched" not in str(receipt)
    declarant = beef()["declarant"]["id"]
    own = ruled.key(Role.CUSTOMS, declarant=declarant)
    page = await ruled.http.get(f"/v1/declarations/{receipt['mrn']}", headers=own)
    assert page.status_code == 200
    assert "customs-control" in page.text
    assert "port-watched" not in page.text
    view = ruled.store.view(receipt["mrn"])
    assert view is not None
    assessment = view.acceptance.assessment
    assert assessment is not None
    risk = rules().risk
    assert risk is not None
    assert risk.repeated(view.acceptance.declaration, assessment) == assessment


async def test_what_customs_does_not_look_at_is_assessed_all_the_same(ruled: Api) -> None:
    receipt = await ruled.lodge(beef())
    assert [r["service"] for r in receipt["referrals"]] == ["apqa-animal-import", "mfds-livestock-import"]
    view = ruled.store.view(receipt["mrn"])
    assert view is not None
    assert view.acceptance.assessment is not None
    assert view.acceptance.assessment.score == 0


def meat(lrn: str, kilograms: str, **more: Any) -> dict[str, Any]:
    """Beef with a certificate of that number, of so many kilograms."""
    declared = with_item(quantity={"value": kilograms, "unit": "KGM"}, lpcos=[{"type": "22101", "id": "Q-1"}])
    return {**declared, "lrn": lrn, **more}


def issue(store: Store, kilograms: str) -> None:
    store.issue_certificate(
        Certificate(
            type="22101",
            id="Q-1",
            agency="mfds",
            quantity=Measure(value=Decimal(kilograms), unit="KGM"),
        ),
        "client-mfds",
        NOW,
    )


async def test_a_certificate_presented_with_the_goods_is_reserved_with_the_acceptance(ruled: Api) -> None:
    """The next declaration finds what is left, and waits."""
    issue(ruled.store, "100")
    first = await ruled.lodge(meat("L-1", "60"))
    second = await ruled.lodge(meat("L-2", "60"))
    assert (first["outcome"], second["outcome"]) == ("in_progress", "hold")
    lines = ruled.store.ledger(KEY)
    assert [(line.kind, line.quantity, line.mrn) for line in lines] == [
        (EntryKind.ISSUE, Decimal(100), None),
        (EntryKind.RESERVE, Decimal(60), first["mrn"]),
    ]


async def test_under_a_policy_that_allows_it_a_certificate_is_the_consent(ruled: Api) -> None:
    """The other agency is still asked."""
    issue(ruled.store, "100")
    receipt = await ruled.lodge(meat("L-1", "60", office="PILOT"))
    view = ruled.store.view(receipt["mrn"])
    assert view is not None
    assert {r.terms.service: r.state for r in view.case.referrals} == {
        "apqa-animal-import": "pending",
        "mfds-livestock-import": "decided",
    }
    assert view.case.policy.version == "policy-1/reuse"
