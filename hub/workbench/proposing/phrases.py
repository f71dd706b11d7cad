"""
What elements of contracts are called, and what each means: a table to be added to.

A phrase is words of a name in their one form (see `words`), without order; commas part phrases. `{i}` stands
for the goods item, `{d}` for the document, `{p}` for the party, `{m}` and `{u}` for an amount and its unit.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Meaning:
    """One thing an element may mean. `expression` is CEL without `=`."""

    key: str
    expression: str
    phrases: tuple[frozenset[str], ...]
    korean: tuple[str, ...] = ()
    strong: bool = True
    """It is filled in also where the contract does not insist."""
    moment: bool = False
    """It is a time, to be written as the contract wants it."""


def meaning(
    key: str, expression: str, phrases: str, korean: str = "", *, strong: bool = True, moment: bool = False
) -> Meaning:
    """A row of the table."""
    sets = tuple(frozenset(phrase.split()) for phrase in phrases.split(",") if phrase.strip())
    return Meaning(key, expression, sets, tuple(korean.split()), strong, moment)


OURS = "our reference"
PROCEDURE = "procedure"
DOCUMENT_NUMBER = "number of a document"

HEADER = [
    meaning(
        OURS,
        "referral.id",
        "request number, request id, request reference, request key, client reference, client id, "
        "hub reference, submission number, submission id, submission reference, submission key, "
        "application key, application id, application number, application reference, send number, "
        "send id, send reference, send key, message id, message reference, message number, "
        "correlation id, correlation, transaction id, transaction number, transaction reference, "
        "external reference, external id, external number, report key, report id, reference, "
        "reference id, reference number, reference key, document id, document key, idempotency "
        "key, case reference, review reference, notice id, notice number, local reference, our "
        "reference, internal reference, internal reference number, interchange id, interchange "
        "reference, functional reference, declarant "
        "reference, trader reference, id, key, number",
        "신청번호 요청번호 전송번호 문서번호 전자문서번호 연계번호 송신번호 메시지ID 신청서번호 "
        "관리번호 참조번호",
    ),
    meaning(
        "service",
        "referral.service",
        "service code, service type, service id, service kind, service, programme, programme "
        "code, business, permit kind, permit type, licence type, licence kind, application type, "
        "application kind, report type, report kind, request type, request kind, certificate "
        "type, certificate kind, document type, kind, type",
        "업무구분 업무코드 서비스코드 민원코드 민원구분 신청구분 신청종류 요건구분 문서구분",
    ),
    meaning(
        "mrn",
        "referral.mrn",
        "mrn, declaration number, declaration id, declaration reference, declaration, customs "
        "declaration, customs number, customs reference, movement reference, customs declaration "
        "number, number declaration, import declaration number, export declaration number",
        "수입신고번호 수출신고번호 신고번호 수출입신고번호 통관번호",
    ),
    meaning(
        "lrn",
        "declaration.lrn",
        "lrn, local reference number, declarant declaration number",
    ),
    meaning(
        PROCEDURE,
        "declaration.procedure",
        "procedure, procedure code, procedure type, movement, movement type, direction, regime, "
        "regime code, import export, import export type, import export code, trade type, trade "
        "kind, declaration type, customs procedure, declaration kind",
        "수출입구분 반입반출구분 수입수출구분 신고구분 통관구분 거래구분",
    ),
    meaning(
        "ucr",
        "declaration.consignment.ucr",
        "ucr, consignment, consignment reference, consignment number, consignment id, cargo "
        "reference, consignment unique reference",
        "화물참조번호 고유참조번호",
    ),
    meaning(
        "cargo management number",
        "declaration.consignment.cargo_management_number",
        "cargo management number, cargo number, cargo id, manifest number, manifest reference, "
        "cargo management",
        "화물관리번호 적하목록관리번호 적하목록번호",
    ),
    meaning(
        "mode of transport",
        "declaration.consignment.transport_mode",
        "transport mode, transport method, transport type, transport code, mode transport, transport kind",
        "운송수단구분 운송형태 운송수단코드 운송방법",
    ),
    meaning(
        "means of transport",
        "declaration.consignment.transport_id",
        "vessel, vessel name, vessel number, vessel id, transport id, transport name, transport reference",
        "선박명 선기명 편명 항공편명 운송수단명",
    ),
    meaning(
        "country of dispatch",
        "declaration.consignment.country_of_dispatch",
        "country dispatch, country export, country load, country departure, country consignment, "
        "country exporter, dispatch country code, load country code, export country code",
        "적출국 수출국 선적국 발송국 적출국가 수출국가 선적국가",
    ),
    meaning(
        "country of destination",
        "declaration.consignment.country_of_destination",
        "country destination, country import, destination country code, import country code",
        "목적국 도착국 수입국 목적국가 도착국가",
    ),
    meaning(
        "location of the goods",
        "declaration.consignment.location",
        "location, goods location, location code, location name, item location",
        "장치장 장치장소 보관장소 장치장코드 보세구역 검사장소",
        strong=False,
    ),
    meaning(
        "customs office",
        "declaration.office",
        "customs office, office, office code",
        "세관 통관세관 세관코드",
    ),
    meaning(
        "arrival",
        "declaration.consignment.arrives_at",
        "arrival, arrival date, arrival moment, arrival time",
        "입항일 도착일 입항예정일 도착예정일 입항일자 도착일자",
        moment=True,
    ),
    meaning(
        "time of request",
        "referral.accepted_at",
        "application date, request date, submission date, send date, issue date, declaration "
        "date, date, application moment, request moment, submission moment, send moment, issue "
        "moment, declaration moment, moment, time, send time, application time, request time, "
        "submission time, message date, message moment, message time, document date, notice date, "
        "register date, report date, creation date, created, created date, created moment, "
        "preparation date, message created",
        "신청일 신청일자 신고일 신고일자 요청일시 요청일자 전송일시 전송일자 작성일 작성일자 송신일시",
        moment=True,
    ),
    meaning(
        "due",
        "referral.due_at",
        "due date, due moment, due",
        "처리기한 회신기한",
        moment=True,
        strong=False,
    ),
    meaning(
        "law",
        "referral.law",
        "law, law name, law title",
        "법령 법령명 근거법령",
        strong=False,
    ),
    meaning(
        "document asked for",
        "referral.document",
        "document name, document title, permit name, certificate name",
        "문서명 민원명 서류명",
        strong=False,
    ),
    meaning(
        DOCUMENT_NUMBER,
        '(items[0].lpcos + declaration.lpcos + [{"id": ""}])[0].id',
        "presented permit number, presented licence number, presented certificate number, "
        "presented document number, permit number, licence number, certificate number, "
        "certificate, permit, licence, approval number, certificate presented, presented licence, "
        "presented permit, document number",
        "허가번호 승인번호 인증번호 증명서번호 확인번호 기존허가번호",
        strong=False,
    ),
    meaning(
        "count of items",
        "items.size()",
        "item count, line count, goods count, product count",
        "품목수 총란수",
    ),
    meaning(
        "number of containers",
        "",
        "container count",
    ),
    meaning(
        "container",
        '(declaration.consignment.containers + [""])[0]',
        "container number, container id, container",
        "컨테이너번호",
    ),
]

ITEM = [
    meaning(
        "number of the item",
        "{i}.number",
        "number, line, line number, sequence, sequence number, item number, item, item sequence, "
        "line id, id, goods number, goods sequence, product number, item line, line sequence, "
        "item id, sequence id, key, product sequence, list number",
        "순번 란번호 일련번호 품목순번 항번 물품번호 품목일련번호",
    ),
    meaning(
        "HS code",
        "{i}.hs_code",
        "hs, hs code, hs number, hs id, tariff, tariff code, tariff number, tariff heading, "
        "hs heading, hs tariff, "
        "commodity code, commodity, goods code, commodity number, class code, class, tariff "
        "class, item code, product code, code, hs class, commodity class, tariff id, commodity "
        "id, product class",
        "HS부호 HS코드 HSK 세번 세번부호 품목번호 품목코드 품목분류 관세분류 HS번호 HS",
    ),
    meaning(
        "description",
        "{i}.description",
        "description, name, goods name, product name, item name, commodity name, goods "
        "description, title, product description, item description, commodity description, label, "
        "model, model name, model number, goods, product, specimen name, trade name, note",
        "품명 물품명 제품명 품목명 거래품명 모델명 규격 모델규격 상품명",
    ),
    meaning(
        "origin",
        "{i}.origin",
        "origin, country origin, origin code, origin country code, country, country code, made, "
        "made country, manufacturer country, agency country, country manufacture, country "
        "production",
        "원산지 원산국 원산지국가 생산국 제조국 원산지코드",
    ),
    meaning(
        "quantity",
        "{i}.quantity.value",
        "quantity, quantity value, quantity amount, count, goods quantity, number quantity, item "
        "quantity, amount quantity, item count",
        "수량 신고수량 물량",
    ),
    meaning(
        "unit of the quantity",
        "{i}.quantity.unit",
        "unit, unit code, quantity unit, quantity unit code, count unit, unit measure, unit "
        "quantity, unit name, unit type, unit id",
        "단위 수량단위 단위코드",
    ),
    meaning(
        "net mass",
        "{i}.net_mass_kg",
        "net mass, net, net mass kilogram, net kilogram, kilogram, mass, mass kilogram, mass "
        "quantity, net mass value, mass value, net mass measure",
        "순중량 중량 물품중량",
    ),
    meaning(
        "gross mass",
        "{i}.gross_mass_kg",
        "gross mass, gross, gross mass kilogram, gross kilogram",
        "총중량",
    ),
    meaning(
        "unit of mass",
        '"KGM"',
        "mass unit, net mass unit, gross mass unit, mass unit code",
        "중량단위",
    ),
    meaning(
        "value",
        "{i}.value.amount",
        "value, amount, price, invoice value, invoice amount, customs value, customs amount, "
        "goods value, item value, item amount, item price, value amount, goods price, count "
        "amount, statistics value",
        "금액 가격 과세가격 신고금액 신고가격 물품가격",
    ),
    meaning(
        "currency",
        "{i}.value.currency",
        "currency, currency code, value currency, amount currency, invoice currency, currency id, "
        "price currency, currency type",
        "통화 통화코드 통화단위 통화구분",
    ),
    meaning(
        "packages",
        "{i}.packages",
        "package, package number, package count, package quantity, number package",
        "포장개수 포장수량 포장갯수",
    ),
]

DOCUMENT = [
    meaning(
        "document type",
        "{d}.type",
        "type, kind, code, document type, document code, class, type code",
        "구분 종류",
    ),
    meaning(
        "document number",
        "{d}.id",
        "id, number, reference, document number, document id, document reference, permit number, "
        "licence number, certificate number, reference number",
        "번호 문서번호 허가번호",
    ),
    meaning(
        "issuer",
        "{d}.issuer",
        "issuer, issue agency, agency, issue, issuer name, issue name",
        "발급기관 발행기관",
    ),
    meaning(
        "issued",
        "{d}.issued_at",
        "issue date, issue moment, date",
        "발급일 발행일",
        moment=True,
    ),
    meaning(
        "valid until",
        "{d}.valid_until",
        "valid date, valid until, valid, valid moment",
        "유효기간 만료일",
        moment=True,
    ),
    meaning(
        "status of the document",
        "{d}.status",
        "status, state",
        "상태",
    ),
]

PARTY = [
    meaning(
        "number of the party",
        "{p}.id",
        "id, number, register, register number, business number, business register number, "
        "business id, code, register id, tax number, tax id, tax, key, company number, company "
        "id, customs number, customs code, business code, trader number, trader id, person "
        "number, identification number, company code, reference, party id, party number",
        "사업자등록번호 사업자번호 등록번호 통관고유부호 고유부호 식별번호 업체부호",
    ),
    meaning(
        "name of the party",
        "{p}.name",
        "name, company name, company, business name, trade name, party name, name company, person "
        "name, title",
        "상호 업체명 성명 회사명 이름 기관명 상호명",
    ),
    meaning(
        "address of the party",
        "{p}.address",
        "address, address line, address text, business address",
        "주소 소재지",
    ),
    meaning(
        "country of the party",
        "{p}.country",
        "country, country code, country id, address country",
        "국가 국가코드 국적",
    ),
]

MEASURE = [
    meaning(
        "unit",
        "{u}",
        "unit, unit code, currency, currency code, measure unit, type, unit type, code, currency id",
    ),
    meaning(
        "amount",
        "{m}",
        "value, amount, quantity, measure, number, mass, net, price, count, size, content",
    ),
]

PARTIES = {
    "declaration.importer": (
        "importer, consignee, buyer, trader, applicant, owner, company, business, client, person, "
        "import company, import business, request person, party",
        "수입자 수하인 수입업체 신청인 신청업체 화주 납세의무자 민원인 업체",
    ),
    "declaration.exporter": (
        "exporter, consignor, seller, export company, export business",
        "수출자 송하인 해외거래처 해외공급자 수출업체",
    ),
    "declaration.declarant": (
        "declarant, agent, customs agent, request, send, declaration company, application agent, submission",
        "신고인 관세사 대리인 신고자 송신자 제출자 대행자 신청대리인",
    ),
}
"""The parties of a declaration: phrases and Korean words for each."""
