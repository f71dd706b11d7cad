"""Applications that are amended, answered, reminded and withdrawn: what it means for what the agency says."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep.exceptions
from openapi_schema_validator import OAS30Validator
from ruamel.yaml import YAML

from hub.config.loader import Configuration
from tests.simulator import support
from tests.simulator.support import (
    FOLDER,
    FakeHub,
    Simulator,
    new_mrn,
    rest_session,
    running,
    soap_service,
    until,
)

PAPER = b"\x00report"
HASH = hashlib.sha256(PAPER).hexdigest()


def _valid(contract: str, name: str, value: Any) -> None:
    """Raises jsonschema's ValidationError unless a value fits a named schema of a contract."""
    document = YAML(typ="safe").load((FOLDER / "contracts" / f"{contract}.yaml").read_text())
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    OAS30Validator(schema).validate(value)


def _call(simulator: Simulator, agency: str, method: str, path: str, **rest: Any) -> requests.Response:
    url = simulator.of(agency) + path
    return rest_session(simulator, agency).request(method, url, timeout=10, **rest)


def _submit(simulator: Simulator, mrn: str, ucr: str = "UCR1") -> str:
    """A submission to kmdia (rest-callback); its receipt number."""
    answer = _call(simulator, "kmdia", "POST", "/submissions", json=support.box(mrn, ucr=ucr))
    receipt: str = answer.json()["receiptNo"]
    return receipt


def _delete(simulator: Simulator, mrn: str) -> requests.Response:
    query = {"submissionId": f"{mrn}/kmdia-device", "cause": "WRONG_DATA", "remarks": "twice"}
    return _call(simulator, "kmdia", "DELETE", "/submissions", params=query)


def _replace(
    simulator: Simulator, mrn: str, receipt: str, version: int, ucr: str = "UCR1"
) -> requests.Response:
    body = {"version": version, "submission": support.box(mrn, ucr=ucr)}
    return _call(simulator, "kmdia", "PUT", f"/submissions/{receipt}", json=body)


def _attach(
    simulator: Simulator, receipt: str, statement: str = "S-1", content: bytes = PAPER
) -> requests.Response:
    document = {
        "title": "report.pdf",
        "mediaType": "application/pdf",
        "hash": f"sha-256={HASH}",
        "base64": base64.b64encode(content).decode(),
    }
    body = {"statementId": statement, "text": "Here it is.", "documents": [document]}
    return _call(simulator, "kmdia", "POST", f"/submissions/{receipt}/attachments", json=body)


# --- withdrawn --------------------------------------------------------------------------------------------


def test_what_was_still_to_be_decided_of_a_withdrawn_application_is_never_told(simulator: Simulator) -> None:
    """The callback that was due after the withdrawal does not come, while that of another does."""
    simulator.timings(callback=150)
    gone, other = new_mrn(), new_mrn()
    _submit(simulator, gone)
    assert _delete(simulator, gone).status_code == 204
    _submit(simulator, other)
    until(lambda: simulator.hub.about(other))
    assert simulator.hub.about(gone) == []
    entry = simulator.entry("kmdia", gone)
    assert (entry["live"], entry["withdrawals"], entry["decisions"]) == (False, 1, [])
    assert entry["withdrawal"] == {"reason": "WRONG_DATA", "words": "twice"}
    assert simulator.ledger()["summary"]["live"] == [f"{other}/kmdia-device"]


def test_a_callback_nobody_took_is_given_up_with_the_application(simulator: Simulator) -> None:
    """A decision that was told in vain is not told again once the application is withdrawn."""
    mrn, other = new_mrn(), new_mrn()
    simulator.timings(callback=0)
    simulator.hub.status = 503
    _submit(simulator, mrn)
    until(lambda: simulator.hub.about(mrn))
    assert _delete(simulator, mrn).status_code == 204
    simulator.timings(callback=150)  # longer than the longest pause between two tries
    _submit(simulator, other)
    until(lambda: simulator.hub.about(other))
    told = len(simulator.hub.about(mrn))
    until(lambda: simulator.hub.about(other), lambda tries: len(tries) == 4)
    assert len(simulator.hub.about(mrn)) == told


