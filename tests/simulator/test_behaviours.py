"""What an agency does can be set for the agency, or for one declaration by its ucr."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from hub.simulator.behaviour import Behaviour, NoSuchBehaviour, asked_for
from tests.simulator import support
from tests.simulator.support import Simulator, new_mrn, rest_session, soap_service, until


def _review(simulator: Simulator, mrn: str, ucr: str = "UCR1") -> requests.Response:
    return rest_session(simulator, "rra").post(
        simulator.of("rra") + "/v1/reviews", json=support.immediate(mrn, ucr=ucr), timeout=10
    )


def _submit(simulator: Simulator, mrn: str, ucr: str = "UCR1") -> requests.Response:
    return rest_session(simulator, "kmdia").post(
        simulator.of("kmdia") + "/submissions", json=support.box(mrn, ucr=ucr), timeout=10
    )


@pytest.mark.parametrize(
    ("behaviour", "word"),
    [
        ("APPROVE", "적합등록"),
        ("CONDITIONS", "잠정인증"),
        ("REFUSE", "부적합판정"),
        ("INFO", "기술자료요청"),
        ("INSPECT", "사후시험"),
        ("UNKNOWN", "판정유보"),
    ],
)
def test_the_verdict_is_told_in_the_agencys_own_words(
    simulator: Simulator, behaviour: str, word: str
) -> None:
    """The words are those of the agency's verdict table; UNKNOWN is in nobody's."""
    assert _review(simulator, new_mrn(), f"X-SIM-{behaviour}").json()["finding"] == word
    simulator.behave("rra", behaviour)
    assert _review(simulator, new_mrn()).json()["finding"] == word


def test_only_approvals_have_a_certificate(simulator: Simulator) -> None:
    """A refusal has remarks, an approval a certificate number."""
    assert _review(simulator, new_mrn()).json()["certificate"]
    refused = _review(simulator, new_mrn(), "X-SIM-REFUSE").json()
    assert "certificate" not in refused
    assert refused["remarks"]


def test_a_ucr_may_ask_it_of_one_agency(simulator: Simulator) -> None:
    """`-SIM-RRA-REFUSE+MFDS-STALL`: rra refuses, mfds never decides, others approve."""
    ucr = "X-SIM-RRA-REFUSE+MFDS-STALL"
    assert _review(simulator, new_mrn(), ucr).json()["finding"] == "부적합판정"
    desk = rest_session(simulator, "mfds").post(
        simulator.of("mfds") + "/applications",
        json=support.ticket(new_mrn(), "mfds-food-import", ucr),
        timeout=5,
    )
    assert desk.json()["state"] == "PENDING"
    mrn = new_mrn()
    _submit(simulator, mrn, ucr)
    (told,) = until(lambda: simulator.hub.about(mrn))
    assert b'"APPR"' in told.body


def test_a_ucr_goes_before_the_agencys_setting(simulator: Simulator) -> None:
    """What one declaration asks for counts for that one."""
    simulator.behave("rra", "REFUSE")
    assert _review(simulator, new_mrn(), "X-SIM-APPROVE").json()["finding"] == "적합등록"


@pytest.mark.parametrize("ucr", ["X-SIM-REFUSED", "X-SIM-NOBODY-REFUSE", "X-SIM-RRA-"])
def test_a_slip_in_the_magic_value_is_an_error(simulator: Simulator, ucr: str) -> None:
    """An unknown behaviour or agency does not pass for an approval."""
    assert _review(simulator, new_mrn(), ucr).status_code == 400


def test_down_cuts_the_connection_and_does_nothing(simulator: Simulator) -> None:
    """DOWN: no answer at all, and no effect; after a reset it works again."""
    mrn = new_mrn()
    with pytest.raises(requests.ConnectionError):
        _review(simulator, mrn, "X-SIM-DOWN")
    assert simulator.entry("rra", mrn)["effects"] == 0
    simulator.behave("rra", "DOWN")
    with pytest.raises(requests.ConnectionError):
        _review(simulator, new_mrn())
    requests.delete(f"{simulator.url}/_simulator/agencies/rra", timeout=5).raise_for_status()
    assert _review(simulator, new_mrn()).ok


def test_cut_takes_effect_before_the_connection_is_cut(simulator: Simulator) -> None:
    """CUT, where our reference is a key: the second submission gets the answer of the first."""
    mrn = new_mrn()
    with pytest.raises(requests.ConnectionError):
        _review(simulator, mrn, "X-SIM-CUT")
    assert simulator.entry("rra", mrn)["effects"] == 1
    assert _review(simulator, mrn, "X-SIM-CUT").json()["finding"] == "적합등록"
    entry = simulator.entry("rra", mrn)
    assert (entry["submits"], entry["effects"]) == (2, 1)


def test_cut_can_be_looked_up_where_submissions_add_up(simulator: Simulator) -> None:
    """CUT, where every submission is a case: it is found by our reference; sending it again would be two."""
    mrn = new_mrn()
    service = soap_service(simulator, "apqa", "soap11-wrapped")
    application = support.wrapped(mrn, ucr="X-SIM-CUT")
    with pytest.raises(requests.ConnectionError):
        service.RequestConfirmation(**application)
    assert service.FindByRequestNo(RequestNo=f"{mrn}/apqa-plant-import").FoundYn == "Y"
    assert simulator.ledger()["summary"]["effects_over_one"] == []
    service.RequestConfirmation(**application)
    assert simulator.ledger()["summary"]["effects_over_one"] == [f"{mrn}/apqa-plant-import"]


def test_flap_is_unavailable_twice(simulator: Simulator) -> None:
    """FLAP: two submissions do nothing and say so, the third is taken."""
    mrn = new_mrn()
    answers = [_submit(simulator, mrn, "X-SIM-FLAP").status_code for _ in range(3)]
    assert answers == [503, 503, 202]
    entry = simulator.entry("kmdia", mrn)
    assert (entry["submits"], entry["effects"]) == (3, 1)


def test_fault_turns_every_call_down(simulator: Simulator) -> None:
    """FAULT: an error of the contract's own kind, and no effect."""
    mrn = new_mrn()
    answer = _submit(simulator, mrn, "X-SIM-FAULT")
    assert (answer.status_code, answer.json()["code"]) == (422, "REJECTED")
    assert simulator.entry("kmdia", mrn)["effects"] == 0


