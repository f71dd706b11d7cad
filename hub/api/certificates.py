"""Certificates whose quantity is managed: as issued, what is left of them, and their ledger."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Request
from pydantic import Field

from hub.api.access import Caller, Seeing
from hub.api.asked import CertificateIssued
from hub.api.asking import BODY_PROBLEMS, body_of, invalid, read_asked
from hub.api.parts import ApiParts, Parts
from hub.api.problems import ApiProblem, problem_responses
from hub.domain.certificates import Certificate, CertificateKey, CertificateStanding, EntryKind
from hub.domain.intake import Fault
from hub.domain.model import Model, Number, UtcDatetime
from hub.operations.sight import Sight
from hub.ports import LedgerRefused, Role

router = APIRouter(tags=["offices"])

Type = Annotated[
    str,
    Path(
        description="As declarations name it.",
        max_length=35,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        examples=["851"],
    ),
]
Id = Annotated[
    str,
    Path(
        description="Its number; may hold slashes.",
        max_length=70,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        examples=["PC-US-2026-118842"],
    ),
]


class CertificateAnswer(Certificate):
    """A certificate with what is left of it, in its own unit; all null where it is not limited."""

    issued: Number | None = Field(
        description="The whole of it: reserved, written off and available together."
    )
    reserved: Number | None = Field(description="For declarations that are under way.")
    written_off: Number | None = Field(description="With declarations that were released.")
    available: Number | None


class LedgerLine(Model):
    """One line of a ledger; lines are only ever added."""

    number: int
    at: UtcDatetime
    kind: EntryKind
    quantity: Number = Field(description="Negative only for a correction.")
    mrn: str | None
    service: str | None
    item: int | None
    by: str | None = Field(description="Id of the client that issued or corrected it.")


class Ledger(Model):
    """The ledger of a certificate, from its first line on."""

    type: str
    id: str
    lines: tuple[LedgerLine, ...]


# The number may hold slashes, so whatever stands behind it goes first.
@router.get(
    "/v1/certificates/{type}/{id:path}/ledger",
    response_model=Ledger,
    summary="What was reserved, written off and given back",
    responses=problem_responses("unauthenticated", "not-found", "invalid-parameters"),
)
async def show_ledger(type: Type, id: Id, parts: Parts, sight: Seeing) -> Ledger:
    """For customs, and for the agency that issued it."""
    standing = await _seen(parts, type, id, sight)
    key = CertificateKey(type=standing.certificate.type, id=standing.certificate.id)
    entries = await to_thread.run_sync(parts.certificates.ledger, key)
    lines = tuple(LedgerLine(**entry.model_dump(exclude={"type", "id"})) for entry in entries)
    return Ledger(type=type, id=id, lines=lines)


@router.get(
    "/v1/certificates/{type}/{id:path}",
    response_model=CertificateAnswer,
    summary="A certificate, and what is left of it",
    responses=problem_responses("unauthenticated", "not-found", "invalid-parameters"),
)
async def show_certificate(type: Type, id: Id, parts: Parts, sight: Seeing) -> CertificateAnswer:
    """For customs, and for the agency that issued it."""
    return _answer(await _seen(parts, type, id, sight))


@router.put(
    "/v1/certificates/{type}/{id:path}",
    response_model=CertificateAnswer,
    summary="Issue a certificate, correct or revoke it",
    responses=problem_responses(
        *BODY_PROBLEMS, "unauthenticated", "forbidden", "ledger-refused", "invalid-parameters"
    ),
    openapi_extra=body_of(
        CertificateIssued,
        {
            "agency": "apqa",
            "holder": "123-45-67890",
            "valid_until": "2027-06-30",
            "hs": ["0809"],
            "origins": ["US"],
            "quantity": {"value": "24000", "unit": "KGM"},
        },
    ),
)
async def issue_certificate(
    type: Type, id: Id, request: Request, parts: Parts, client: Caller
) -> CertificateAnswer:
    """
    The certificate as it is from now on: what is left out is not limited. By the agency that issues it, or by
    customs for one. Another quantity is a correction; it may not fall below what declarations have taken up.
    """
    office = client.role is Role.AGENCY or (
        client.role in (Role.CUSTOMS, Role.ADMIN) and client.declarant is None and client.agency is None
    )
    if not office or (client.role is Role.AGENCY and client.agency is None):
        raise ApiProblem("forbidden", "certificates are issued by agencies, and by customs for them")
    asked = await read_asked(request, parts, CertificateIssued)
    agency = _issuer(asked.agency, client.agency, parts)
    _refuse_faults(asked)
    certificate = Certificate(type=type, id=id, **{**asked.model_dump(), "agency": agency})
    key = CertificateKey(type=type, id=id)
    at = parts.clock()

    def issue() -> CertificateStanding:
        known = parts.certificates.certificates([key]).get(key)
        if known is not None and known.certificate.agency != agency:
            raise ApiProblem("forbidden", f"this certificate was not issued by {agency}")
        return parts.certificates.issue_certificate(certificate, client.id, at)

    try:
        return _answer(await to_thread.run_sync(issue))
    except LedgerRefused as error:
        raise ApiProblem("ledger-refused", str(error)) from error


def _issuer(asked: str | None, own: str | None, parts: ApiParts) -> str:
    """The agency that issues. Raises ApiProblem (403, 422)."""
    if own is not None:
        if asked not in (None, own):
            raise ApiProblem("forbidden", f"this client issues certificates of {own} only")
        return own
    there = parts.rulebook().catalogue.agencies
    if asked is None:
        raise invalid([Fault("/agency", "is required: customs says for which agency it issues")])
    if asked not in there:
        raise invalid([Fault("/agency", f"there is no agency {asked[:64]}")])
    return asked


def _refuse_faults(asked: CertificateIssued) -> None:
    faults = []
    if asked.valid_from and asked.valid_until and asked.valid_until < asked.valid_from:
        faults.append(Fault("/valid_until", "lies before valid_from"))
    if asked.quantity is not None and asked.quantity.value < 0:
        faults.append(Fault("/quantity/value", "may not be less than nothing"))
    if faults:
        raise invalid(faults)


async def _seen(parts: ApiParts, type: str, id: str, sight: Sight) -> CertificateStanding:
    key = CertificateKey(type=type, id=id)
    found = (await to_thread.run_sync(parts.certificates.certificates, [key])).get(key)
    hidden = sight.sees_nothing or sight.declarant is not None
    if found is None or hidden or not sight.may_see_agency(found.certificate.agency):
        raise ApiProblem("not-found", f"there is no certificate {id} of type {type}")
    return found


def _answer(standing: CertificateStanding) -> CertificateAnswer:
    limited = standing.certificate.quantity is not None
    balance = standing.balance
    return CertificateAnswer(
        **standing.certificate.model_dump(),
        issued=balance.issued if limited else None,
        reserved=balance.reserved if limited else None,
        written_off=balance.written_off if limited else None,
        available=balance.available if limited else None,
    )
