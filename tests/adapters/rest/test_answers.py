"""Answers in every form they come in, and what operations are told of those that say no."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.domain.errors import AgencyRefused, AgencyUnavailable, ChannelError, InDoubt, NotUnderstood
from hub.domain.exchange import Submission
from hub.domain.referral import Verdict
from tests.adapters.rest.support import faults, rest_agency, spoken_to
from tests.adapters.support import NOW, dossier
from tests.adapters.system import Say, answer, system

DESK = """
openapi: 3.0.3
paths:
  /boxes:
    post:
      responses:
        200:
          description: x
          content:
            application/json: {schema: {$ref: '#/components/schemas/Box'}}
            application/vnd.box+xml: {schema: {$ref: '#/components/schemas/Box'}}
        default: {description: x, content: {application/problem+json: {schema: {type: object}}}}
  /boxes/{id}:
    get: {responses: {200: {description: x}}}
components:
  schemas:
    Box:
      type: object
      properties:
        number: {type: string, xml: {attribute: true}}
        key: {type: string}
        count: {type: integer}
        weight: {type: number}
        held: {type: boolean}
        lines: {type: array, xml: {wrapped: true, name: Lines}, items: {type: object, xml: {name: Line}}}
        marks: {type: array, items: {type: string, xml: {name: mark}}}
"""
CHANNEL = """
submit:
  method: POST
  path: /boxes
  request: {a: 1}
  receipt:
    reference: =reply.number
  decision: {when: =has(reply.word), word: =reply.word}
"""


async def submitted(folder: Path, say: Say, channel: str = CHANNEL) -> Submission:
    file = rest_agency(folder, DESK, channel)
    with system(say) as running:
        async with spoken_to(folder, running.url, file) as gateway:
            return await gateway.submit(dossier(file))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"number": "R-한", "word": "yes"}', "application/json"),
        ('\ufeff{"number": "R-한", "word": "yes"}', "text/html"),
        ("number=R-%ED%95%9C&word=yes", "application/x-www-form-urlencoded"),
        ("<box number='R-한'><word>yes</word></box>", "application/vnd.box+xml"),
        (
            "<?xml version='1.0' encoding='EUC-KR'?><b number='R-한'><word>yes</word></b>".encode("euc-kr"),
            "text/xml",
        ),
        ("<box number='R-한'><word>yes</word></box>".encode("euc-kr"), "text/xml; charset=euc-kr"),
        ('{"number": "R-한", "word": "yes"}'.encode("euc-kr"), "application/json;charset=EUC-KR"),
        ('{"number": "R-한", "word": "yes"}'.encode(), "application/json;charset=iso-8859-1"),
        ('{"number": "R-한", "word": "yes"}'.encode("utf-16"), "application/json"),
        ("\n<box number='R-한'><word>yes</word></box>", ""),
    ],
)
async def test_an_answer_is_read_by_its_type_or_by_looking(
    tmp_path: Path, body: str | bytes, kind: str
) -> None:
    """Whatever the header says, an answer that can be read is read."""
    say = answer(200, body, **({"Content_Type": kind} if kind else {}))
    submission = await submitted(tmp_path, say)
    assert submission.receipt.reference == "R-한"
    assert [decision.verdict for decision in submission.decisions] == [Verdict.APPROVED]


async def test_xml_is_read_by_the_schema(tmp_path: Path) -> None:
    """A list of one is a list; numbers of the contract are numbers; fractions stay as they were written."""
    body = """<Box xmlns="urn:x" number="R-1"><count>7</count><weight>1.50</weight><held>true</held>
      <Lines><Line><a>1</a></Line></Lines><mark>m</mark><other><b>2</b></other></Box>"""
    channel = CHANNEL.replace(
        "    reference: =reply.number\n",
        "    reference: >-\n      =json([reply.number, reply.count + 1, reply.weight, reply.held,"
        " reply.lines[0].a, reply.marks, reply.other.b])\n",
    )
    submission = await submitted(tmp_path, answer(200, body, Content_Type="application/xml"), channel)
    assert json.loads(submission.receipt.reference or "") == ["R-1", 8, "1.50", True, "1", ["m"], "2"]


@pytest.mark.parametrize("say", [answer(200), answer(201, "  \n"), answer(202), answer(204)])
async def test_an_empty_answer_is_success(tmp_path: Path, say: Say) -> None:
    """When nothing is to be read out of it."""
    submission = await submitted(tmp_path, say, "submit: {method: POST, path: /boxes, request: {a: 1}}")
    assert submission.receipt.reference is None


async def test_the_address_of_what_was_made_is_the_reference(tmp_path: Path) -> None:
    """201 with `Location` and no body; the check does not miss a header that no contract tells of."""
    channel = """
submit:
  method: POST
  path: /boxes
  request: {a: 1}
  receipt:
    reference: =headers.location.substring(headers.location.lastIndexOf("/") + 1)