def test_stall_gives_a_receipt_and_no_decision(simulator: Simulator) -> None:
    """STALL: received, and that is all; another application's callback comes in the meantime."""
    stalled, other = new_mrn(), new_mrn()
    assert _submit(simulator, stalled, "X-SIM-STALL").json()["receiptNo"]
    _submit(simulator, other)
    until(lambda: simulator.hub.about(other))
    assert simulator.hub.about(stalled) == []
    assert simulator.entry("kmdia", stalled)["decision"] is None


def test_lift_asks_first_and_approves_later(simulator: Simulator) -> None:
    """LIFT: information is asked for, then the approval follows, each with its own id and time."""
    mrn = new_mrn()
    _submit(simulator, mrn, "X-SIM-LIFT")
    first, second = until(lambda: simulator.hub.about(mrn), lambda told: len(told) == 2)
    read: list[dict[str, Any]] = [requests.models.complexjson.loads(one.body) for one in (first, second)]
    assert [one["decision"]["code"] for one in read] == ["SUPP", "APPR"]
    assert read[0]["messageId"] != read[1]["messageId"]
    assert read[0]["decision"]["madeAt"] < read[1]["decision"]["madeAt"]


def test_lift_of_a_reply_is_posted(simulator: Simulator) -> None:
    """Where the first word stands in the reply, the later one comes by callback."""
    mrn = new_mrn()
    assert _review(simulator, mrn, "X-SIM-LIFT").json()["finding"] == "기술자료요청"
    (told,) = until(lambda: simulator.hub.about(mrn))
    assert "적합등록".encode() in told.body


def test_late_decides_after_the_usual_time(simulator: Simulator) -> None:
    """LATE: an application made after it is told before it."""
    late, usual = new_mrn(), new_mrn()
    _submit(simulator, late, "X-SIM-LATE")
    _submit(simulator, usual)
    until(lambda: simulator.hub.about(late))
    told = [one.body for one in simulator.hub.received]
    assert [late.encode() in body for body in told] == [False, True]


def test_twice_tells_the_same_message_twice(simulator: Simulator) -> None:
    """TWICE: the same bytes, signed anew, under the same message id; one effect."""
    mrn = new_mrn()
    _submit(simulator, mrn, "X-SIM-TWICE")
    first, second = until(lambda: simulator.hub.about(mrn), lambda told: len(told) == 2)
    assert first.body == second.body
    assert simulator.entry("kmdia", mrn)["effects"] == 1


def test_early_tells_before_it_answers(simulator: Simulator) -> None:
    """EARLY: the callback has been taken when the answer to the submission comes."""
    mrn = new_mrn()
    answer = _submit(simulator, mrn, "X-SIM-EARLY")
    (told,) = simulator.hub.about(mrn)
    assert answer.json()["receiptNo"].encode() in told.body


def test_slow_answers_after_its_delay(simulator: Simulator) -> None:
    """SLOW: no answer comes before delay_ms have passed, and then it is an ordinary one."""
    simulator.behave("rra", "SLOW", delay_ms=150)
    before = time.monotonic()
    assert _review(simulator, new_mrn()).json()["finding"] == "적합등록"
    assert time.monotonic() - before >= 0.15


def test_a_wrong_setting_is_refused(simulator: Simulator) -> None:
    """An unknown behaviour, key or agency is told, and nothing is changed."""
    url = f"{simulator.url}/_simulator/agencies"
    assert requests.put(f"{url}/rra", json={"behaviour": "NAP"}, timeout=5).status_code == 422
    assert requests.put(f"{url}/rra", json={"delay": 3}, timeout=5).status_code == 422
    assert requests.put(f"{url}/nobody", json={}, timeout=5).status_code == 404
    assert requests.get(url, timeout=5).json()["rra"]["behaviour"] == "APPROVE"


AGENCIES = ("rra", "mfds", "two-words")


@given(
    stem=st.text("ABC123-", max_size=8),
    for_all=st.none() | st.sampled_from(list(Behaviour)),
    for_one=st.dictionaries(st.sampled_from(AGENCIES), st.sampled_from(list(Behaviour)), max_size=3),
)
def test_every_clause_of_a_ucr_is_read(
    stem: str, for_all: Behaviour | None, for_one: dict[str, Behaviour]
) -> None:
    """In whatever case and after whatever: an agency's own clause counts for it, else the one for all."""
    clauses = [*([for_all] if for_all else []), *(f"{slug.upper()}-{word}" for slug, word in for_one.items())]
    ucr = f"{stem}-SIM-{'+'.join(clauses)}" if clauses else stem
    for agency in AGENCIES:
        assert asked_for(ucr, agency, AGENCIES) == for_one.get(agency, for_all)
        assert asked_for(ucr.lower(), agency, AGENCIES) == for_one.get(agency, for_all)


def test_a_clause_for_nobody_is_an_error() -> None:
    """An agency that is not in the configuration."""
    with pytest.raises(NoSuchBehaviour, match="NOBODY"):
        asked_for("X-SIM-NOBODY-REFUSE", "rra", AGENCIES)
