"""Declarations to try a mapping out with: one with everything declared, one with only what must be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hub.config.models import AgencyFile, ServiceFile
from hub.config.written_expressions import receipt_values
from hub.domain.declaration import (
    Consignment,
    Declarant,
    Declaration,
    ExemptionClaim,
    GoodsItem,
    Lpco,
    Party,
    Procedure,
)
from hub.domain.exchange import Dossier, Enclosure, InformationContent
from hub.domain.model import Measure, Money
from hub.domain.names import check_digit
from hub.domain.referral import Receipt
from hub.domain.terms import terms_of
from hub.domain.withdrawal import Withdrawal

SAMPLE_TIME = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_STEM = "26KR1B2C3D4E5F6G7"
SAMPLE_MRN = _STEM + check_digit(_STEM)


def sample_dossiers(file: AgencyFile) -> Iterator[tuple[Dossier, bool]]:
    """
    Dossiers for each service and procedure of an agency, and whether everything in them is declared.

    No attributes are declared: which there are is configuration, and each may be missing.
    """
    for code, service in file.services.items():
        for procedure in service.procedure:
            for whole in (True, False):
                declaration = _whole(procedure) if whole else _bare(procedure)
                yield _dossier(file, code, service, declaration), whole


def sample_withdrawal(*, whole: bool) -> Withdrawal | None:
    """
    A withdrawal for a reason that no table knows, since the policy may have new ones; or none, where the
    declaration goes on without the service.
    """
    if not whole:
        return None
    return Withdrawal(reason="sample", remarks="Sample", requested_at=SAMPLE_TIME, by="sample")


def sample_information(*, whole: bool) -> InformationContent:
    """An answer to a question, with documents or with words alone."""
    # The second line says that the file is binary (ISO 32000-1, 7.5.2).
    contents = {name: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\0" + name.encode() for name in ("sample.pdf", "견본.pdf")}
    enclosures = [
        Enclosure(
            name=name,
            media_type="application/pdf",
            sha256=hashlib.sha256(content).hexdigest(),
            content=content,
        )
        for name, content in contents.items()
    ]
    return InformationContent(
        id="INFORMATION-1",
        request="DECISION-1",
        request_reference="REQUEST-1" if whole else None,
        text="Sample",
        given_at=SAMPLE_TIME,
        enclosures=tuple(enclosures) if whole else (),
    )


def _dossier(file: AgencyFile, code: str, service: ServiceFile, declaration: Declaration) -> Dossier:
    values = dict.fromkeys(receipt_values(file.channel), "1")
    terms = terms_of(
        service,
        code,
        file.agency,
        SAMPLE_MRN,
        tuple(item.number for item in declaration.items),
        due_at=SAMPLE_TIME + timedelta(days=3),
        version="sample",
    )
    return Dossier(
        declaration=declaration,
        terms=terms,
        accepted_at=SAMPLE_TIME,
        receipt=Receipt(reference="RECEIPT-1", received_at=SAMPLE_TIME, values=values),
    )


def _bare(procedure: Procedure) -> Declaration:
    return Declaration(
        lrn="SAMPLE-BARE",
        procedure=procedure,
        declarant=Declarant(id="SAMPLE"),
        consignment=Consignment(ucr="6KR12345678901"),
        items=(GoodsItem(number=1, hs_code="080510"), GoodsItem(number=3, hs_code="8429521022")),
    )


def _whole(procedure: Procedure) -> Declaration:
    party = Party(id="1208112345", name="Sample Trading", address="1 Sample-ro, Busan", country="KR")
    lpco = Lpco(
        type="10101",
        id="SAMPLE-1",
        issuer="sample",
        issued_at=SAMPLE_TIME,
        valid_until=SAMPLE_TIME + timedelta(days=365),
        quantity=Measure(value=Decimal("12.5"), unit="KGM"),
        status="AE",
    )
    item = GoodsItem(
        number=1,
        hs_code="0805100000",
        description="Oranges, fresh",
        origin="US",
        quantity=Measure(value=Decimal("1200"), unit="NAR"),
        net_mass_kg=Decimal("240.5"),
        gross_mass_kg=Decimal("251"),
        value=Money(amount=Decimal("890.10"), currency="USD"),
        packages=12,
        lpcos=(lpco,),
        exemptions=(ExemptionClaim(code="13A01", document="SAMPLE-2"),),
    )
    return Declaration(
        lrn="SAMPLE-WHOLE",
        procedure=procedure,
        declarant=Declarant(id="SAMPLE", name="Sample Customs Brokers"),
        importer=party,
        exporter=party,
        office="020",
        consignment=Consignment(
            ucr="6KR12345678901",
            cargo_management_number="26SAMPLE000100010001",
            transport_mode="1",
            transport_id="SAMPLE STAR",
            containers=("SMPU1234567",),
            country_of_dispatch="US",
            country_of_destination="KR",
            location="02012345",
            arrives_at=SAMPLE_TIME,
        ),
        items=(item, item.model_copy(update={"number": 3, "hs_code": "8429521022"})),
        lpcos=(lpco,),
    )
