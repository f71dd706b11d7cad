"""What an agency is told of a referral that it has: amended, withdrawn, informed, reminded."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import pytest

from hub.adapters.check import check_channels
from hub.adapters.gateway import Gateway
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyRefused, AgencyUnavailable, ChannelError, InDoubt, NotUnderstood
from hub.domain.exchange import Asked, Dossier, Enclosure, InformationContent
from hub.domain.referral import Receipt, Verdict, Via
from hub.domain.withdrawal import Withdrawal
from tests.adapters.rest.support import faults, rest_agency, spoken_to
from tests.adapters.support import MRN, NOW, dossier
from tests.adapters.system import Say, answer, system

CONTRACT = """
openapi: 3.0.3
paths:
  /boxes:
    post: {responses: {200: {description: x}}}
  /boxes/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    put:
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {200: {description: x}}
    delete: {responses: {200: {description: x}}}
  /boxes/{id}/answers:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    post:
      requestBody:
        content:
          multipart/form-data: {schema: {type: object}}
      responses: {200: {description: x}}
  /boxes/{id}/reminders:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    post: {responses: {200: {description: x}}}
"""
CHANNEL = """
tables: {}
submit: {method: POST, path: /boxes, receipt: {reference: =reply.box, values: {key: =reply.key}}}
amend:
  method: PUT
  path: /boxes/{receipt.reference}
  request: {revision: =referral.revision, before: =referral.former, key: =receipt.values.key}
  receipt: {reference: =reply.?box.orValue(""), values: {key: '=reply.?key.orValue("")'}}
  decision: {when: =has(reply.word), word: =reply.word}
  errors:
    - {when: =status == 409, means: already_received}
withdraw:
  method: DELETE
  path: /boxes/{receipt.reference}
  query: {why: =withdrawal.reason, words: =withdrawal.remarks}
  errors:
    - {when: =status == 404, means: not_found}
    - {when: =status == 409, means: already_received}
inform:
  method: POST
  path: /boxes/{receipt.reference}/answers
  format: multipart
  request:
    id: =information.id
    question: =information.request_reference
    text: =information.text
    file: '=documents.map(d, {"base64": d.base64, "filename": d.name, "type": d.type})'
  decision: {when: =has(reply.word), word: =reply.word}
  errors:
    - {when: =status == 409, means: already_received}
remind: {method: POST, path: '/boxes/{receipt.reference}/reminders'}
""".replace("tables: {}\n", "")
WITHDRAWAL = Withdrawal(reason="sold", remarks="Sold at sea", requested_at=NOW, by="broker")
PDF = bytes(range(256))
ANSWER = InformationContent(
    id="I-1",
    request="D-1",
    request_reference="Q-7",
    text="As asked.",
    given_at=NOW,
    enclosures=(
        Enclosure(
            name="a.pdf",
            media_type="application/pdf",
            sha256=hashlib.sha256(PDF).hexdigest(),
            content=PDF,
        ),
    ),
)


@pytest.fixture
def file(tmp_path: Path) -> AgencyFile:
    made = rest_agency(tmp_path, CONTRACT, CHANNEL)
    assert faults(tmp_path, made) == {}
    return made


def of(file: AgencyFile, revision: int = 1, reference: str | None = "B-1") -> Dossier:
    """A referral that the agency has as `reference`."""
    made = dossier(file)
    receipt = Receipt(reference=reference, received_at=NOW - timedelta(days=1), values={"key": "k1"})
    terms = made.terms.model_copy(update={"revision": revision})
    return made.model_copy(update={"terms": terms, "receipt": receipt if reference else None})


async def test_an_amendment_goes_out_with_its_revision_and_keeps_the_receipt(
    tmp_path: Path, file: AgencyFile
) -> None:
    """The agency names no other reference: the one it gave stays, with what was remembered beside it."""
    asked = of(file, 2).model_copy(update={"former": (f"{MRN}/x",)})
    with system(answer(200, "{}")) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            done = await gateway.amend(asked)
    [heard] = running.heard
    assert (heard.method, heard.path) == ("PUT", "/boxes/B-1")
    assert json.loads(heard.body) == {"revision": 2, "before": [f"{MRN}/x"], "key": "k1"}
    assert done.receipt == asked.receipt
    assert done.decisions == ()
    [exchange] = done.exchanges
    assert (exchange.kind, exchange.reading, exchange.mrn) == ("amend", "amended", MRN)


async def test_what_an_amendment_is_answered_with_takes_its_place(tmp_path: Path, file: AgencyFile) -> None:
    """Of the receipt what is told anew; and a verdict given at once."""
    said = answer(200, '{"box": "B-2", "word": "yes"}')
    with system(said) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            done = await gateway.amend(of(file, 2))
            again = await gateway.amend(of(file, 2))
            later = await gateway.amend(of(file, 3))
    assert done.receipt.reference == "B-2"
    assert done.receipt.values == {"key": "k1"}
    [decision] = done.decisions
    assert (decision.verdict, decision.via) == (Verdict.APPROVED, Via.REPLY)
    assert done.exchanges[0].reading == "amended, approved"
    # The same word about the same content is the same decision; about other content it is another.
    assert again.decisions[0].id == decision.id
    assert later.decisions[0].id != decision.id


async def test_a_withdrawal_tells_why(tmp_path: Path, file: AgencyFile) -> None:
    """The reason's code and the words; neither where the declaration goes on without the service."""
    with system(answer(200, "{}")) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            told = await gateway.withdraw(of(file), WITHDRAWAL)
            await gateway.withdraw(of(file), None)
    assert [one.path for one in running.heard] == ["/boxes/B-1?why=sold&words=Sold+at+sea", "/boxes/B-1"]
    assert [(one.kind, one.reading) for one in told] == [("withdraw", "withdrawn")]


