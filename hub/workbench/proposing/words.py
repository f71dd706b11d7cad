"""
The words in a name: `netWght`, `NET_WT`, `Net-Weight` and `netwght` are all net and mass.

Contracts abbreviate, each in its own way. Here every usual form of a word, English as it is abbreviated in
Korean public systems included, comes to one word, so that what a name means need be written down once.
"""

from __future__ import annotations

import re
from functools import cache

_FORMS = {
    "acceptance": "accept accepted acpt acceptance",
    "acknowledge": "ack acks acknowledge acknowledgement acknowledgements acknowledgment",
    "address": "addr adr address street",
    "agency": "agency agcy organisation organization authority orgn org",
    "agent": "agent agt broker brkr representative rep filer lodger lodged forwarder attorney",
    "amend": "amend amendment correct correction modify modification revise",
    "amount": "amount amt",
    "answer": "answer reply response resp rspn",
    "applicant": "applicant aplcnt applcnt applicnt aplnt petitioner requester requestor",
    "application": "application appl aplc aply apply applied app appln aplctn",
    "approval": "approval approved approve aprv aprvl apprv apprvl",
    "arrival": "arrival arrive arrives arr arrv eta arvl",
    "attribute": "attribute attributes characteristic characteristics property properties trait traits "
    "feature features facts details detail particulars",
    "bill": "bl bol lading awb hawb mawb hbl mbl",
    "business": "biz bsn bzmn bsnm business brn bizr bizman entrprs entrp enterprise",
    "buyer": "buyer purchaser",
    "cargo": "cargo crg freight",
    "case": "case dossier",
    "cas": "cas",
    "certificate": "certificate certificates cert certs crtf crtfc certification ctf",
    "class": "class classification clsf category ctgr",
    "client": "client",
    "code": "code cd codes cde",
    "commodity": "commodity cmdt commodities merchandise mrchnds",
    "company": "company corp corporation comp cmpny firm bsnes entity organisationname",
    "condition": "condition conditions",
    "confirm": "confirm confirmation cnfm cnfrm cfm",
    "consignee": "consignee cnsge cnsgne cnee csgne",
    "consignment": "consignment consignments cnsgt shipment shpmnt",
    "consignor": "consignor cnsgr cnsgnr shipper shpr cnor",
    "container": "container containers cntr ctnr cntnr",
    "correlation": "correlation",
    "count": "count cnt total tot",
    "country": "country countries ctry cntry ntn nat nation natl",
    "currency": "currency curr cur crncy ccy",
    "customs": "customs cust cstm csto",
    "date": "date dt day ymd dte de",
    "decision": "decision decide decided dcsn ruling ruled rule judgement judgment judged judge adjudication",
    "declarant": "declarant dclrnt dclnt declnt",
    "declaration": "declaration declarations declare declared decl dclr dcl dclrt declr",
    "departure": "departure depart dep",
    "description": "description desc descr dscr descrip dsc",
    "destination": "destination dest dstn",
    "dispatch": "dispatch despatch dispatched shipped",
    "document": "document documents doc docs paper papers",
    "due": "due deadline",
    "email": "email eml mail mailaddress",
    "entry": "entry entries",
    "error": "error errors err fault faults problem problems exception",
    "export": "export exports expt exp exportation outbound",
    "exporter": "exporter exportr exptr exprtr xptr",
    "external": "external ext",
    "fax": "fax",
    "fee": "fee fees",
    "find": "find found search lookup query inquire inquiry enquire enquiry lookfor srch inqr inq",
    "finding": "finding findings",
    "flag": "flag flg yn",
    "form": "form",
    "goods": "goods gds good cargos articles article artcl",
    "gross": "gross grs",
    "heading": "heading",
    "hs": "hs hsk hscode hsno hts htsus ncm hscd taric",
    "id": "id ids identifier identifiers ident identification identity uuid guid idno",
    "import": "import imports impt imp importation inbound",
    "importer": "importer importr imptr imprtr",
    "inspection": "inspection insp inspect",
    "intended": "intended",
    "invoice": "invoice inv",
    "issue": "issue issued issuing issuance isu",
    "issuer": "issuer",
    "item": "item items itm itms",
    "key": "key keys apikey",
    "kilogram": "kg kgs kilo kilos kilogram kilograms kgm",
    "kind": "kind kinds",
    "label": "label",
    "law": "law act statute",
    "licence": "licence license licences licenses lic lcns lcnse",
    "line": "line lines ln lin",
    "list": "list lst",
    "load": "load loading loaded",
    "local": "local lcl",
    "location": "location loc place warehouse whse wrhs storage",
    "login": "login logon signin authenticate authentication auth logged session",
    "logout": "logout logoff signout",
    "lrn": "lrn",
    "made": "made mfg",
    "management": "management mng mgmt mgt control",
    "manufacturer": "manufacturer mnfctr mnfr maker producer mfr",
    "mass": "mass weight wght wgt wt wght weigh",
    "message": "message messages msg msgs",
    "method": "method means",
    "mode": "mode",
    "model": "model models mdl",
    "moment": "datetime dttm dtm dtti timestamp instant",
    "movement": "movement",
    "mrn": "mrn",
    "name": "name names nm",
    "nature": "nature",
    "net": "net",
    "note": "note notes remark remarks rmk rmrk rmks comment comments cmnt opinion opnn opn reason reasons "
    "rsn grounds memo text txt explanation",
    "notice": "notice notify notification notifications ntc",
    "number": "number numbers no num nos nbr nr nmbr numb",
    "office": "office ofc offc",
    "opened": "opened",
    "origin": "origin orig orgin orgplce",
    "outbox": "outbox mailbox inbox queue feed",
    "outcome": "outcome disposition",
    "owner": "owner ownr holder shpownr",
    "package": "package packages pkg pkgs pck packing packaging pack",
    "party": "party",
    "password": "password passwd pwd pw passphrase secret",
    "permit": "permit permits prmt prmsn permission prms",
    "person": "person psn prsn",
    "phone": "phone telephone tel telno mobile hp",
    "port": "port",
    "presented": "presented present existing prior previous former related attached supporting",
    "price": "price prc unitprice",
    "procedure": "procedure proc prcd",
    "product": "product products prod prdt prd prdct prdlst",
    "programme": "programme program scheme business_type",
    "quantity": "quantity quantities qty qy qnty quan qntt",
    "receipt": "receipt receipts rcpt rcpn rcept rceipt rcv received receive reception recv accp",
    "reference": "reference references ref refs refno",
    "regime": "regime",
    "register": "register registration registered reg regist rgst rgstr enroll enrol rgsn rgist",
    "remind": "remind reminder reminders expedite",
    "report": "report reports rpt rprt",
    "request": "request requests req rqst reqst rqs requested requesting dmnd",
    "result": "result results rslt rst rslts rsltcd",
    "review": "review rvw",
    "sample": "sample",
    "scientific": "scientific",
    "seller": "seller vendor supplier",
    "send": "send sent sender snd sndr transmit transmission trsm trnsm sendr trnm submitter",
    "sequence": "sequence seq sn sno srno serial serials sqnc ordinal position pos sqn",
    "service": "service services svc srvc srv serv",
    "size": "size",
    "species": "species",
    "specimen": "specimen specimens",
    "state": "state states phase stage standing stts",
    "status": "status sts stat",
    "submission": "submission submissions submit submitted sbmt submt",
    "supplement": "supplement supplements supplementary supplemental",
    "tariff": "tariff tarif",
    "tax": "tax vat tin",
    "ticket": "ticket tickets",
    "time": "time tm hms",
    "title": "title titl ttl",
    "token": "token accesstoken",
    "trade": "trade",
    "trader": "trader operator eori",
    "tracking": "tracking track",
    "transaction": "transaction txn trx tx trans",
    "transit": "transit",
    "transport": "transport transportation trnsp conveyance carriage",
    "type": "type typ types tp",
    "ucr": "ucr",
    "unit": "unit units ut uom measureunit",
    "use": "use usage purpose",
    "used": "used secondhand",
    "user": "user usr username userid",
    "valid": "valid validity expiry expire expires expiration",
    "value": "value val values vl _value_1",
    "verdict": "verdict",
    "version": "version",
    "vessel": "vessel ship vsl vssl flight flt voyage voy vehicle truck",
    "withdraw": "withdraw withdrawal withdrawals cancel cancellation cancellations cancelled revoke void "
    "rescind cncl retract retraction recall",
    "word": "word",
    "year": "year yr",
    "zip": "zip postal postcode zipcode",
}
_WORD_OF = {form: word for word, forms in _FORMS.items() for form in (word, *forms.split())}

