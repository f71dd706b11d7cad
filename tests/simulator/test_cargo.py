"""The simulated cargo system takes each notice once, however often it comes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from hub.domain.clearance import Notice, Outcome, Reason, Rule
from tests.simulator.support import Simulator, new_mrn


def _notice(mrn: str, number: int = 1, outcome: Outcome = Outcome.RELEASE) -> Notice:
    return Notice(
        key=f"{mrn}-notice-{number}",
        number=number,
        mrn=mrn,
        ucr=f"UCR-{mrn[-4:]}",
        cargo_management_number="26CARGO1",
        outcome=outcome,
        reasons=(Reason(rule=Rule.NO_AGENCY_NEEDED),),
        issued_at=datetime(2026, 3, 1, 9, 0, tzinfo=UTC),
    )


def _post(simulator: Simulator, notice: Notice, **headers: str) -> requests.Response:
    return requests.post(
        f"{simulator.url}/cargo/notices",
        notice.model_dump_json().encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": "Bearer cargo",
            "Idempotency-Key": notice.key,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
        timeout=5,
    )


def _ledger(simulator: Simulator, **filters: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{simulator.url}/_simulator/cargo", params=filters, timeout=5)
    notices: list[dict[str, Any]] = answer.json()["notices"]
    return notices


def test_notices_are_acknowledged_and_kept_in_order(simulator: Simulator) -> None:
    """A hold, then a release: two notices of one consignment, found by mrn and by ucr."""
    mrn = new_mrn()
    held, released = _notice(mrn, 1, Outcome.HOLD), _notice(mrn, 2)
    references = [_post(simulator, notice).json()["reference"] for notice in (held, released)]
    assert len(set(references)) == 2
    _post(simulator, _notice(new_mrn()))
    assert [one["outcome"] for one in _ledger(simulator, mrn=mrn)] == ["hold", "release"]
    assert _ledger(simulator, ucr=held.ucr) == _ledger(simulator, mrn=mrn)


def test_a_notice_that_comes_again_counts_once(simulator: Simulator) -> None:
    """The same key and content: the same reference, one line in the ledger, counted twice."""
    notice = _notice(new_mrn())
    assert _post(simulator, notice).json() == _post(simulator, notice).json()
    (line,) = _ledger(simulator, mrn=notice.mrn)
    assert line["times"] == 2


def test_a_key_used_for_another_content_is_a_conflict(simulator: Simulator) -> None:
    """A release cannot be slipped in under the key of a hold."""
    mrn = new_mrn()
    _post(simulator, _notice(mrn, 1, Outcome.HOLD))
    assert _post(simulator, _notice(mrn, 1, Outcome.RELEASE)).status_code == 409
    assert [one["outcome"] for one in _ledger(simulator, mrn=mrn)] == ["hold"]


@pytest.mark.parametrize(
    ("headers", "status"), [({"Authorization": "Bearer guess"}, 401), ({"Idempotency_Key": "other"}, 422)]
)
def test_what_is_not_a_proper_notice_is_refused(
    simulator: Simulator, headers: dict[str, str], status: int
) -> None:
    """A wrong token, or a key that is not the notice's."""
    notice = _notice(new_mrn())
    assert _post(simulator, notice, **headers).status_code == status
    assert _ledger(simulator, mrn=notice.mrn) == []


def test_it_can_be_down(simulator: Simulator) -> None:
    """DOWN: the connection is cut and nothing is taken; then it takes the same notice."""
    notice = _notice(new_mrn())
    switch = f"{simulator.url}/_simulator/cargo"
    requests.put(switch, json={"behaviour": "DOWN"}, timeout=5).raise_for_status()
    with pytest.raises(requests.ConnectionError):
        _post(simulator, notice)
    requests.put(switch, json={"behaviour": "TAKE"}, timeout=5).raise_for_status()
    assert _post(simulator, notice).status_code == 200
    (line,) = _ledger(simulator, mrn=notice.mrn)
    assert line["times"] == 1


def test_a_part_that_may_go_and_a_withdrawal_are_kept_as_they_came(simulator: Simulator) -> None:
    """Which goods items a partial release lets go, and that a declaration was taken back."""
    mrn = new_mrn()
    part = _notice(mrn, 1, Outcome.PARTIAL_RELEASE).model_copy(update={"released_items": (1, 3)})
    for notice in (part, _notice(mrn, 2, Outcome.WITHDRAWN)):
        assert _post(simulator, notice).status_code == 200
    told = [(one["outcome"], one["released_items"]) for one in _ledger(simulator, mrn=mrn)]
    assert told == [("partial_release", [1, 3]), ("withdrawn", [])]