@pytest.mark.parametrize(
    ("status", "reading"), [(404, "withdrawn: the agency does not have it"), (409, "withdrawn before")]
)
async def test_a_withdrawal_may_be_repeated(
    tmp_path: Path, file: AgencyFile, status: int, reading: str
) -> None:
    """An agency that does not have it, or not any more, has been told."""
    with system(answer(status, "{}")) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            told = await gateway.withdraw(of(file), WITHDRAWAL)
    assert [one.reading for one in told] == [reading]


async def test_not_found_is_no_leave_to_forget_where_no_rule_says_so(tmp_path: Path) -> None:
    """A wrong address is answered the same way: the application might live on."""
    file = rest_agency(tmp_path, CONTRACT, CHANNEL.replace("status == 404", "status == 410"))
    with system(answer(404, "{}")) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            with pytest.raises(AgencyRefused, match="404"):
                await gateway.withdraw(of(file), WITHDRAWAL)


async def test_an_answer_is_passed_on_with_its_documents(tmp_path: Path, file: AgencyFile) -> None:
    """Octet by octet; the record tells of the file and does not hold it."""
    with system(answer(200, '{"word": "yes"}')) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            done = await gateway.inform(of(file), ANSWER)
    [heard] = running.heard
    head = f"Content-Type: {heard.headers['content-type']}\n\n".encode()
    message = message_from_bytes(head + heard.body)
    inner = [part for part in message.walk() if not part.is_multipart()]
    parts = {part.get_param("name", header="content-disposition"): part for part in inner}
    texts = {name: part.get_payload(decode=True) for name, part in parts.items()}
    assert texts == {"id": b"I-1", "question": b"Q-7", "text": b"As asked.", "file": PDF}
    assert parts["file"].get_filename() == "a.pdf"
    assert parts["file"].get_content_type() == "application/pdf"
    [decision] = done.decisions
    assert decision.verdict is Verdict.APPROVED
    [exchange] = done.exchanges
    assert (exchange.kind, exchange.reading) == ("inform", "passed on, approved")
    assert "256 bytes that are no text" in exchange.request["body"]


async def test_words_alone_are_passed_on(tmp_path: Path, file: AgencyFile) -> None:
    """What there is none of is left out."""
    bare = ANSWER.model_copy(update={"request_reference": None, "enclosures": ()})
    with system(answer(409, "{}")) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            done = await gateway.inform(of(file), bare)
    assert b"question" not in running.heard[0].body
    assert done.exchanges[0].reading == "passed on before"
    assert done.decisions == ()


async def test_a_reminder_goes_out(tmp_path: Path, file: AgencyFile) -> None:
    """Nothing is read of its answer."""
    with system(answer(200, "{}")) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            [exchange] = await gateway.remind(of(file))
    assert running.heard[0].path == "/boxes/B-1/reminders"
    assert (exchange.kind, exchange.reading) == ("remind", "reminded")


async def each(gateway: Gateway, asked: Dossier) -> dict[str, Exception]:
    """What each of the four comes to where it goes wrong."""
    calls = {
        "amend": gateway.amend(asked),
        "withdraw": gateway.withdraw(asked, WITHDRAWAL),
        "inform": gateway.inform(asked, ANSWER),
        "remind": gateway.remind(asked),
    }
    found: dict[str, Exception] = {}
    for name, call in calls.items():
        try:
            await call
        except ChannelError as wrong:
            found[name] = wrong
    return found