def test_a_feed_shows_nothing_of_what_is_struck_off(simulator: Simulator) -> None:
    """Entries not acknowledged yet leave the outbox with their request; struck off again is a 200."""
    simulator.timings(callback=0)
    mrn, other = new_mrn(), new_mrn()
    for one in (mrn, other):
        _call(simulator, "niwdc", "POST", "/requests", json=support.register(one))
    striking = {"requestReference": f"{mrn}/niwdc-wildlife-quarantine", "ground": "clerical"}
    first = _call(simulator, "niwdc", "POST", "/strikings", json=striking)
    again = _call(simulator, "niwdc", "POST", "/strikings", json=striking)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    _valid("rest-feed", "Struck", first.json())
    page = _call(simulator, "niwdc", "GET", "/outbox").json()
    assert [entry["requestReference"].partition("/")[0] for entry in page["entries"]] == [other]


def test_a_withdrawn_application_is_found_as_withdrawn(simulator: Simulator) -> None:
    """A look-up and a poll tell that it is closed, and no decision, each contract in its own way."""
    simulator.timings(poll=0)
    mrn = new_mrn()
    wrapped = soap_service(simulator, "apqa", "soap11-wrapped")
    receipt = wrapped.RequestConfirmation(**support.wrapped(mrn)).ReceiptNo
    wrapped.CancelConfirmation(RequestNo=f"{mrn}/apqa-plant-import", CancelCd="C01")
    for answer in (
        wrapped.GetResult(ReceiptNo=receipt),
        wrapped.FindByRequestNo(RequestNo=f"{mrn}/apqa-plant-import"),
    ):
        assert (answer.State, answer.Result) == ("CANCELLED", None)

    wssec = soap_service(simulator, "npa", "soap11-wssec")
    case = wssec.SubmitLicenceCase(**support.wssec(mrn)).CaseId
    assert wssec.WithdrawLicenceCase(CaseId=case, Because="error").Phase == "withdrawn"
    assert wssec.GetLicenceCase(CaseId=case).Phase == "withdrawn"

    rpc = soap_service(simulator, "kinac", "soap11-rpc")
    number = rpc.register(**support.rpc(mrn)).entry.registerNo
    assert rpc.cancel(registerNo=number, ground=10, words="-").entry.cancelledOn
    found = rpc.search(sendNo=f"{mrn}/kinac-nuclear-material").entries.entry[0]
    assert (found.finding, found.registerNo) == (None, number)
    assert found.cancelledOn

    ticket = _call(simulator, "mfds", "POST", "/applications", json=support.ticket(mrn)).json()["ticket"]
    reason = {"reasonCode": "W20"}
    withdrawn = _call(simulator, "mfds", "POST", f"/applications/{ticket}/withdrawal", json=reason)
    assert withdrawn.json() == {"ticket": ticket, "state": "WITHDRAWN"}
    _valid("rest-ticket", "Standing", withdrawn.json())
    assert _call(simulator, "mfds", "GET", f"/applications/{ticket}").json() == withdrawn.json()


