"""What would go to an agency, and what comes of sending it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hub.loopback import free_port
from tests.adapters.system import Heard, Say, System, answer, system
from tests.workbench.conftest import CHERRIES, Hub, WorkFolder

RECEIPT = answer(202, '{"ticket": "T-7", "state": "PENDING"}', Content_Type="application/json")
TAKEN = answer(
    200,
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<RequestConfirmationResponse xmlns="http://requirement.agency.example/v1"><ReceiptNo>R-1</ReceiptNo>'
    "<ReceiptDt>2026-03-02T09:30:00+09:00</ReceiptDt></RequestConfirmationResponse></s:Body></s:Envelope>",
    Content_Type="text/xml",
)
MFDS = {"MFDS_TOKEN": "top-secret-token"}
APQA = {"APQA_USER": "customs-hub", "APQA_PASSWORD": "top-secret-password"}

SESSION = """paths:
  /session:
    post:
      requestBody:
        content:
          application/json:
            schema: {type: object, properties: {user: {type: string}, pin: {type: string}}}
      responses:
        "200":
          description: open
          content:
            application/json: {schema: {type: object, properties: {key: {type: string}}}}
"""
LOGIN = """  endpoint: env:KATS_ENDPOINT
  secrets: {pin: env:KATS_PIN}
  login:
    method: POST
    path: /session
    request: {user: hub, pin: =secret.pin}
    token: =reply.key