"""
    submission = await submitted(tmp_path, answer(201, Location="/boxes/B-7"), channel)
    assert submission.receipt.reference == "B-7"
    assert faults(tmp_path, rest_agency(tmp_path, DESK, channel)) == {}


async def test_a_text_is_its_own_value(tmp_path: Path) -> None:
    """Some answer with the bare number."""
    channel = "submit: {method: POST, path: /boxes, request: {a: 1}, receipt: {reference: =reply}}"
    assert (
        await submitted(tmp_path, answer(200, "R-1\n", Content_Type="text/plain"), channel)
    ).receipt.reference == ("R-1")
    with pytest.raises(NotUnderstood, match="not JSON"):
        await submitted(tmp_path, answer(200, "R-1", Content_Type="text/html"), channel)


PROBLEM = {
    "type": "about:blank",
    "title": "The box is not right",
    "status": 422,
    "detail": "Two members are wrong. " + "Whole. " * 120,
    "errors": [{"pointer": "/serial", "detail": "is taken"}, {"pointer": "/count", "detail": "is too many"}],
    "violations": {"mode": ["is not known", "is not text"]},
}


async def test_a_problem_is_told_whole(tmp_path: Path) -> None:
    """RFC 9457: title, detail, and every single error under whatever name."""
    say = answer(422, json.dumps(PROBLEM), Content_Type="application/problem+json")
    with pytest.raises(AgencyRefused) as told:
        await submitted(tmp_path, say)
    words = str(told.value)
    assert words.startswith("status 422: The box is not right: Two members are wrong. Whole.")
    assert words.endswith("/serial, is taken; /count, is too many; mode: is not known; mode: is not text"), (
        words
    )


ERRORS = """
  errors:
    - {when: '=has(reply.error) && reply.error.code == "BUSY"', means: unavailable, text: =reply.error.text}
    - {when: '=has(reply.error)', means: refused, text: =reply.error.text}
    - {when: '=reply.?result.orValue("") == "NG"', means: refused, text: =reply.reason}
"""


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ({"error": {"code": "E1", "text": "no such code"}, "number": "R-1"}, AgencyRefused, "no such code"),
        ({"error": {"code": "BUSY", "text": "later"}}, AgencyUnavailable, "later"),
        ({"result": "NG", "reason": "not today", "number": "R-1", "word": "yes"}, AgencyRefused, "not today"),
    ],
)
async def test_an_error_inside_a_good_answer_is_told_before_anything_is_read(
    tmp_path: Path, body: dict[str, object], error: type[ChannelError], words: str
) -> None:
    """Neither the receipt nor the decision beside it counts; in either shape of the error."""
    with pytest.raises(error, match=f"^{words}$"):
        await submitted(tmp_path, answer(200, json.dumps(body)), CHANNEL + ERRORS)


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_obeyed(tmp_path: Path, status: int) -> None:
    """In seconds, or as a date."""
    with pytest.raises(AgencyUnavailable) as told:
        await submitted(tmp_path, answer(status, "slow down", Retry_After="17"))
    assert told.value.retry_after == 17
    dated = NOW.replace(minute=31).strftime("%a, %d %b %Y %H:%M:%S GMT")
    with pytest.raises(AgencyUnavailable) as told:
        await submitted(tmp_path, answer(status, "slow down", Retry_After=dated))
    assert told.value.retry_after == 60


async def test_a_page_of_html_with_status_500_leaves_a_submission_in_doubt(tmp_path: Path) -> None:
    """A proxy says nothing of whether it took effect."""
    with pytest.raises(InDoubt, match="status 500: <html>"):
        await submitted(tmp_path, answer(500, "<html><body>Oops</body></html>", Content_Type="text/html"))


async def test_accept_names_what_the_contract_answers_with(tmp_path: Path) -> None:
    """Good answers first; an agency that minds gets what it can give."""
    file = rest_agency(tmp_path, DESK, CHANNEL)
    with system(answer(200, '{"number": "R-1"}')) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            await gateway.submit(dossier(file))
    assert running.heard[0].headers["accept"] == (
        "application/json, application/vnd.box+xml, application/problem+json"
    )


VALUES = """
submit:
  method: POST
  path: /boxes
  request: {a: 1}
  receipt: {reference: =reply.number, values: {key: =reply.key, page: '=text(reply.?page.orValue(""))'}}
  decision: {when: '=receipt.values.key == "now"', word: '="yes"'}
poll:
  method: GET
  path: /boxes/{receipt.reference}
  query: {key: =receipt.values.key}
  headers: {X-Page: '=receipt.values.?page.orValue("none")'}
  every: 1m
  decision: {word: =reply.word}
"""


async def test_further_values_of_an_answer_are_remembered_for_later_requests(tmp_path: Path) -> None:
    """A decision of the same answer sees them too; one that the answer leaves out is not there."""
    file = rest_agency(tmp_path, DESK, VALUES)
    assert faults(tmp_path, file) == {}
    said = [answer(200, '{"number": "R-1", "key": "now", "page": ""}'), answer(200, '{"word": "no"}')]
    with system(said) as running:
        async with spoken_to(tmp_path, running.url, file) as gateway:
            asked = dossier(file)
            submission = await gateway.submit(asked)
            await gateway.poll(asked.model_copy(update={"receipt": submission.receipt}))
    assert submission.receipt.values == {"key": "now"}
    assert [decision.verdict for decision in submission.decisions] == [Verdict.APPROVED]
    poll = running.heard[1]
    assert (poll.path, poll.headers["x-page"]) == ("/boxes/R-1?key=now", "none")


async def test_a_value_too_long_to_go_along_is_not_understood(tmp_path: Path) -> None:
    """It would go along with the referral wherever that goes."""
    with pytest.raises(NotUnderstood, match="the value key of the receipt has 5000 characters"):
        await submitted(tmp_path, answer(200, json.dumps({"number": "R", "key": "k" * 5000})), VALUES)