@pytest.mark.parametrize(
    ("say", "kind"),
    [
        pytest.param(Say(), InDoubt, id="no-answer"),
        pytest.param(answer(500, "{}"), InDoubt, id="broke"),
        pytest.param(answer(503, "{}", Retry_After="7"), AgencyUnavailable, id="closed"),
        pytest.param(answer(400, "{}"), AgencyRefused, id="refused"),
        pytest.param(answer(302, "{}"), NotUnderstood, id="redirected"),
    ],
)
async def test_what_goes_wrong_is_sorted_as_for_a_submission(
    tmp_path: Path, file: AgencyFile, say: Say, kind: type[ChannelError]
) -> None:
    """All four may have taken effect where no answer was read; what was exchanged is on the error."""
    with system(say) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            found = await each(gateway, of(file))
            if kind is AgencyUnavailable:  # it has asked for a pause, and gets it
                assert len(running.heard) == 1
                assert {type(wrong) for wrong in found.values()} == {AgencyUnavailable}
                return
    assert {name: type(wrong) for name, wrong in found.items()} == dict.fromkeys(found, kind)
    assert set(found) == {one.value for one in Asked}
    assert all(wrong.exchanges for wrong in found.values() if isinstance(wrong, ChannelError))


async def test_a_channel_without_them_says_so(tmp_path: Path) -> None:
    """Nothing is sent, and a person is called. What there is can be asked for before."""
    bare = rest_agency(tmp_path, CONTRACT, CHANNEL.split("amend:")[0])
    with system(answer(200, "{}")) as running:
        async with spoken_to(tmp_path, running.url, bare) as gateway:
            assert await gateway.abilities("kats", "v1") == frozenset()
            found = await each(gateway, of(bare))
    assert running.heard == []
    assert {type(wrong) for wrong in found.values()} == {NotUnderstood}
    assert "has no withdraw: a person must tell the agency" in str(found["withdraw"])


async def test_abilities_are_the_operations_there_are(tmp_path: Path) -> None:
    """By the version that serves the referral."""
    some = rest_agency(tmp_path, CONTRACT, CHANNEL.split("inform:")[0])
    async with spoken_to(tmp_path, "http://127.0.0.1:9", some) as gateway:
        assert await gateway.abilities("kats", "v1") == {Asked.AMEND, Asked.WITHDRAW}
        with pytest.raises(NotUnderstood, match="no agency 'nobody'"):
            await gateway.abilities("nobody", "v1")


async def test_without_a_reference_a_path_that_needs_it_is_not_sent(tmp_path: Path, file: AgencyFile) -> None:
    """A delete of everything would be one mistyped path away."""
    with system(answer(200, "{}")) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            with pytest.raises(NotUnderstood, match="empty"):
                await gateway.withdraw(of(file, reference=None), None)
    assert running.heard == []


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("=withdrawal.reason", '\'={"sold": "S1", "": ""}[withdrawal.reason]\'', "withdraw", "sample"),
        (", words: =withdrawal.remarks", ", words: =withdrawal.remark", "withdraw", 'key "remark"'),
        ("=information.text", "=documents[0].text", "inform.request.text", "text"),
        ("=information.id", "=documents[0].name", "inform.request.id", "has no element 0"),
        ("/boxes/{receipt.reference}/reminders", "/boxes/reminders", "remind.path", "the contract has"),
    ],
)
def test_a_mapping_is_tried_out_with_and_without(
    tmp_path: Path, old: str, new: str, key: str, words: str
) -> None:
    """With a reason that no table knows and none at all, with documents and without."""
    assert old in CHANNEL
    made = rest_agency(tmp_path, CONTRACT, CHANNEL.replace(old, new, 1))
    found = check_channels({"kats": made}, tmp_path, {"THERE": "https://there.example"})
    told = {".".join(map(str, one.key[1:])): one.what for one in found if not one.warning}
    at, what = next(iter(told.items()))
    assert at.startswith(key)
    assert words in what


def test_what_goes_to_an_agencys_worker_comes_out_the_same() -> None:
    """Documents are octets, which JSON does not have."""
    assert InformationContent.model_validate_json(ANSWER.model_dump_json()) == ANSWER


async def test_a_request_is_scrubbed(tmp_path: Path) -> None:
    """Secrets that stand in a withdrawal are recorded no more than those in a submission."""
    channel = CHANNEL.replace("why: =withdrawal.reason", "why: =secret.pin") + "secrets: {pin: env:PIN}\n"
    file = rest_agency(tmp_path, CONTRACT, channel)
    with system(answer(200, "{}")) as running:
        async with spoken_to(tmp_path, running.url, file, {"PIN": "s3cret-pin"}) as gateway:
            [exchange] = await gateway.withdraw(of(file), None)
    assert running.heard[0].path == "/boxes/B-1?why=s3cret-pin"
    assert "s3cret-pin" not in exchange.model_dump_json()
