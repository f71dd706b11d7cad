"""What an agency is told afterwards, at the workbench: previewed, tried, and kept as golden files."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import pytest

from hub.adapters.sample import SAMPLE_MRN
from tests.adapters.system import Heard, Say, answer, system
from tests.workbench.conftest import Hub, WorkFolder

MFDS = {"MFDS_ENDPOINT": "http://127.0.0.1:9", "MFDS_TOKEN": "top-secret-token"}
DONE = answer(200, '{"ticket": "T-7", "state": "PENDING"}', Content_Type="application/json")
GONE = answer(200, '{"errorCode": "N404", "message": "no such ticket"}', Content_Type="application/json")


def body_of(said: str) -> object:
    """The JSON that was printed."""
    return json.loads(said[said.index("{") : said.rindex("}") + 1])


def test_a_withdrawal_is_shown_with_its_reason(hub: Hub) -> None:
    """The hub's code stands in the table's terms; an unknown one as what stands for all others."""
    words = ["preview", "mfds", "--operation", "withdraw", "--reference", "T-7"]
    known = hub(*words, "--reason", "C01", **MFDS)
    assert known.status == 0, known.said
    assert "POST http://127.0.0.1:9/applications/T-7/withdrawal" in known.said
    assert body_of(known.said) == {"reasonCode": "W10"}
    assert body_of(hub(*words, **MFDS).said) == {"reasonCode": "W99", "remark": "Sample"}
    assert body_of(hub(*words, "--reason", "", **MFDS).said) == {"reasonCode": "W99"}


def test_an_amendment_is_shown_with_its_revision(hub: Hub) -> None:
    """The whole content, and which it is."""
    ended = hub(
        "preview",
        "mfds",
        "--operation",
        "amend",
        "--reference",
        "T-7",
        "--revision",
        "3",
        "--explain",
        **MFDS,
    )
    assert "PUT http://127.0.0.1:9/applications/T-7" in ended.said
    assert '"amendmentNo": 3' in ended.said
    assert "referral.revision" in ended.said


def test_a_document_that_is_not_there_is_told(hub: Hub, tmp_path: Path) -> None:
    """Before anything is sent."""
    missing = tmp_path / "missing.pdf"
    ended = hub("preview", "mfds", "--operation", "inform", "--document", str(missing), **MFDS)
    assert ended.status == 1
    assert f"the document {missing} cannot be read: No such file or directory" in ended.said


def test_an_answer_is_sent_with_its_documents(hub: Hub, tmp_path: Path) -> None:
    """As the declarant's would be; what came of it is told."""
    document = tmp_path / "test report.pdf"
    document.write_bytes(b"%PDF-1.7\0\xff")
    words = [
        "--operation",
        "inform",
        "--reference",
        "T-7",
        "--text",
        "As asked.",
        "--document",
        str(document),
    ]
    with system(DONE) as running:
        ended = hub("try", "mfds", *words, **(MFDS | {"MFDS_ENDPOINT": running.url}))
    assert ended.status == 0, ended.said
    assert "the agency has taken it: passed on" in ended.said
    [heard] = running.heard
    told = json.loads(heard.body)
    assert (heard.path, told["text"]) == ("/applications/T-7/supplements", "As asked.")
    [attachment] = told["attachments"]
    assert (attachment["fileName"], attachment["contentType"]) == ("test report.pdf", "application/pdf")
    assert b64decode(attachment["data"]) == document.read_bytes()


def test_what_the_agency_does_not_have_is_told_as_such(hub: Hub) -> None:
    """A withdrawal is done then."""
    with system(GONE) as running:
        ended = hub(
            "try", "mfds", "--operation", "withdraw", "--reference", "T-8",
            **(MFDS | {"MFDS_ENDPOINT": running.url}),
        )  # fmt: skip
    assert ended.status == 0
    assert "withdrawn: the agency does not have it" in ended.said


@pytest.mark.slow
def test_a_try_becomes_a_golden_file(hub: Hub, folder: WorkFolder) -> None:
    """With what was told beside the declaration: the reason, or the answer and its documents."""

    def script(heard: Heard) -> Say:
        return DONE if "supplements" in heard.path else GONE

    with system(script) as running:
        env = MFDS | {"MFDS_ENDPOINT": running.url}
        informed = hub(
            "record", "mfds", "--operation", "inform", "--reference", "T-7", "--as", "takes-words",
            "--revision", "2", "--text", "As asked.", "--why", "Words.", **env,
        )  # fmt: skip
        withdrawn = hub(
            "record", "mfds", "--operation", "withdraw", "--reference", "T-7", "--as", "lost-it",
            "--under", "26KRZZZZZZZZZZZZZ0", "--reason", "C09", **env,
        )  # fmt: skip
    assert (informed.status, withdrawn.status) == (0, 0), informed.said + withdrawn.said
    words, lost = (folder.text(f"golden/mfds/{name}.yaml") for name in ("takes-words", "lost-it"))
    assert "revision: 2\n" in words
    assert "  text: As asked.\n" in words
    assert "withdrawal:\n  reason: C09\n" in lost
    assert "26KRZZZZZZZZZZZZZ0" not in lost
    assert SAMPLE_MRN not in lost  # this agency is told its own number alone
    assert hub("test", "mfds", "takes-words").status == 0
    assert hub("test", "mfds", "lost-it").status == 0
    folder.spoil("golden/mfds/lost-it.yaml", "reason: C09", "reason: C01")
    assert '+   "reasonCode": "W10"' in hub("test", "mfds", "lost-it").said


def test_what_a_case_does_not_tell_of_is_a_fault(hub: Hub, folder: WorkFolder) -> None:
    """With its line, as every fault of a golden file."""
    folder.spoil("golden/mfds/gives-a-ticket.yaml", "does: submit", "does: submit\nwithdrawal: {reason: C01}")
    said = hub("test", "mfds", "gives-a-ticket").said
    assert "gives-a-ticket.yaml:3  withdrawal  submit tells of no withdrawal" in said
    folder.spoil("golden/mfds/decides-at-once.yaml", "does: submit", "does: inform")
    assert "there is no answer to be passed on" in hub("test", "mfds", "decides-at-once").said
