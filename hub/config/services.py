"""Who and when: the services of an agency's file, checked and turned into what routing reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from hub.config.faults import Key
from hub.config.models import AgencyFile, RowFile, ServiceFile, ValidSpan
from hub.config.policy import check_reminders
from hub.config.schema_faults import FileReport
from hub.config.terms import check_term
from hub.config.vocabulary import Conditions, check_text
from hub.domain.catalogue import Certified, Row, Service, Validity
from hub.domain.names import CUSTOMS, CUSTOMS_CONTROL


@dataclass(frozen=True)
class CheckedAgency:
    """An agency's file that could be read, with its report and its services."""

    file: AgencyFile
    report: FileReport
    services: tuple[Service, ...]


def services(file: AgencyFile, conditions: Conditions, report: FileReport) -> tuple[Service, ...]:
    """The services of a file; what is wrong with them goes to the report."""
    check_text(file.name, ("name",), report)
    if file.agency == CUSTOMS:
        report.add(("agency",), f"{CUSTOMS!r} is customs itself, which has no file", "choose another name")
    return tuple(
        _service(code, service, file.agency, conditions, report)
        for code, service in file.services.items()
        if report.is_sure(("services", code))
    )


def _service(
    code: str, file: ServiceFile, agency: str, conditions: Conditions, report: FileReport
) -> Service:
    key: Key = ("services", code)
    if code == CUSTOMS_CONTROL:
        report.add(key, f"{code!r} is customs' own control", "begin it with the agency's name")
    check_text(file.name, (*key, "name"), report)
    check_text(file.law, (*key, "law"), report)
    check_term(file.answer_within, (*key, "answer_within"), report)
    check_reminders(file.remind_before or (), (*key, "remind_before"), report)
    rows = tuple(
        _row(
            entry if isinstance(entry, RowFile) else RowFile(code=entry), (*key, "hs", i), conditions, report
        )
        for i, entry in enumerate(file.hs)
    )
    _check_rows(rows, (*key, "hs"), report)
    return Service(
        code=code,
        agency=agency,
        name=file.name,
        law=file.law,
        law_code=file.law_code,
        procedures=frozenset(file.procedure),
        rows=rows,
        document=file.document,
        answers=file.answers,
        answer_within=file.answer_within,
        on_expiry=file.on_expiry,
        valid=_validity(file.valid, (*key, "valid"), report),
        needed_when=conditions.compile(file.needed_when, (*key, "needed_when"), report),
        prohibited_when=conditions.compile(file.prohibited_when, (*key, "prohibited_when"), report),
        alternative_group=file.alternative_group,
        document_types=tuple(file.document_types),
        exempted_by=tuple(file.exempted_by),
        confidence=file.confidence,
        remind_before=None if file.remind_before is None else tuple(file.remind_before),
        certificate=_certified(file, (*key, "certificate"), report),
    )


def _certified(file: ServiceFile, key: Key, report: FileReport) -> Certified | None:
    certificate = file.certificate
    if certificate is None:
        return None
    types = tuple(certificate.types or file.document_types)
    if not types:
        report.add(key, "it does not say which certificates", "write `types`, or `document_types` beside it")
    if not (certificate.reserve or certificate.reuse):
        report.add(key, "neither is anything reserved nor does anything stand for the consent", "remove it")
    return Certified(types=types, reserve=certificate.reserve, reuse=certificate.reuse)


def _row(file: RowFile, key: Key, conditions: Conditions, report: FileReport) -> Row:
    if file.excluded and file.prohibited:
        report.add(key, "the row is excluded and prohibited at once", "keep one of the two")
    return Row(
        prefix=file.code,
        valid=_validity(file.valid, (*key, "valid"), report),
        excluded=file.excluded,
        prohibited=file.prohibited,
        needed_when=conditions.compile(file.needed_when, (*key, "needed_when"), report),
    )


def _validity(span: ValidSpan, key: Key, report: FileReport) -> Validity:
    if span.start and span.end and span.start > span.end:
        report.add(key, f"it starts on {span.start}, after its end on {span.end}", "exchange or correct them")
    return Validity(span.start, span.end)


def _check_rows(rows: tuple[Row, ...], key: Key, report: FileReport) -> None:
    by_prefix: dict[str, list[int]] = defaultdict(list)
    included = {row.prefix for row in rows if not row.excluded}
    all_known = all(report.is_sure((*key, place, "code")) for place in range(len(rows)))
    for place, row in enumerate(rows):
        if not report.is_sure((*key, place, "code")):
            continue  # a stand-in, not a prefix
        for earlier in by_prefix[row.prefix]:
            if _overlap(rows[earlier].valid, row.valid):
                line = report.line_of((*key, earlier))
                report.add(
                    (*key, place),
                    f"{row.prefix} stands in hs[{earlier}] (line {line}) for the same days",
                    "remove one, join their conditions, or give them dates that do not overlap",
                )
                break
        by_prefix[row.prefix].append(place)
        stands_alone = not any(row.prefix[:n] in included for n in range(1, len(row.prefix)))
        if row.excluded and stands_alone and all_known:
            report.add(
                (*key, place),
                f"{row.prefix} is excluded from nothing: no shorter prefix of it is included",
                "remove the row, or add the shorter prefix",
            )


def _overlap(one: Validity, other: Validity) -> bool:
    def begins_in_time(a: Validity, b: Validity) -> bool:
        return a.start is None or b.end is None or a.start <= b.end

    return begins_in_time(one, other) and begins_in_time(other, one)


# --- across files -----------------------------------------------------------------------------------------


def check_together(agencies: Iterable[CheckedAgency], *, complete: bool) -> None:
    """
    What one file alone cannot show: service codes and alternative groups.

    Not `complete`: some services could not be read, and what seems to be missing may stand there.
    """
    places: dict[str, CheckedAgency] = {}
    groups: dict[str, list[tuple[CheckedAgency, Service]]] = defaultdict(list)
    for agency in agencies:
        for service in agency.services:
            first = places.setdefault(service.code, agency)
            if first is not agency:
                line = first.report.line_of(("services", service.code))
                agency.report.add(
                    ("services", service.code),
                    f"{first.report.file}:{line} has a service of this code already",
                    f"begin it with the agency's name, as {agency.file.agency}-...",
                )
            group_key = ("services", service.code, "alternative_group")
            if service.alternative_group and agency.report.is_sure(group_key):
                groups[service.alternative_group].append((agency, service))
    for name, members in groups.items():
        _check_group(name, members, complete=complete)


def _check_group(name: str, members: list[tuple[CheckedAgency, Service]], *, complete: bool) -> None:
    if len(members) == 1 and complete:
        agency, service = members[0]
        agency.report.add(
            ("services", service.code, "alternative_group"),
            f"no other service is in the group {name!r}",
            "correct its name, or remove it: one body alone has no alternative",
        )
    issuer: dict[str, str] = {}
    for agency, service in members:
        for place, document in enumerate(service.document_types):
            other = issuer.setdefault(document, service.code)
            if other != service.code:
                agency.report.add(
                    ("services", service.code, "document_types", place),
                    f"{document!r} is a document of {other} too, of the same group {name!r}",
                    "give each body's certificate a type of its own: the type presented decides between them",
                )