"""


def mfds(running: System) -> dict[str, str]:
    return {**MFDS, "MFDS_ENDPOINT": running.url}


def shown(said: str) -> tuple[str, dict[str, str], str]:
    """First line, headers and body of the first request that was printed."""
    lines = said.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith(("  POST ", "  GET ")))
    headers = {}
    for end, line in enumerate(lines[place + 1 :], place + 1):  # noqa: B007 - the end is needed
        name, colon, value = line.strip().partition(": ")
        if not colon:
            break
        headers[name.lower()] = value
    body = lines[end + 1 :]
    last = next((i for i, line in enumerate(body) if line.startswith(("note:", "nothing has"))), len(body))
    return lines[place].strip(), headers, "\n".join(body[:last])


@pytest.mark.parametrize(
    ("agency", "variables", "says"), [("mfds", MFDS, RECEIPT), ("apqa", APQA, TAKEN)], ids=["rest", "soap"]
)
def test_what_is_previewed_is_what_is_sent(
    hub: Hub, agency: str, variables: dict[str, str], says: Say
) -> None:
    """Method, address, every header and the body byte for byte; only what is secret is masked."""
    words = ["--declaration", str(CHERRIES), "--mrn", "26KR1B2C3D4E5F6G72", "--raw"]
    with system(says) as running:
        variables = {**variables, f"{agency.upper()}_ENDPOINT": f"{running.url}/in"}
        before = hub("preview", agency, *words, **variables)
        assert (before.status, running.heard) == (0, [])
        assert hub("try", agency, *words, **variables).status == 0
        [heard] = running.heard
    head, headers, body = shown(before.said)
    assert head == f"{heard.method} {running.url}{heard.path}"
    masked = {name: "***" if name == "authorization" else value for name, value in heard.headers.items()}
    assert headers == masked
    assert body == heard.body.decode()


def test_a_preview_needs_no_variables_and_says_what_stands_for_them(hub: Hub) -> None:
    """Neither credentials nor an address are needed to look at a mapping."""
    ended = hub("preview", "mfds", "--declaration", str(CHERRIES))
    assert ended.status == 0
    assert "POST {MFDS_ENDPOINT}/applications" in ended.said
    assert "MFDS_TOKEN is not set" in ended.said
    assert "MFDS_CALLBACK_SECRET" not in ended.said
    assert "nothing has been sent" in ended.said


def test_each_part_is_explained(hub: Hub) -> None:
    """Key, expression and value; what was not declared says so."""
    said = hub("preview", "mfds", "--declaration", str(CHERRIES), "--explain").said
    rows = [re.split(r" {2,}", line.strip()) for line in said.splitlines() if "=" in line]
    told = {row[0]: row[1:] for row in rows}
    assert told["request.customs.ucr"] == ['"26KREXAMPLE0001"', "=declaration.consignment.ucr"]
    assert "not declared" in told["request.documentNo"][0]


def test_an_expression_that_fails_is_told_with_its_leaf(hub: Hub, folder: WorkFolder) -> None:
    """What a declaration lacks shows with that declaration: the check cannot know of attributes."""
    folder.spoil(
        "agencies/kats.yaml",
        "ucr: =declaration.consignment.ucr",
        'ucr: \'=items[0].attributes.?grade.orValue("x") == "x" ? items[7].origin : ""\'',
    )
    ended = hub("preview", "kats", "--service", "kats-measuring")
    assert ended.status == 1
    assert "items[7]" in ended.said


def test_the_other_operations(hub: Hub) -> None:
    """A poll asks by the reference that is given; a feed is pulled; one that is not there is named."""
    polled = hub("preview", "mfds", "--operation", "poll", "--reference", "T/7")
    assert "GET {MFDS_ENDPOINT}/applications/T%2F7" in polled.said
    assert "GET {NIBR_ENDPOINT}/outbox?limit=200" in hub("preview", "nibr", "--operation", "pull").said
    acknowledged = hub("preview", "nibr", "--operation", "acknowledge", "--id", "E-1", "--id", "E-2").said
    assert json.loads(shown(acknowledged)[2]) == {"entryIds": ["E-1", "E-2"]}
    missing = hub("preview", "kats", "--operation", "poll")
    assert missing.status == 1
    assert "has no poll" in missing.said
    assert "submit" in missing.said


def test_a_log_in_is_shown_and_its_token_stood_for(hub: Hub, folder: WorkFolder) -> None:
    """Nothing is sent, so there is no token; the secret of the log-in is masked."""
    folder.spoil("contracts/rest-immediate.yaml", "paths:\n", SESSION)
    folder.spoil("agencies/kats.yaml", "  endpoint: env:KATS_ENDPOINT\n", LOGIN)
    folder.spoil(
        "agencies/kats.yaml",
        "    path: /v1/reviews\n",
        "    path: /v1/reviews\n    headers: {X-Session: =session.token}\n",
    )
    login = hub("preview", "kats", "--operation", "login", KATS_PIN="pin-1234")
    assert json.loads(shown(login.said)[2]) == {"user": "hub", "pin": "***"}
    assert "pin-1234" not in login.said
    submit = hub("preview", "kats")
    assert shown(submit.said)[1]["x-session"] == "<token>"
    assert "--operation login" in submit.said

    def door(heard: Heard) -> Say:
        if heard.path == "/session":
            return answer(200, '{"key": "sesame-1"}', Content_Type="application/json")
        assert heard.headers["x-session"] == "sesame-1"
        return answer(200, '{"review_id": "RV-1", "reference": "x"}', Content_Type="application/json")

    with system(door) as running:
        variables = {"KATS_ENDPOINT": running.url, "KATS_KEY": "k-123456", "KATS_PIN": "pin-1234"}
        tried = hub("try", "kats", **variables)
        recorded = hub("record", "kats", "--as", "logs-in-first", **variables)
    assert tried.status == 0
    assert recorded.status == 0, recorded.said
    assert "pin-1234" not in tried.said + folder.text("golden/kats/logs-in-first.yaml")
    assert "sesame-1" not in tried.said + folder.text("golden/kats/logs-in-first.yaml")
    assert hub("test", "kats", "logs-in-first").status == 0


def test_secrets_of_a_request_are_shown_to_nobody(hub: Hub, folder: WorkFolder) -> None:
    """Neither in the request, nor where each expression is explained, nor in a golden file."""
    folder.spoil(
        "agencies/kats.yaml",
        "  endpoint: env:KATS_ENDPOINT\n",
        "  endpoint: env:KATS_ENDPOINT\n  secrets: {pin: env:KATS_PIN}\n",
    )
    folder.spoil(
        "agencies/kats.yaml",
        "    path: /v1/reviews\n",
        "    path: /v1/reviews\n    query: {p: =secret.pin}\n"
        "    headers: {X-Pin: '=base64(\"hub:\" + secret.pin)', X-Plain: =secret.pin}\n",
    )
    told = hub("preview", "kats", "--explain", KATS_PIN="pin &zq9x")
    assert "X-Pin" in told.said
    says = answer(200, '{"review_id": "RV-1", "reference": "x"}', Content_Type="application/json")
    with system(says) as running:
        variables = {"KATS_ENDPOINT": running.url, "KATS_KEY": "k-123456", "KATS_PIN": "pin &zq9x"}
        recorded = hub("record", "kats", "--as", "proved-by-pin", **variables)
    assert recorded.status == 0, recorded.said
    assert running.heard[0].headers["x-pin"] == "aHViOnBpbiAmenE5eA=="
    everything = told.said + recorded.said + folder.text("golden/kats/proved-by-pin.yaml")
    assert [form for form in ("pin &", "pin+%26", "pin%20", "zq9x", "aHViOnBpb") if form in everything] == []
    assert hub("test", "kats", "proved-by-pin").status == 0


@pytest.mark.parametrize(
    ("say", "status", "words"),
    [
        (RECEIPT, 0, ["received: the agency's reference is T-7", "asks for it every", "--reference T-7"]),
        (answer(503, "closed"), 3, ["unavailable", "status 503"]),
        (answer(401, "who?"), 4, ["refused", "look at `channel.auth`"]),
        (
            answer(
                200,
                '{"ticket":"T","state":"DECIDED","decision":{"decisionId":"1","result":"?!","decidedAt":"x"}}',
            ),
            5,
            ["not understood", "add the word to `verdicts`"],
        ),
        (Say(), 6, ["in doubt", "no answer"]),
    ],
    ids=["received", "unavailable", "refused", "not understood", "in doubt"],
)
def test_an_answer_is_shown_and_explained(hub: Hub, say: Say, status: int, words: list[str]) -> None:
    """The status of the command tells the sort; the words tell what the hub does, and what to do."""
    with system(say) as running:
        ended = hub("try", "mfds", "--service", "mfds-narcotics", **mfds(running))
    assert ended.status == status, ended.said
    for word in words:
        assert word in ended.said
    assert "top-secret" not in ended.said


def test_nobody_there(hub: Hub) -> None:
    """The address is named, and the key of the file it comes from."""
    port = free_port()
    ended = hub("try", "mfds", **MFDS, MFDS_ENDPOINT=f"http://127.0.0.1:{port}")
    assert ended.status == 3
    assert f"is http://127.0.0.1:{port}/applications the right address (env:MFDS_ENDPOINT)" in ended.said


def test_each_try_is_another_submission(hub: Hub) -> None:
    """Else the agency would answer that it has it already; --mrn asks for the same one again."""
    with system(RECEIPT) as running:
        for more in ([], [], ["--mrn", "26KR1B2C3D4E5F6G72"]):
            assert hub("try", "mfds", "--declaration", str(CHERRIES), *more, **mfds(running)).status == 0
    references = [json.loads(heard.body)["clientReference"].split("/")[0] for heard in running.heard]
    assert len(set(references)) == 3
    assert references[2] == "26KR1B2C3D4E5F6G72"


def test_production_is_asked_about_first(hub: Hub) -> None:
    """Production is what is meant where nobody says otherwise, as everywhere in the hub."""
    with system(RECEIPT) as running:
        ended = hub("try", "mfds", HUB_ENVIRONMENT="production", **mfds(running))
        assert ended.status == 1
        assert "--yes" in ended.said
        assert running.heard == []


def test_every_variable_that_is_missing_is_named_with_what_it_holds(hub: Hub, tmp_path: Path) -> None:
    """All at once; a file of them will do, and a line in it that is none is told."""
    ended = hub("try", "apqa")
    assert ended.status == 1
    for words in (
        "APQA_ENDPOINT  an address",
        "APQA_USER  a user name",
        "APQA_PASSWORD  a secret",
        "--env-file",
    ):
        assert words in ended.said
    written = tmp_path / "apqa.env"
    with system(TAKEN) as running:
        written.write_text(
            f"# test system\nAPQA_ENDPOINT={running.url}\nexport APQA_USER='u'\nAPQA_PASSWORD=p#1\n"
        )
        assert hub("try", "apqa", "--env-file", str(written)).status == 0
    written.write_text("APQA_USER=u\nAPQA_PASSWORD\n")
    assert f"{written}:2  this is no variable" in hub("try", "apqa", "--env-file", str(written)).said


def test_what_the_declaration_does_not_need_is_not_asked(hub: Hub, tmp_path: Path) -> None:
    """Why not is what routing says; --service insists."""
    ended = hub("preview", "kats", "--declaration", str(CHERRIES))
    assert ended.status == 1
    assert "needs no service of kats" in ended.said
    insisted = hub("preview", "kats", "--declaration", str(CHERRIES), "--service", "kats-measuring")
    assert insisted.status == 0
    assert "did you mean 'kats-measuring'?" in hub("preview", "kats", "--service", "kats-measurin").said
    broken = tmp_path / "broken.json"
    broken.write_text('{"lrn": 7, "items": [{"number": 1, "hs_code": "08"}]}')
    faults = hub("preview", "kats", "--declaration", str(broken)).said
    assert "/lrn" in faults
    assert "/items/0/hs_code" in faults
