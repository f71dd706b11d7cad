"""What a submission would tell its agency, as a digest: the same digest is the same request, and no other."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.adapters.channel import Contracts, Preparation
from hub.adapters.context import dossier_context
from hub.adapters.inputs import digest
from hub.adapters.rest import RestCall
from hub.adapters.soap import SoapCall
from hub.config.models import AgencyFile
from hub.domain.declaration import Declaration
from hub.domain.errors import NotUnderstood
from hub.domain.exchange import Dossier
from hub.domain.names import next_referral_id
from hub.domain.referral import Receipt
from tests.adapters.support import FOLDER, NOW, SEOUL, agency, changed, dossier, gateway_to, merged

AGENCIES = sorted(path.stem for path in (FOLDER / "agencies").glob("*.yaml"))
CONTRACTS = Contracts(FOLDER)


@cache
def submission_of(slug: str) -> SoapCall | RestCall:
    return Preparation(agency(slug), CONTRACTS, {}, SEOUL).submission()


def digest_of(asked: Dossier, file: AgencyFile) -> str:
    return digest(submission_of(file.agency), asked, file)


def wire_of(asked: Dossier, file: AgencyFile) -> tuple[str, bytes]:
    """The request as it would really go out, but for what proves the hub."""
    proof = {"secret": dict.fromkeys(file.channel.secrets, "1"), "session": {"token": "1"}}
    request = submission_of(file.agency).write(dossier_context(asked, file) | proof, NOW)
    return f"{request.method} {request.url} {dict(request.headers)}", request.body


def with_facts(asked: Dossier, facts: dict[str, Any]) -> Dossier:
    data = merged(asked.declaration.model_dump(mode="json"), facts)
    return asked.model_copy(update={"declaration": Declaration.model_validate(data)})


def as_another(asked: Dossier) -> Dossier:
    """The same content in another declaration's referral, later, amended, resubmitted, with a receipt."""
    mrn = "26KRZZZZZZZZZZZZZ0"
    terms = asked.terms.model_copy(
        update={
            "id": next_referral_id(f"{mrn}/{asked.terms.service}", 3),
            "mrn": mrn,
            "revision": 3,
            "due_at": asked.terms.due_at + timedelta(days=9),
            "opened_at": NOW,
            "service_name": {},
            "law": {},
            "document": "",
        }
    )
    return asked.model_copy(
        update={
            "terms": terms,
            "accepted_at": asked.accepted_at + timedelta(days=2),
            "receipt": Receipt(reference="R-9", received_at=NOW, values={"x": "y"}),
            "former": (f"{mrn}/{asked.terms.service}",),
        }
    )


@pytest.mark.parametrize("slug", AGENCIES)
def test_what_is_no_content_makes_no_difference(slug: str) -> None:
    """For every service of every agency: other ids, times, revisions and receipts, the same digest."""
    file = agency(slug)
    for service in file.services:
        asked = dossier(file, service)
        assert digest_of(asked, file) == digest_of(as_another(asked), file), service


@pytest.mark.parametrize("slug", AGENCIES)
def test_every_agency_is_told_of_other_goods(slug: str) -> None:
    """Which goods they are, every agency is told: another code is another request."""
    file = agency(slug)
    asked = dossier(file)
    items = [item.model_dump(mode="json") for item in asked.declaration.items]
    other = with_facts(asked, {"items": [{**items[0], "hs_code": "8504409999"}, *items[1:]]})
    assert digest_of(asked, file) != digest_of(other, file)
    fewer = asked.model_copy(update={"terms": asked.terms.model_copy(update={"items": (1,)})})
    assert digest_of(asked, file) != digest_of(fewer, file)


TEXTS = st.sampled_from(["A", "B", "가나다", " A", "<&>"])
NUMBERS = st.sampled_from(["1", "1.0", "2.50", "100"])
ITEM = st.fixed_dictionaries(
    {"number": st.sampled_from([1]), "hs_code": st.sampled_from(["0805100000", "0805200000"])},
    optional={
        "description": TEXTS,
        "origin": st.sampled_from(["US", "KR"]),
        "net_mass_kg": NUMBERS,
        "gross_mass_kg": NUMBERS,
        "packages": st.integers(1, 2),
        "quantity": st.fixed_dictionaries({"value": NUMBERS, "unit": st.sampled_from(["KGM", "NAR"])}),
        "attributes": st.dictionaries(st.sampled_from(["used", "tracked"]), st.booleans(), max_size=2),
    },
)
PARTY = st.fixed_dictionaries({}, optional={"name": TEXTS, "id": TEXTS, "address": TEXTS})
FACTS = st.fixed_dictionaries(
    {"items": ITEM.map(lambda item: [item])},
    optional={
        "importer": PARTY,
        "exporter": PARTY,
        "office": st.sampled_from(["020", "030"]),
        "consignment": st.fixed_dictionaries({}, optional={"transport_id": TEXTS, "location": TEXTS}),
    },
)


@pytest.mark.parametrize("slug", ["apqa", "mfds", "kcl"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(one=FACTS, other=FACTS)
def test_the_same_digest_is_the_same_request(slug: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    """And another digest is another request: octet for octet, as the channel itself would write it."""
    file = agency(slug)
    asked = dossier(file, items=(1,))
    first, second = with_facts(asked, one), with_facts(asked, other)
    assert (digest_of(first, file) == digest_of(second, file)) == (
        wire_of(first, file) == wire_of(second, file)
    )


async def test_the_gateway_needs_no_credentials_for_it() -> None:
    """Those of an agency with a worker of its own are not known here; nothing is sent."""
    file = agency("apqa")
    async with gateway_to("not even an address", file) as gateway:
        one = await gateway.inputs_of(dossier(file))
        assert one == await gateway.inputs_of(as_another(dossier(file)))
        assert one != await gateway.inputs_of(dossier(file, facts={"consignment": {"ucr": "6KR999"}}))
        assert len(one) == 64


async def test_what_cannot_be_worked_out_is_told() -> None:
    """An expression that fails with this declaration would fail in the request too."""
    file = changed(agency("kats"), submit={"request": {"x": "=items[0].attributes.nothing"}})
    async with gateway_to("http://127.0.0.1:9", file) as gateway:
        with pytest.raises(NotUnderstood, match="nothing"):
            await gateway.inputs_of(dossier(file))
    gone = changed(agency("kats"), contract="contracts/gone.yaml")
    async with gateway_to("http://127.0.0.1:9", gone) as gateway:
        with pytest.raises(NotUnderstood, match="cannot be used"):
            await gateway.inputs_of(dossier(gone))