_SMALL = {
    "of",
    "the",
    "a",
    "an",
    "in",
    "on",
    "at",
    "by",
    "to",
    "for",
    "and",
    "or",
    "with",
    "is",
    "as",
    "from",
    "s",
}
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
_SHORTEST_PIECE = 2


@cache
def words(name: str) -> tuple[str, ...]:
    """The words of a name, each in its one form, in order; small words and digits left out."""
    found: list[str] = []
    for hump in _HUMPS.findall(name.replace("_value_1", "Value")):
        lower = hump.lower()
        if lower in _SMALL or lower.isdigit():
            continue
        found += [_WORD_OF[lower]] if lower in _WORD_OF else (_pieces(lower) or [_singular(lower)])
    return tuple(dict.fromkeys(found))


def _singular(word: str) -> str:
    if word.endswith("s") and not word.endswith("ss") and word[:-1] in _WORD_OF:
        return _WORD_OF[word[:-1]]
    return word


@cache
def _pieces(run: str) -> list[str] | None:
    """A run of words without humps, as `bizregno`, when known forms make it up whole; the fewest of them."""
    best: dict[int, list[str]] = {0: []}
    for end in range(_SHORTEST_PIECE, len(run) + 1):
        for begin in range(end - _SHORTEST_PIECE + 1):
            piece = run[begin:end]
            if begin in best and piece in _WORD_OF and piece not in _SMALL:
                longer = [*best[begin], _WORD_OF[piece]]
                if end not in best or len(longer) < len(best[end]):
                    best[end] = longer
    return best.get(len(run))
