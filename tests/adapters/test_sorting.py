"""Errors, sorted by what to do next."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from hub.adapters.reading import ErrorRule, Kind, Meaning, judge, retry_after
from hub.adapters.wire import Fault, Heard
from hub.config.models import ErrorReading
from hub.domain.errors import AgencyRefused, AgencyUnavailable, ChannelError, InDoubt, NotUnderstood
from tests.adapters.support import NOW

SUBMIT, POLL, LOOK_UP, PULL, ACK = Kind.SUBMIT, Kind.POLL, Kind.LOOK_UP, Kind.PULL, Kind.ACKNOWLEDGE
SENDER = Fault("Client", "Client: no", blames_sender=True)
RECEIVER = Fault("Server", "Server: oops", blames_sender=False)
OWN = Fault("E17", "E17: what", blames_sender=None)
MISMATCH = Fault("MustUnderstand", "MustUnderstand: x", blames_sender=None, mismatch=True)

TABLE: list[tuple[Kind, int, Fault | None, type[ChannelError] | Meaning]] = [
    # statuses of a submission
    (SUBMIT, 200, None, Meaning.ANSWER),
    (SUBMIT, 204, None, Meaning.ANSWER),
    (SUBMIT, 301, None, NotUnderstood),
    (SUBMIT, 400, None, AgencyRefused),
    (SUBMIT, 401, None, AgencyRefused),
    (SUBMIT, 404, None, AgencyRefused),
    (SUBMIT, 408, None, AgencyUnavailable),
    (SUBMIT, 409, None, AgencyRefused),
    (SUBMIT, 425, None, AgencyUnavailable),
    (SUBMIT, 429, None, AgencyUnavailable),
    (SUBMIT, 500, None, InDoubt),
    (SUBMIT, 502, None, InDoubt),
    (SUBMIT, 503, None, AgencyUnavailable),
    (SUBMIT, 504, None, InDoubt),
    # what asks only may be asked again
    (POLL, 500, None, AgencyUnavailable),
    (POLL, 502, None, AgencyUnavailable),
    (POLL, 404, None, AgencyRefused),
    (PULL, 504, None, AgencyUnavailable),
    (ACK, 500, None, AgencyUnavailable),
    (LOOK_UP, 404, None, Meaning.NOT_FOUND),
    (LOOK_UP, 500, None, AgencyUnavailable),
    # faults, whatever the status
    (SUBMIT, 500, SENDER, AgencyRefused),
    (SUBMIT, 200, SENDER, AgencyRefused),
    (SUBMIT, 500, RECEIVER, InDoubt),
    (SUBMIT, 503, RECEIVER, AgencyUnavailable),
    (POLL, 500, RECEIVER, AgencyUnavailable),
    (SUBMIT, 500, OWN, InDoubt),
    (SUBMIT, 400, OWN, AgencyRefused),
    (SUBMIT, 500, MISMATCH, NotUnderstood),
]


@pytest.mark.parametrize(("kind", "status", "fault", "sorted_as"), TABLE)
def test_an_answer_is_sorted(
    kind: Kind, status: int, fault: Fault | None, sorted_as: type[ChannelError] | Meaning
) -> None:
    """Retry, give up, look it up first, or call a person: the class says which."""
    heard = Heard(status, {}, {}, fault=fault)
    if isinstance(sorted_as, Meaning):
        assert judge(kind, heard, (), {}, NOW) is sorted_as
        return
    with pytest.raises(ChannelError) as told:
        judge(kind, heard, (), {}, NOW)
    assert type(told.value) is sorted_as


def _rule(when: str, means: str, text: str | None = None) -> ErrorRule:
    return ErrorRule(
        ErrorReading.model_validate({"when": when, "means": means, "text": text}),
        ["reply", "status", "fault"],
    )


@pytest.mark.parametrize(
    ("kind", "means", "sorted_as"),
    [
        (SUBMIT, "refused", AgencyRefused),
        (SUBMIT, "unavailable", AgencyUnavailable),
        (SUBMIT, "not_understood", NotUnderstood),
        (SUBMIT, "already_received", Meaning.ALREADY_RECEIVED),
        (SUBMIT, "not_found", AgencyRefused),
        (LOOK_UP, "not_found", Meaning.NOT_FOUND),
        (POLL, "not_found", AgencyRefused),
        (PULL, "not_found", Meaning.NOT_FOUND),
        (POLL, "already_received", AgencyRefused),
    ],
)
def test_the_file_of_an_agency_decides_before_the_status(
    kind: Kind, means: str, sorted_as: type[ChannelError] | Meaning
) -> None:
    """The first rule that matches counts, over a fault and over any status."""
    rules = [_rule('=fault.contains("E9")', "unavailable"), _rule("=status == 500", means, '="said so"')]
    heard = Heard(500, {}, {}, fault=RECEIVER)
    context = {"reply": {}, "status": 500, "fault": "Server: oops"}
    if isinstance(sorted_as, Meaning):
        assert judge(kind, heard, rules, context, NOW) is sorted_as
        return
    with pytest.raises(ChannelError, match="said so") as told:
        judge(kind, heard, rules, context, NOW)
    assert type(told.value) is sorted_as


def test_a_rule_about_an_element_that_is_not_there_means_another_answer() -> None:
    """Rules are tried on answers of every shape; one that cannot be tried does not match."""
    rules = [_rule('=reply.code == "9"', "unavailable"), _rule("=status == 422", "refused", "=reply.message")]
    heard = Heard(422, {}, "<html>no</html>", text="<html>no</html>")
    with pytest.raises(AgencyRefused, match="<html>no</html>"):
        judge(SUBMIT, heard, rules, {"reply": heard.reply, "status": 422, "fault": ""}, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("99999999", 3600.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    """RFC 9110 section 10.2.3 allows both; nonsense is as if it were not there."""
    assert retry_after({"retry-after": text}, NOW) == seconds