def test_what_is_withdrawn_twice_or_was_never_there_is_told_in_each_contracts_own_way(
    simulator: Simulator,
) -> None:
    """By status, by code inside an ordinary answer, by fault, or not at all."""
    mrn = new_mrn()
    _submit(simulator, mrn)
    _delete(simulator, mrn)
    gone, unknown = _delete(simulator, mrn), _delete(simulator, new_mrn())
    assert (gone.status_code, gone.json()["code"]) == (410, "GONE")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "NOT_FOUND")
    _valid("rest-callback", "Error", gone.json())

    review = {"reference": f"{mrn}/rra-conformity", "reason": "other"}
    path = "/v1/reviews/cancellations"
    assert _call(simulator, "rra", "POST", path, json=review).status_code == 404
    _call(simulator, "rra", "POST", "/v1/reviews", json=support.immediate(mrn))
    cancelled = _call(simulator, "rra", "POST", path, json=review)
    _valid("rest-immediate", "Cancelled", cancelled.json())
    assert _call(simulator, "rra", "POST", path, json=review).status_code == 409

    check = {"key": f"{mrn}/ktl-electrical-cert", "why": 2}
    path = "/certificate-checks/cancellations"
    answers = [_call(simulator, "ktl", "POST", path, json=check).json()]
    key = {"Idempotency-Key": f"{mrn}/ktl-electrical-cert"}
    _call(simulator, "ktl", "POST", "/certificate-checks", json=support.check(mrn), headers=key)
    answers += [_call(simulator, "ktl", "POST", path, json=check).json() for _ in range(2)]
    assert [one.get("because") for one in answers] == ["no_such_check", None, "cancelled_before"]
    assert [one["cancelled"] for one in answers] == [False, True, False]

    ticket = _call(simulator, "mfds", "POST", "/applications", json=support.ticket(mrn)).json()["ticket"]
    codes = []
    for number in ("T-0", ticket, ticket):
        path = f"/applications/{number}/withdrawal"
        answer = _call(simulator, "mfds", "POST", path, json={"reasonCode": "W99"})
        assert answer.status_code == 200
        codes.append(answer.json().get("errorCode"))
    assert codes == ["N001", None, "C001"]

    bare = soap_service(simulator, "reo", "soap11-bare")
    receipt = bare.Apply(**support.bare(mrn)).permitReceipt
    answered = [bare.Withdraw(permitReceipt=one, ground="기타") for one in ("R-0", receipt, receipt)]
    assert [one.header.code for one in answered] == ["0404", "0000", "0410"]

    rpc = soap_service(simulator, "kinac", "soap11-rpc")
    number = rpc.register(**support.rpc(mrn)).entry.registerNo
    assert [rpc.cancel(registerNo=number, ground=90, words="-").code for _ in range(2)] == ["00", "05"]
    with pytest.raises(zeep.exceptions.Fault, match="AR-20"):
        rpc.cancel(registerNo="NONE-1", ground=90, words="-")

    report = soap_service(simulator, "kpta", "soap12")
    results = [report.Retract(ReportKey=f"{mrn}/kpta-drug", Ground="C06").Result]
    report.Report(**support.soap12(mrn))
    results += [report.Retract(ReportKey=f"{mrn}/kpta-drug", Ground="C06").Result for _ in range(2)]
    assert results == ["UNKNOWN", "RETRACTED", "BEFORE"]

    exchange = soap_service(simulator, "katri", "soap11-oneway")
    with pytest.raises(zeep.exceptions.Fault, match="NX404"):
        exchange.CancelledNotice(DocumentId=f"{mrn}/katri-child-textile", Cause="OTHER")
    # zeep takes the empty 200 of the older gateway for an answer that is broken; it was taken all the same.
    with contextlib.suppress(zeep.exceptions.TransportError):
        exchange.ImportNotice(**support.oneway(mrn))
    for _ in range(2):
        with contextlib.suppress(zeep.exceptions.TransportError):
            exchange.CancelledNotice(DocumentId=f"{mrn}/katri-child-textile", Cause="OTHER")
    assert simulator.entry("katri", mrn)["withdrawals"] == 1


def test_a_stubborn_agency_lets_go_at_the_third_try(simulator: Simulator) -> None:
    """STUBBORN: unavailable twice, with the application live; then it is withdrawn, once."""
    mrn = new_mrn()
    _submit(simulator, mrn, "X-SIM-STUBBORN")
    assert [_delete(simulator, mrn).status_code for _ in range(2)] == [503, 503]
    assert simulator.entry("kmdia", mrn)["live"]
    assert _delete(simulator, mrn).status_code == 204
    entry = simulator.entry("kmdia", mrn)
    assert (entry["live"], entry["withdrawals"], entry["requests"]["withdraw"]) == (False, 1, 3)


