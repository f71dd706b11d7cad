"""What is legal in an agency's file and unwise."""

from __future__ import annotations

import pytest

from hub.config.loader import ConfigurationFaults

PLANTS, LABS = "agencies/plants.yaml", "agencies/labs.yaml"
LOOK_UP = """  look_up:
    operation: Find
    request: {No: =referral.id}
    found: =reply.Found
"""

# The fixture's folder is wise but for these.
USUAL = {
    "channel.callback.decision",
    "channel.feed.message.decision",
    "channel.submit.decision",
    "channel.poll.decision",
}


def warned(folder) -> set[tuple[str, str]]:
    """Key and words of each warning."""
    warnings = folder.load().warnings
    assert all(warning.cure and warning.line > 0 for warning in warnings)
    return {(warning.key, warning.what) for warning in warnings}


def told_of(key: str, warnings: set[tuple[str, str]]) -> str:
    """What is said of a key."""
    return "; ".join(what for at, what in warnings if at == key)


def test_a_folder_with_warnings_loads(folder) -> None:
    """Each has file, line, key and cure; nobody is stopped by it."""
    assert {key for key, _ in warned(folder)} == USUAL


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "words"),
    [
        (LABS, "contact: desk@labs.example", "contact: the labs", "contact", "nobody knows whom to call"),
        (LABS, "timeout: 5s", "timeout: 90s", "channel.limits.timeout", "90s is long"),
        (LABS, "every: 1m", "every: 10s", "channel.feed.every", "6 times a minute"),
        (PLANTS, "every: 10m", "every: 5s", "channel.poll.every", "12 times a minute about each referral"),
        (
            PLANTS,
            "  submit:",
            "  limits: {per_second: 0.1}\n  submit:",
            "channel.poll.every",
            "60 open referrals polled every 10m use up",
        ),
        (PLANTS, "    found: =reply.Found\n", "", "channel.look_up", "every answer is taken to mean"),
        (
            PLANTS,
            "    receipt: {reference: =reply.No}\n",
            "",
            "channel.submit.receipt",
            "nothing reads one from the answer",
        ),
        (
            PLANTS,
            "decision: {when: =has(reply.Code), word",
            "decision: {word",
            "channel.poll.decision",
            "every answer is read as a decision",
        ),
        (
            LABS,
            "{yes: approved, no: refused}",
            "{yes: approved, YES : refused}",
            "verdicts.YES",
            "looks like",
        ),
        (
            LABS,
            "confidence: likely",
            "confidence: assumed",
            "services.labs-batch.on_expiry",
            "silence counts as consent",
        ),
        (
            LABS,
            "request: {number: =referral.id, agency: =agency.slug}",
            "request: {agency: =agency.slug}",
            None,
            "",
        ),
    ],
)
def test_what_is_unwise_is_told(folder, file: str, old: str, new: str, key: str | None, words: str) -> None:
    """One change, one warning more; none where the idempotency key still stands in a header."""
    before = warned(folder)
    folder.spoil(file, old, new)
    after = warned(folder)
    if key is None:
        assert after == before
    else:
        assert words in told_of(key, after)
        assert {at for at, _ in after - before} == {key}


def test_a_submission_that_nobody_could_tell_from_another(folder) -> None:
    """Without our reference anywhere in it, and without a look-up."""
    folder.spoil(PLANTS, LOOK_UP, "")
    assert told_of("channel.submit", warned(folder)) == ""
    folder.spoil(PLANTS, "request: {No: =referral.id, Lines", "request: {No: =referral.mrn, Lines")
    assert "opens a second case" in told_of("channel.submit", warned(folder))


WITHDRAW = "  withdraw: {method: DELETE, path: '/v1/applications/{referral.id}'}\n"


def test_who_cannot_be_told_of_a_withdrawal(folder) -> None:
    """Then a person must do it, and whoever runs the hub should know before."""
    folder.spoil(LABS, WITHDRAW, "")
    assert "a person must tell the agency" in told_of("channel", warned(folder))


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("withdraw: {method: DELETE, path: /v1/applications}", "nothing that is sent tells which"),
        ("remind: {method: POST, path: /v1/reminders, request: {who: =agency.slug}}", "nothing that is sent"),
        ("inform: {method: POST, path: /v1/answers, request: {no: =referral.id}}", ""),
        (
            "amend: {method: PUT, path: '/v1/applications/{receipt.reference}'}",
            "nothing says which amendment",
        ),
    ],
)
def test_a_change_says_what_it_changes(folder, operation: str, words: str) -> None:
    """By our reference or by the agency's; one that says neither would reach another's application."""
    name = operation.partition(":")[0]
    folder.spoil(LABS, WITHDRAW, f"  {operation}\n" + ("" if name == "withdraw" else WITHDRAW))
    told = told_of(f"channel.{name}", warned(folder))
    assert words in told
    assert bool(told) == bool(words)


def test_decisions_of_an_agency_that_can_be_amended_say_what_they_are_about(folder) -> None:
    """Wherever they are read; and the agency must have been told the number."""
    amend = "  amend: {method: PUT, path: '/v1/applications/{receipt.reference}'REQUEST}\n"
    folder.spoil(LABS, WITHDRAW, amend.replace("REQUEST", "") + WITHDRAW)
    readings = {
        "decision: {word: =reply.word}": "submit.decision",
        "decision: {word: =message.word}}": "feed.message.decision",
        "decision: {word: =message.word, remarks": "callback.decision",
    }
    for old, place in readings.items():
        told = told_of("channel.amend", warned(folder))
        assert "nothing says which amendment a decision is about" in told
        assert f"channel.{place}" in told
        folder.spoil(LABS, old, old.replace("word: ", 'revision: ="2", word: ', 1))
    assert "nothing tells the agency the number" in told_of("channel.amend", warned(folder))
    folder.spoil(
        LABS, amend.replace("REQUEST", ""), amend.replace("REQUEST", ", request: {no: =referral.revision}")
    )
    assert told_of("channel.amend", warned(folder)) == ""


def test_a_reference_that_nobody_has_read(folder) -> None:
    """Whatever asks by it would be left without."""
    folder.spoil(LABS, "/v1/applications/{referral.id}'", "/v1/applications/{receipt.reference}'")
    assert "withdraw asks by receipt.reference" in told_of("channel.submit.receipt", warned(folder))


def test_decisions_that_say_when_need_no_warning(folder) -> None:
    """Ids or times tell a repetition from a change of mind, and times bring messages into order."""
    for file, old in (
        (PLANTS, "word: =reply.Code}"),
        (LABS, "decision: {word: =reply.word}"),
        (LABS, "decision: {word: =message.word}}"),
        (LABS, "decision: {word: =message.word, remarks"),
    ):
        root = "message" if "message" in old else "reply"
        new = old.replace("word: ", f"decided_at: ={root}.at, word: ", 1)
        folder.spoil(file, old, new)
    assert warned(folder) == set()


def test_warnings_stand_beside_faults(folder) -> None:
    """A file with a fault is advised on all the same, but not about what is at fault."""
    folder.spoil(LABS, "timeout: 5s", "timeout: 99999999999d")
    folder.spoil(LABS, "contact: desk@labs.example", "contact: nobody")
    with pytest.raises(ConfigurationFaults) as told:
        folder.load()
    assert [fault.key for fault in told.value.faults] == ["channel.limits.timeout"]
    keys = {warning.key for warning in told.value.warnings}
    assert "contact" in keys
    assert "channel.limits.timeout" not in keys
