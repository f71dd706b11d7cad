"""Each kind of fault: its file, line, key, what is wrong and the cure."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

PLANTS, LABS = "agencies/plants.yaml", "agencies/labs.yaml"


@dataclass(frozen=True)
class Case:
    """
    Spoil a file by replacing one text, and the faults that follow.

    `at` is a text of the line that is named; each of `faults` is key, what is wrong, and the cure.
    """

    file: str
    old: str
    new: str
    at: str
    key: str
    what: str
    cure: str


def case(name: str, *parts: str) -> object:
    return pytest.param(Case(*parts), id=name)


FORM = [
    case(
        "unknown key", PLANTS, "    document: C", "    documnt: x\n    document: C", "documnt",
        "services.plants-import.documnt", "unknown key 'documnt'", "did you mean 'document'?",
    ),
    case(
        "misspelt part of a file", LABS, "channel:", "chanel:", "chanel:",
        "chanel", "unknown key 'chanel'", "did you mean 'channel'?",
    ),
    case(
        "unknown key of nothing known", "policy.yaml", "country: KR", "country: KR\nzzz: 1", "zzz",
        "zzz", "unknown key 'zzz'", "known here: country, hs_digits, refusal_open_for",
    ),
    case(
        "missing key", PLANTS, "    on_expiry: hold\n", "", "  plants-import:",
        "services.plants-import.on_expiry", "'on_expiry' is missing",
        "add `on_expiry:` with one of hold, escalate, deemed_approved, deemed_refused",
    ),
    case(
        "code with a leading zero", PLANTS, '- "0601"', "- 0601", "- 0601",
        "services.plants-import.hs[0]", "0601 is read as a number, and loses its zero", 'quote it: "0601"',
    ),
    case(
        "code without one", PLANTS, '- "8429"', "- 8429", "- 8429",
        "services.plants-import.hs[1]", "8429 is read as a number, not as text", 'quote it: "8429"',
    ),
    case(
        "code as a key", PLANTS, '{"01": approved', "{01: approved", "{01",
        "verdicts.01", "the key 01 is read as a number", 'quote it: "01"',
    ),
    case(
        "true for text", PLANTS, "document: Certificate", "document: true", "document: true",
        "services.plants-import.document", "true is read as true or false, not as text", 'quote it: "true"',
    ),
    case(
        "number for a length of time", LABS, "timeout: 5s", "timeout: 5", "timeout: 5",
        "channel.limits.timeout", "5 is read as a number, not as text", "write 20s, 5m, 48h or 30d",
    ),
    case(
        "nothing for text", PLANTS, "document: Certificate", "document:", "document:",
        "services.plants-import.document", "there is nothing here", "write a text",
    ),
    case(
        "list for text", PLANTS, "document: Certificate", "document: [a]", "document:",
        "services.plants-import.document", "a text belongs here, not a list", "",
    ),
    case(
        "text for a list", PLANTS, "procedure: [import]", "procedure: import", "procedure:",
        "services.plants-import.procedure", "a list belongs here, not a text", "write it as [a, b]",
    ),
    case(
        "text for a mapping", PLANTS, "law: {en: Plant Act}", "law: Plant Act", "law: Plant Act",
        "services.plants-import.law", "a mapping belongs here, not a text", "write it as {key: value}",
    ),
    case(
        "empty list", LABS, 'hs: ["8505"]', "hs: []", "hs: []",
        "services.labs-batch.hs", "it is empty", "write at least one",
    ),
    case(
        "HS prefix with dots", PLANTS, '- "0601"', '- "0601.10"', "0601.10",
        "services.plants-import.hs[0]", "'0601.10' is no HS prefix", "without dots",
    ),
    case(
        "unknown key of a row", PLANTS, "excluded: true", "exclude: true", "exclude: true",
        "services.plants-import.hs[2].exclude", "unknown key 'exclude'", "did you mean 'excluded'?",
    ),
    case(
        "word that is not known", PLANTS, "on_expiry: hold", "on_expiry: holds", "holds",
        "services.plants-import.on_expiry", "'holds' is not known here", "did you mean 'hold'?",
    ),
    case(
        "verdict that is not known", LABS, "yes: approved", "yes: ok", "verdicts",
        "verdicts.yes", "'ok' is not known here", "write one of approved, approved_with_conditions",
    ),
    case(
        "term", PLANTS, "answer_within: 3wd", "answer_within: 3 days", "3 days",
        "services.plants-import.answer_within", "'3 days' is no term", "3wd (working days)",
    ),
    case(
        "term out of reason", PLANTS, "answer_within: 3wd", "answer_within: 99999999999999999999d", "9999",
        "services.plants-import.answer_within", "99999999999999999999d is too long", "at most 3660d",
    ),
    case(
        "no working day", PLANTS, "answer_within: 3wd", "answer_within: 0wd", "0wd",
        "services.plants-import.answer_within", "0wd is no sensible number of working days", "1wd or more",
    ),
    case(
        "no time at all", PLANTS, "every: 10m", "every: 0s", "every: 0s",
        "channel.poll.every", "0s is no time at all", "write more than nothing",
    ),
    case(
        "number too small", LABS, "concurrency: 2", "concurrency: 0", "concurrency: 0",
        "channel.limits.concurrency", "0 is too small", "write 1 or more",
    ),
    case(
        "day that does not exist", PLANTS, "2026-01-01", "2026-02-30", "2026-02-30",
        "services.plants-import.hs[3].valid.start", "'2026-02-30' is no day", "write it as 2026-03-01",
    ),
    case(
        "day as a number", PLANTS, "2026-01-01", "20260101", "20260101",
        "services.plants-import.hs[3].valid.start", "20260101: a number is neither a day nor a time",
        "as 2026-03-01",
    ),
    case(
        "service code", LABS, "  labs-batch:", "  Labs_Batch:", "Labs_Batch",
        "services.Labs_Batch", "'Labs_Batch' is no name", "lower-case letters",
    ),
]  # fmt: skip

YAML = [
    case(
        "duplicate key", PLANTS, "contact: desk@plants.example", "contact: a\ncontact: b", "contact: b",
        "contact", "'contact' stands here a second time; the first is in line 3", "keep one of the two",
    ),
    case(
        "syntax", "policy.yaml", "country: KR", 'country: "KR', 'country: "KR',
        "", "not YAML: while scanning a quoted scalar", "quotes and brackets are closed",
    ),
    case(
        "colon in a text", PLANTS, "document: Certificate", "document: Certificate: plants",
        "Certificate: plants",
        "", "not YAML: mapping values are not allowed here", "quote a text that holds `: `",
    ),
    case(
        "tab", "policy.yaml", "country: KR", "country:\n\tKR", "\tKR",
        "", "not YAML", "indent with spaces",
    ),
    case(
        "tag", PLANTS, "document: Certificate", "document: !secret Certificate", "!secret",
        "", "the tag !secret is not read", "remove it",
    ),
    case(
        "merge", "policy.yaml", "country: KR", "country: KR\n<<: {a: 1}", "<<",
        "", "`<<` merges nothing here", "write the keys out",
    ),
    case(
        "second document", "policy.yaml", "country: KR", "country: KR\n---\nx: 1\n...\n---", "---",
        "", "a second document begins here", "one document in each file",
    ),
    case(
        "alias of nothing", PLANTS, "document: Certificate", "document: *cert", "*cert",
        "", "the alias *cert has no anchor before it", "write &cert where it is first said",
    ),
    case(
        "alias inside itself", PLANTS, "document: Certificate", "document: &d [*d]", "&d",
        "", "the alias *d stands inside itself", "write it out",
    ),
    case(
        "no mapping", "policy.yaml", "country: KR\nrefusal_open_for: 30d", "just words", "just words",
        "", "this is no mapping", "`key: value` lines",
    ),
]  # fmt: skip

SERVICES = [
    case(
        "agency and file name", PLANTS, "agency: plants", "agency: plant", "agency: plant",
        "agency", "the file is called plants.yaml, the agency 'plant'", "write agency: plants, or rename",
    ),
    case(
        "code in two files", LABS, "  labs-batch:", "  plants-import:", "  plants-import:",
        "services.plants-import", "agencies/labs.yaml:21 has a service of this code already", "as plants-...",
    ),
    case(
        "duplicate prefix", PLANTS, '      - "8429"', '      - "8429"\n      - {code: "0601"}',
        '{code: "0601"}',
        "services.plants-import.hs[2]", "0601 stands in hs[0] (line 11) for the same days", "do not overlap",
    ),
    case(
        "excluded from nothing", PLANTS, '"842959"', '"852959"', '"852959"',
        "services.plants-import.hs[2]", "852959 is excluded from nothing", "add the shorter prefix",
    ),
    case(
        "excluded and prohibited", PLANTS, "excluded: true", "excluded: true, prohibited: true", "prohibited",
        "services.plants-import.hs[2]", "excluded and prohibited at once", "keep one of the two",
    ),
    case(
        "validity", LABS, "end: 2030-12-31", "end: 2019-12-31", "2019",
        "services.labs-import.valid", "it starts on 2020-01-01, after its end on 2019-12-31", "correct them",
    ),
    case(
        "condition with an unknown fact", PLANTS, "needed_when: item.used,", "needed_when: item.usd,",
        "item.usd",
        "services.plants-import.hs[3].needed_when", "column 1: there is no 'item.usd' here",
        "did you mean 'item.used'?",
    ),
    case(
        "condition of the wrong type", LABS, "> 1000.0", "> 1000", "> 1000",
        "services.labs-import.prohibited_when", "column 14: `>` does not go with (number, whole number)",
        "with a decimal point",
    ),
    case(
        "condition that is no condition", LABS, "item.voltage > 1000.0", "item.voltage", "item.voltage",
        "services.labs-import.prohibited_when", "column 1: a condition is true or false; this is double",
        "compare it",
    ),
    case(
        "condition with an equals sign", LABS, "item.voltage > 1000.0", "=item.used", "=item.used",
        "services.labs-import.prohibited_when", "a condition stands bare", "remove the `=`",
    ),
    case(
        "list that is not there", PLANTS, "list.cites_species", "list.cites_specie", "needed_when: >-",
        "services.plants-import.needed_when", "there is no 'list.cites_specie' here",
        "did you mean 'list.cites_species'?",
    ),
    case(
        "English is missing", PLANTS, "name: {en: Plant quarantine}", "name: {ko: 식물}", "name: {ko: 식물}",
        "services.plants-import.name.en", "the English words are missing", "add `en:`",
    ),
    case(
        "group of one", PLANTS, "    alternative_group: certificate\n", "", "alternative_group",
        "services.labs-import.alternative_group", "no other service is in the group 'certificate'",
        "remove it",
    ),
    case(
        "decided at the hub's door", LABS, "answers: feed", "answers: door", "answers: door",
        "services.labs-batch.answers", "only customs' own control is answered at the hub's own door",
        "write one of reply, callback, poll, feed",
    ),
    case(
        "document types in a group", PLANTS, '["13101"]', '["13100", "22101"]', '"22101"',
        "services.plants-import.document_types[1]", "'22101' is a document of labs-import too",
        "a type of its own",
    ),
    case(
        "calendar", LABS, "calendar: night", "calendar: nigth", "nigth",
        "calendar", "there is no calendar 'nigth' in calendar.yaml", "did you mean 'night'?",
    ),
]  # fmt: skip

OTHER_FILES = [
    case(
        "law of no service", "exemptions.yaml", '"22B03": {law: "22"', '"99B03": {law: "99"', "99B03",
        "exemptions.99B03.law", "no service has the law code 99", "give a service this `law_code`",
    ),
    case(
        "code and law", "exemptions.yaml", '"22B03": {law: "22"', '"22B03": {law: "13"', "22B03",
        "exemptions.22B03.law", "begins with another law code than 13", 'write law: "22"',
    ),
    case(
        "exemption code", "exemptions.yaml", "22B03", "22b3", "22b3",
        "exemptions.22b3", "'22b3' is no exemption code", "13A01",
    ),
    case(
        "zone", "calendar.yaml", "Asia/Seoul", "Asia/Soul", "Asia/Soul",
        "calendars.default.zone", "there is no time zone 'Asia/Soul'", "did you mean 'Asia/Seoul'?",
    ),
    case(
        "zone as a path", "calendar.yaml", "Asia/Seoul", "../../etc/passwd", "passwd",
        "calendars.default.zone", "there is no time zone", "Asia/Seoul",
    ),
    case(
        "country of holidays", "calendar.yaml", "holidays: KR", "holidays: XK1", "XK1",
        "calendars.default.holidays", "no public holidays are known of 'XK1'", "ISO 3166-1",
    ),
    case(
        "subdivision", "calendar.yaml", "US-NY", "US-NYC", "US-NYC",
        "calendars.night.holidays", "no public holidays are known of 'NYC' in US", "write one of its",
    ),
    case(
        "default calendar", "calendar.yaml", "  default:", "  day:", "calendars:",
        "calendars", "there is no calendar 'default'", "add it",
    ),
    case(
        "no working day in the week", "calendar.yaml", "[sun]", "[mon, tue, wed, thu, fri, sat, sun]", "[mon",
        "calendars.night.weekend", "no day of the week is left to work on", "leave a day out",
    ),
    case(
        "closed before it opens", "calendar.yaml",
        '"18:00", holidays', '"08:30", holidays', '"08:30"',
        "calendars.default.opens_at", "it opens at 09:00, when it has closed at 08:30", "before it closes",
    ),
    case(
        "time as a number", "calendar.yaml", '"18:00"', "1800", "1800",
        "calendars.default.closes_at", "1800: a number is neither a day nor a time", "18:00",
    ),
    case(
        "absence of another type", "attributes.yaml", "absent: 12", "absent: none", "absent: none",
        "attributes.voltage.absent", "'none' is no number", "write a number, or leave it out",
    ),
    case(
        "values of a number", "attributes.yaml", "absent: 12", "values: ['12']", "voltage",
        "attributes.voltage.values", "a number has no list of values", "remove `values`",
    ),
    case(
        "attribute with a built-in name", "attributes.yaml", "  materials:", "  origin:", "origin",
        "attributes.origin", "item.origin is a fact of every goods item already", "another name",
    ),
    case(
        "attribute named by a word of CEL", "attributes.yaml", "  materials:", "  in:", "  in:",
        "attributes.in", "'in' is a word of CEL", "another name",
    ),
    case(
        "code in a list", "lists.yaml", "Huso huso", "0601", "0601",
        "lists.cites_species[0]", "0601 is read as a number, and loses its zero", "quote it",
    ),
    case(
        "country of the policy", "policy.yaml", "country: KR", "country: Korea", "Korea",
        "country", "'Korea' is no country", "ISO 3166-1",
    ),
    case(
        "digits of the tariff", "policy.yaml", "country: KR", "country: KR\nhs_digits: 5", "hs_digits",
        "hs_digits", "5 is too small", "write 6 or more",
    ),
    case(
        "length in the policy", "policy.yaml", "30d", "3wd", "3wd",
        "refusal_open_for", "'3wd' is no length of time", "30d",
    ),
]  # fmt: skip

_PULL = "pull: {method: GET, path: /v1/feed, query: {limit: 50}}"
_ACKNOWLEDGE = "acknowledge: {method: POST, path: /v1/feed/acks, request: {ids: =ids}}"

NAMES = [
    case(
        "table", LABS, "request: {number: =referral.id, agency: =agency.slug}",
        "request: {number: =table.unitz}", "unitz",
        "channel.submit.request.number", "there is no 'table.unitz' here", "add it under `tables` as unitz",
    ),
    case(
        "member of the agency", LABS, "agency: =agency.slug", "agency: =agency.slugs", "=agency.slugs",
        "channel.submit.request.agency", "there is no 'agency.slugs' here", "did you mean 'agency.slug'?",
    ),
    case(
        "value of a receipt", PLANTS, "{No: =receipt.reference}", "{No: =receipt.values.key}",
        "=receipt.values.key", "channel.poll.request.No",
        "there is no 'receipt.values.key' here", "under `receipt.values` of submit",
    ),
    case(
        "member of a page", LABS, "query: {limit: 50}", "query: {limit: =page.no}", "=page.no",
        "channel.feed.pull.query.limit", "there is no 'page.no' here", "did you mean 'page.number'?",
    ),
]  # fmt: skip

FEEDS = [
    case(
        "a cursor nobody tells", LABS, "limit: 50}", "limit: 50, after: =page.cursor}", "pull:",
        "channel.feed.pull", "it asks by `page.cursor`, and there is no `next_page`", "add `next_page`",
    ),
    case(
        "pages without pages", LABS, "    every: 1m", "    every: 1m\n    max_pages: 5", "max_pages",
        "channel.feed.max_pages", "without `next_page` there is one page", "add `next_page`, or remove it",
    ),
    case(
        "always a next page", LABS, "    every: 1m", "    every: 1m\n    next_page: =true", "next_page",
        "channel.feed.next_page", "it is the same for every page", "read it from the answer",
    ),
    case(
        "next page is no expression", LABS, "    every: 1m", "    every: 1m\n    next_page: reply.next",
        "next_page", "channel.feed.next_page", "it does not begin with `=`", 'write "=reply.next"',
    ),
    case(
        "messages without an id", LABS, "message: {id: =message.id, ", "message: {", "message: {",
        "channel.feed.message.id", "no message could be acknowledged", "add `id:`",
    ),
    case(
        "one of several", LABS, "request: {ids: =ids}", "request: {id: =id}", "acknowledge:",
        "channel.feed.acknowledge",
        "`id` is the first of several messages", "write `each: true`, or use `ids`",
    ),
    case(
        "each, and not which", LABS, _ACKNOWLEDGE,
        "each: true\n    acknowledge: {method: POST, path: /v1/feed/acks}", "acknowledge:",
        "channel.feed.acknowledge", "it is sent for each message, and does not say which", "use `id`",
    ),
    case(
        "reject one of several", LABS, _ACKNOWLEDGE,
        _ACKNOWLEDGE + "\n    reject: {method: POST, path: /bad, request: {id: =id, why: =reason}}",
        "reject:", "channel.feed.reject",
        "`id` is the first of several messages", "write `each: true`, or use `ids`",
    ),
    case(
        "a reason where there is none", LABS, "request: {ids: =ids}", "request: {ids: =ids, why: =reason}",
        "why: =reason",
        "channel.feed.acknowledge.request.why", "there is no 'reason' here", "there are",
    ),
    case(
        "a receipt that nobody reads", LABS, _PULL, _PULL[:-1] + ", receipt: {reference: =reply.x}}",
        "receipt:", "channel.feed.pull.receipt", "`receipt` is read in submit, look_up and amend only",
        "remove it",
    ),
    case(
        "a form of nothing", LABS, _PULL, _PULL[:-1] + ", format: json}", "format: json",
        "channel.feed.pull.format", "there is no request to be written so", "add `request`",
    ),
    case(
        "a root of JSON", LABS, "agency: =agency.slug}",
        "agency: =agency.slug}\n    format: json\n    root: x", "root: x", "channel.submit.root",
        "only an XML body has a root", "write format: xml",
    ),
    case(
        "a form in SOAP", PLANTS, "    operation: Ask\n", "    operation: Ask\n    root: x\n", "root: x",
        "channel.poll.root", "'root' is a key of rest; this channel is soap", "write adapter: rest",
    ),
]  # fmt: skip

CHANGES = [
    case(
        "a reason misspelt", PLANTS, "=withdrawal.reason", "=withdrawal.reasons", "withdrawal.reasons",
        "channel.withdraw.request.Why", "there is no 'withdrawal.reasons' here",
        "did you mean 'withdrawal.reason'?",
    ),
    case(
        "a reason before it is withdrawn", PLANTS, "request: {No: =receipt.reference}",
        "request: {No: =withdrawal.reason}", "No: =withdrawal.reason", "channel.poll.request.No",
        "there is no 'withdrawal' here", "there are",
    ),
    case(
        "documents that nobody has given", LABS, "path: '/v1/applications/{referral.id}'",
        "path: '/v1/applications/{documents[0].name}'", "documents", "channel.withdraw.path",
        "there is no 'documents' here", "there are",
    ),
    case(
        "an answer misspelt", LABS, "  callback:",
        "  inform: {method: POST, path: /v1/answers, request: {words: =information.txet}}\n  callback:",
        "words:", "channel.inform.request.words", "there is no 'information.txet' here",
        "did you mean 'information.text'?",
    ),
    case(
        "a decision where none is given", LABS, "path: '/v1/applications/{referral.id}'",
        "path: '/v1/applications/{referral.id}', decision: {word: =reply.word}",
        "decision: {word: =reply.word}}", "channel.withdraw.decision",
        "`decision` is read in submit, look_up, poll, amend and inform only",
        "remove it",
    ),
    case(
        "a receipt of a reminder", LABS, "  callback:",
        "  remind: {method: POST, path: /v1/reminders, receipt: {reference: =reply.x}}\n  callback:",
        "receipt:", "channel.remind.receipt", "`receipt` is read in submit, look_up and amend only",
        "remove it",
    ),
    case(
        "an amendment elsewhere", LABS, "  callback:",
        "  amend: {method: PUT, path: /v1/applications, endpoint: http://labs.example}\n  callback:",
        "http:", "channel.amend.endpoint", "it is not https", "use https",
    ),
]  # fmt: skip

CHANNELS = [
    case(
        "contract that is not there", PLANTS, "plants.wsdl", "plant.wsdl", "plant.wsdl",
        "channel.contract", "there is no file 'contracts/plant.wsdl' in the folder", "add the file",
    ),
    case(
        "contract outside", PLANTS, "contracts/plants.wsdl", "../secrets.wsdl", "../secrets.wsdl",
        "channel.contract", "'../secrets.wsdl' leads out of the folder", "write a path below it",
    ),
    case(
        "contract from the root", PLANTS, "contracts/plants.wsdl", "/etc/hosts", "/etc/hosts",
        "channel.contract", "'/etc/hosts' leads out of the folder", "write a path below it",
    ),
    case(
        "operation is missing", PLANTS, "    operation: Ask\n", "", "  poll:",
        "channel.poll.operation", "'operation' is missing, and soap needs it", "add `operation:`",
    ),
    case(
        "path is missing", LABS, "pull: {method: GET, path: /v1/feed, ", "pull: {method: GET, ", "pull:",
        "channel.feed.pull.path", "'path' is missing, and rest needs it", "add `path:`",
    ),
    case(
        "key of rest", PLANTS, "    operation: Ask\n", "    operation: Ask\n    path: /x\n", "path: /x",
        "channel.poll.path", "'path' is a key of rest; this channel is soap", "write adapter: rest",
    ),
    case(
        "key of soap", LABS, "    method: POST\n", "    method: POST\n    port: P\n", "port: P",
        "channel.submit.port", "'port' is a key of soap; this channel is rest", "write adapter: soap",
    ),
    case(
        "found elsewhere", LABS, "    method: POST\n", "    method: POST\n    found: =true\n", "found",
        "channel.submit.found", "`found` is read in look_up only", "remove it",
    ),
    case(
        "path without a slash", LABS, "path: /v1/{ref", "path: v1/{ref", "path: v1",
        "channel.submit.path", "does not begin with `/`", "write /v1/",
    ),
    case(
        "expression in a path", LABS, "{referral.service}", "{referal.service}", "referal",
        "channel.submit.path", "column 6: there is no 'referal' here", "did you mean 'referral'?",
    ),
    case(
        "expression in a request", PLANTS, "{No: =referral.id, Lines", "{No: =refferal.id, Lines", "refferal",
        "channel.submit.request.No", "column 1: there is no 'refferal' here", "did you mean 'referral'?",
    ),
    case(
        "receipt in a first request", PLANTS, "{No: =referral.id, Lines", "{No: =receipt.reference, Lines",
        "receipt.reference, Lines", "channel.submit.request.No", "there is no 'receipt' here",
        "there are agency, declaration, items, referral",
    ),
    case(
        "expression in a header", LABS, "Idempotency-Key: =referral.id", "Idempotency-Key: =referral.",
        "Idemp",
        "channel.submit.headers.Idempotency-Key", "'.' is not expected here", "look before and after it",
    ),
    case(
        "reading that reads a request", LABS, "messages: =reply.messages", "messages: =items",
        "messages: =items",
        "channel.feed.messages", "there is no 'items' here", "there are agency, fault",
    ),
    case(
        "reading of a message", LABS, "referral: =message.number", "referral: =mesage.number", "=mesage",
        "channel.callback.referral", "there is no 'mesage' here", "did you mean 'message'?",
    ),
    case(
        "reading without an equals sign", PLANTS, "word: =reply.Code", "word: reply.Code", "word: reply",
        "channel.poll.decision.word", "'reply.Code' is no expression", 'write "=reply.Code"',
    ),
    case(
        "reading of an error", PLANTS, "text: =fault}", "text: =faults}", "=faults",
        "channel.submit.errors[0].text", "there is no 'faults' here", "did you mean 'fault'?",
    ),
    case(
        "acknowledgement", LABS, "{ids: =ids}", "{ids: =messages}", "=messages}",
        "channel.feed.acknowledge.request.ids", "there is no 'messages' here",
        "there are agency, id, ids, table",
    ),
    case(
        "message about nothing", LABS, "    referral: =message.number\n", "", "  callback:",
        "channel.callback", "a message could not be told to be about any referral", "add `referral`",
    ),
    case(
        "answers by callback", PLANTS, "answers: poll", "answers: callback", "answers: callback",
        "services.plants-import.answers", "it answers by callback, but there is no channel.callback", "add",
    ),
    case(
        "answers by feed", PLANTS, "answers: poll", "answers: feed", "answers: feed",
        "services.plants-import.answers", "it answers by feed, but there is no channel.feed", "add",
    ),
    case(
        "answers by reply", PLANTS, "answers: poll", "answers: reply", "answers: reply",
        "services.plants-import.answers", "there is no channel.submit.decision", "add",
    ),
    case(
        "answers by poll", LABS, "answers: feed", "answers: poll", "answers: poll",
        "services.labs-batch.answers", "it answers by poll, but there is no channel.poll", "add",
    ),
    case(
        "poll that decides nothing", PLANTS, "    decision: {when: =has(reply.Code), word: =reply.Code}\n",
        "",
        "answers: poll", "services.plants-import.answers", "there is no channel.poll.decision", "add",
    ),
    case(
        "two kinds of auth", LABS, "auth: {bearer: env:LABS_TOKEN}",
        "auth: {bearer: env:LABS_TOKEN, api_key: {header: X-Key, value: env:LABS_SECRET}}", "api_key",
        "channel.auth", "there are several kinds of auth: bearer, api_key", "keep one",
    ),
    case(
        "ws_security with rest", LABS, "auth: {bearer: env:LABS_TOKEN}",
        "auth: {ws_security: {username: u, password: env:LABS_TOKEN}}", "ws_security",
        "channel.auth.ws_security", "ws_security is for soap only", "use bearer, basic or api_key",
    ),
    case(
        "credential in a header", LABS, "headers: {Idempotency-Key",
        "headers: {Authorization: x, Idempotency-Key",
        "Authorization", "channel.submit.headers.Authorization", "a credential is no part of a mapping",
        "channel.auth",
    ),
    case(
        "reference in a request", PLANTS, "request: {No: =referral.id, Lines",
        "request: {No: =referral.id, Pin: [env:PLANTS_PIN], Lines", "Pin", "channel.submit.request.Pin[0]",
        "`env:` is not read here, so this very text would be sent", "name it under channel.secrets",
    ),
    case(
        "reference in a query", LABS, "query: {limit: 50}", "query: {limit: 50, key: env:LABS_KEY}",
        "LABS_KEY", "channel.feed.pull.query.key", "`env:` is not read here", "under channel.secrets",
    ),
    case(
        "reference in a header", LABS, "headers: {Idempotency-Key",
        "headers: {X-Pin: env:LABS_PIN, Idempotency-Key",
        "X-Pin", "channel.submit.headers.X-Pin", "`env:` is not read here", "under channel.secrets",
    ),
    case(
        "reference in a credential header", LABS, "headers: {Idempotency-Key",
        "headers: {X-Api-Key: env:LABS_KEY, Idempotency-Key", "X-Api-Key",
        "channel.submit.headers.X-Api-Key", "a credential is no part of a mapping", "channel.auth",
    ),
    case(
        "endpoint that is no URL", LABS, "https://labs.example/api", "labs.example/api", "endpoint",
        "channel.endpoint", "it is no base URL", "https://host/path",
    ),
    case(
        "endpoint with a user", LABS, "https://labs", "https://me:pw@labs", "endpoint",
        "channel.endpoint", "it holds a user name", "under `auth`",
    ),
    case(
        "reference that is no name", LABS, "env:LABS_TOKEN", "env:labs-token", "labs-token",
        "channel.auth.bearer", "not one of an environment variable", "capital letters",
    ),
]  # fmt: skip

SECRETS = [
    case(
        "bearer", LABS, "bearer: env:LABS_TOKEN", "bearer: s3cret", "s3cret",
        "channel.auth.bearer", "a secret is written in the file", "write env:NAME",
    ),
    case(
        "ws_security", PLANTS, "password: env:PLANTS_PASSWORD", "password: s3cret", "s3cret",
        "channel.auth.ws_security.password", "a secret is written in the file", "write env:NAME",
    ),
    case(
        "hmac", LABS, "secret: env:LABS_SECRET", "secret: s3cret", "s3cret",
        "channel.callback.auth.hmac.secret", "a secret is written in the file", "write env:NAME",
    ),
    case(
        "api key", LABS, "auth: {bearer: env:LABS_TOKEN}", "auth: {api_key: {header: X, value: s3cret}}",
        "s3cret",
        "channel.auth.api_key.value", "a secret is written in the file", "write env:NAME",
    ),
    case(
        "basic", LABS, "auth: {bearer: env:LABS_TOKEN}", "auth: {basic: {username: u, password: s3cret}}",
        "s3cret", "channel.auth.basic.password", "a secret is written in the file", "write env:NAME",
    ),
    case(
        "callback's bearer", LABS, "auth: {hmac: {secret: env:LABS_SECRET}}", "auth: {bearer: s3cret}",
        "s3cret",
        "channel.callback.auth.bearer", "a secret is written in the file", "write env:NAME",
    ),
]  # fmt: skip

INSECURE = [
    case(
        "http", LABS, "https://labs", "http://labs", "http://labs",
        "channel.endpoint", "it is not https", "use https",
    ),
    case(
        "open callback", LABS, "auth: {hmac: {secret: env:LABS_SECRET}}", "auth: {}", "auth: {}",
        "channel.callback.auth", "anybody could send a callback", "add `hmac` or `bearer`",
    ),
    case(
        "wide window", LABS, "secret: env:LABS_SECRET}", "secret: env:LABS_SECRET, window: 16m}", "16m",
        "channel.callback.auth.hmac.window", "a callback of 16m ago could be sent once more", "15m or less",
    ),
    case(
        "variable that is not set", LABS, "env:LABS_TOKEN", "env:OTHER_TOKEN", "OTHER_TOKEN",
        "channel.auth.bearer", "OTHER_TOKEN is not set in the environment", "set OTHER_TOKEN",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    "spoilt",
    [*FORM, *YAML, *SERVICES, *OTHER_FILES, *CHANNELS, *CHANGES, *NAMES, *FEEDS, *SECRETS, *INSECURE],
)
def test_a_fault_is_told_with_its_place_and_cure(folder, spoilt: Case) -> None:
    """One thing is wrong: one fault, with file, line and key, saying what is wrong and what to do."""
    folder.spoil(spoilt.file, spoilt.old, spoilt.new)
    faults = folder.faults()
    assert len(faults) == 1, "\n".join(map(str, faults))
    fault = faults[0]
    assert fault.key == spoilt.key
    assert spoilt.what in fault.what
    assert spoilt.cure in fault.cure
    assert bool(fault.cure) == bool(spoilt.cure)
    assert fault.line == folder.line(fault.file, spoilt.at)


def test_a_misspelt_table_is_told_with_the_one_that_was_meant(folder) -> None:
    """Tables are the file's own, so that their names are known when it is loaded."""
    folder.spoil(LABS, "verdicts:", "tables: {units: {KG: KGM}}\nverdicts:")
    folder.spoil(LABS, "agency: =agency.slug", 'agency: \'=lookup(table.unit, "KG", "C62")\'')
    [fault] = folder.faults()
    assert (fault.key, fault.what) == (
        "channel.submit.request.agency",
        "column 14: there is no 'table.unit' here",
    )
    assert fault.cure == "did you mean 'table.units'?"