def test_nothing_can_be_done_with_a_withdrawn_application(simulator: Simulator) -> None:
    """It takes no amendment, no answer and no reminder, and a submission with its key opens no other."""
    mrn = new_mrn()
    receipt = _submit(simulator, mrn)
    _delete(simulator, mrn)
    answers = [
        _replace(simulator, mrn, receipt, 2),
        _attach(simulator, receipt),
        _call(simulator, "kmdia", "PUT", f"/submissions/{receipt}/reminder"),
    ]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(410, "GONE")] * 3
    _submit(simulator, mrn)
    entry = simulator.entry("kmdia", mrn)
    assert (entry["effects"], entry["live"], entry["revision"], entry["informed"]) == (1, False, 1, 0)


def test_cut_befalls_the_first_of_each_change_too(simulator: Simulator) -> None:
    """CUT: amendment, answer and withdrawal take effect before the connection is cut, and count once."""
    mrn = new_mrn()
    with pytest.raises(requests.ConnectionError):
        _submit(simulator, mrn, "X-SIM-CUT")
    receipt = _submit(simulator, mrn, "X-SIM-CUT")
    for change in (
        lambda: _replace(simulator, mrn, receipt, 2, "X-SIM-CUT"),
        lambda: _attach(simulator, receipt),
        lambda: _delete(simulator, mrn),
    ):
        with pytest.raises(requests.ConnectionError):
            change()
        assert change().status_code in (201, 202, 410)
    entry = simulator.entry("kmdia", mrn)
    assert entry["requests"] == {"amend": 2, "withdraw": 2, "inform": 2}
    counted = (entry["effects"], entry["amendments"], entry["informed"], entry["withdrawals"])
    assert counted == (1, 1, 1, 1)


# --- amended ----------------------------------------------------------------------------------------------


def test_an_amended_application_is_decided_anew(simulator: Simulator) -> None:
    """Another decision, of its own id and later than the amendment, about the goods items as they are now."""
    mrn = new_mrn()
    receipt = _submit(simulator, mrn, "X-SIM-REFUSE")
    (refusal,) = until(lambda: simulator.hub.about(mrn))
    body = {"version": 2, "submission": support.box(mrn)}
    body["submission"]["goodsItems"] = body["submission"]["goodsItems"][:1]
    amended = _call(simulator, "kmdia", "PUT", f"/submissions/{receipt}", json=body)
    assert (amended.status_code, amended.json()["receiptNo"]) == (202, receipt)
    _valid("rest-callback", "Receipt", amended.json())
    _, approval = until(lambda: simulator.hub.about(mrn), lambda told: len(told) == 2)
    before, after = (requests.models.complexjson.loads(one.body) for one in (refusal, approval))
    assert (before["decision"]["code"], after["decision"]["code"]) == ("RJCT", "APPR")
    assert before["messageId"] != after["messageId"]
    assert after["decision"]["goodsItems"] == [1]
    assert before["decision"]["madeAt"] < amended.json()["receivedAt"] < after["decision"]["madeAt"]
    entry = simulator.entry("kmdia", mrn)
    assert (entry["effects"], entry["revision"], entry["amendments"]) == (1, 2, 1)
    assert [one["revision"] for one in entry["decisions"]] == [2]


def test_a_decision_on_the_old_content_is_not_made_after_the_amendment(simulator: Simulator) -> None:
    """What was to be decided earlier, of the old content, is dropped: the first that is told is the new."""
    simulator.timings(callback=150)
    mrn = new_mrn()
    receipt = _submit(simulator, mrn, "X-SIM-REFUSE")
    _replace(simulator, mrn, receipt, 2)
    (told,) = until(lambda: simulator.hub.about(mrn))
    assert b'"APPR"' in told.body


def test_an_older_revision_is_turned_down(simulator: Simulator) -> None:
    """Revisions may be left out, and come again; they never go back."""
    mrn = new_mrn()
    receipt = _submit(simulator, mrn)
    assert [_replace(simulator, mrn, receipt, n).status_code for n in (3, 3, 2)] == [202, 202, 422]
    assert simulator.entry("kmdia", mrn)["revision"] == 3


