"""`TODO` in an agency's file: a fault that says what to fill in, wherever it stands."""

from __future__ import annotations

import pytest

PLANTS, LABS = "agencies/plants.yaml", "agencies/labs.yaml"


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "cure"),
    [
        pytest.param(
            PLANTS, "contact: desk@plants.example", "contact: TODO who looks after it", "contact",
            "fill in: who looks after it", id="a text",
        ),
        pytest.param(
            PLANTS, 'law_code: "13"', "law_code: TODO", "services.plants-import.law_code",
            "fill it in", id="a text that must have a form",
        ),
        pytest.param(
            PLANTS, "auth: {ws_security: {username: hub, password: env:PLANTS_PASSWORD}}",
            "auth: TODO how the hub proves itself", "channel.auth", "fill in: how the hub proves itself",
            id="a mapping",
        ),
        pytest.param(
            PLANTS, '{"No": i.number}', '{"No": i.number, "Grade": "TODO the grade", "Lot": "TODO its lot"}',
            "channel.submit.request.Lines", "fill in: the grade; its lot", id="within an expression",
        ),
        pytest.param(
            PLANTS, '"01": approved', "TODO the word for yes: approved", "verdicts.TODO the word for yes",
            "fill in: the word for yes", id="a key",
        ),
        pytest.param(
            PLANTS, "decision: {when: =has(reply.Code), word: =reply.Code}",
            "decision: {word: TODO the word of the decision}", "channel.poll.decision.word",
            "fill in: the word of the decision", id="an expression",
        ),
        pytest.param(
            LABS, "on_expiry: escalate", "on_expiry: TODO", "services.labs-import.on_expiry",
            "fill it in", id="a choice",
        ),
    ],
)  # fmt: skip
def test_what_is_not_filled_in_is_one_fault(
    folder, file: str, old: str, new: str, key: str, cure: str
) -> None:
    """One fault for each place, with the words of the file, and nothing said about its form."""
    folder.spoil(file, old, new)
    [fault] = folder.faults()
    assert (fault.file, fault.key, fault.what, fault.cure) == (file, key, "this is not filled in yet", cure)
    assert fault.line == folder.line(file, new.split("TODO")[0] + "TODO")


def test_a_word_that_is_called_todo_is_a_word(folder) -> None:
    """An agency may say TODO for "not yet": alone, as a key or within an expression, it is what it says."""
    folder.spoil(PLANTS, '"01": approved', '"01": approved, TODO: information_required')
    folder.spoil(PLANTS, "{when: =has(reply.Code)", "{when: '=reply.Code != \"TODO\"'")
    assert folder.faults() == ()