def test_an_amendment_is_of_the_application_it_names(simulator: Simulator) -> None:
    """The number of another application, or of none, is an error, and changes nothing."""
    mrn, other = new_mrn(), new_mrn()
    _submit(simulator, mrn)
    receipt = _submit(simulator, other)
    assert _replace(simulator, mrn, receipt, 2).status_code == 400
    assert _replace(simulator, mrn, "KMDIA-0", 2).status_code == 404
    assert [simulator.entry("kmdia", one)["revision"] for one in (mrn, other)] == [1, 1]


# --- answered and reminded --------------------------------------------------------------------------------


def test_ask_approves_once_it_is_informed(simulator: Simulator) -> None:
    """ASK: the question stays open until the answer; then the approval follows. INFO leaves it at that."""
    asks, leaves = new_mrn(), new_mrn()
    receipts = {
        mrn: _submit(simulator, mrn, ucr) for mrn, ucr in ((asks, "X-SIM-ASK"), (leaves, "X-SIM-INFO"))
    }
    for mrn in receipts:
        until(lambda mrn=mrn: simulator.hub.about(mrn))
    for receipt in receipts.values():
        assert _attach(simulator, receipt).status_code == 201
    _, approval = until(lambda: simulator.hub.about(asks), lambda told: len(told) == 2)
    assert b'"APPR"' in approval.body
    assert len(simulator.hub.about(leaves)) == 1
    (supplement,) = simulator.entry("kmdia", leaves)["supplements"]
    assert supplement["text"] == "Here it is."
    assert supplement["enclosures"] == [
        {"name": "report.pdf", "media_type": "application/pdf", "sha256": HASH, "size": len(PAPER)}
    ]


def test_a_document_that_did_not_come_whole_is_refused(simulator: Simulator) -> None:
    """The hash tells; nothing is taken."""
    mrn = new_mrn()
    receipt = _submit(simulator, mrn)
    answer = _attach(simulator, receipt, content=PAPER[:-1])
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID")
    assert "did not come whole" in answer.json()["message"]
    assert simulator.entry("kmdia", mrn)["informed"] == 0


def test_reconsider_refuses_and_approves_later(simulator: Simulator) -> None:
    """RECONSIDER: the approval outweighs the refusal, by its own word and time."""
    mrn = new_mrn()
    _submit(simulator, mrn, "X-SIM-RECONSIDER")
    told = until(lambda: simulator.hub.about(mrn), lambda told: len(told) == 2)
    assert [b'"RJCT"' in told[0].body, b'"APPR"' in told[1].body] == [True, True]


# --- remembered -------------------------------------------------------------------------------------------


def test_all_of_it_outlives_a_restart(configuration: Configuration, hub: FakeHub, tmp_path: Path) -> None:
    """Revision, withdrawal, answers and reminders stand as they were; what is withdrawn stays untold."""
    amended, withdrawn = new_mrn(), new_mrn()
    hub.received.clear()
    hub.status = 503
    with running(configuration, hub, data_folder=tmp_path) as before:
        before.timings(callback=100_000)
        receipt = _submit(before, amended)
        _replace(before, amended, receipt, 2)
        _attach(before, receipt)
        _call(before, "kmdia", "PUT", f"/submissions/{receipt}/reminder")
        before.timings(callback=300)
        _submit(before, withdrawn)
        _delete(before, withdrawn)
        entries = [before.entry("kmdia", mrn) for mrn in (amended, withdrawn)]
    hub.status = 202
    with running(configuration, hub, data_folder=tmp_path) as after:
        assert [after.entry("kmdia", mrn) for mrn in (amended, withdrawn)] == entries
        assert (entries[0]["revision"], entries[0]["informed"], entries[0]["reminded"]) == (2, 1, 1)
        after.timings(callback=300)
        later = new_mrn()
        _submit(after, later)
        until(lambda: hub.about(later))
        assert hub.about(withdrawn) == []
        assert _delete(after, withdrawn).status_code == 410
