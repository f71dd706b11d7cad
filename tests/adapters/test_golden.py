"""
Golden exchanges: what goes to an agency, what it answers, and what that means.

A case is a file of `golden/<agency>/`. A report of something that went wrong with an agency becomes such a
file first, and a fix then.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from hub.domain import errors
from hub.domain.referral import Decision
from tests.adapters.support import FOLDER, GOLDEN, NOW, agency, dossier, gateway_to, read_yaml
from tests.adapters.system import Heard, answer, system

CASES = sorted(GOLDEN.glob("*/*.yaml"))
_CHANGING = {"Password", "Nonce", "Created"}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_an_exchange_is_as_written_down(path: Path) -> None:
    """The request goes out as the file says, and its answer is understood as the file says."""
    case = read_yaml(path)
    file = agency(path.parent.name)
    if case["does"] == "callback":
        async with gateway_to("http://127.0.0.1:1", file, extra=case.get("environment")) as gateway:
            message = gateway.read_callback(
                file.agency, case["received"]["headers"], case["received"]["body"].encode(), NOW
            )
        _check_message(case["means"], message)
        return
    answers = case["answered"] if isinstance(case["answered"], list) else [case["answered"]]
    says = [answer(a["status"], a.get("body", ""), **a.get("headers", {})) for a in answers]
    with system(says) as running:
        async with gateway_to(f"{running.url}/agency", file) as gateway:
            means, exchanges = await _do(gateway, case, file)
    sent = case["sent"] if isinstance(case["sent"], list) else [case["sent"]]
    assert len(running.heard) == len(sent)
    for heard, expected in zip(running.heard, sent, strict=True):
        _check_sent(expected, heard)
    assert len(exchanges) == len(sent)
    _check_meaning(case["means"], means)


async def _do(gateway: Any, case: dict[str, Any], file: Any) -> tuple[Any, Any]:
    asked = dossier(
        file,
        case.get("service"),
        facts=case.get("declaration"),
        items=tuple(case["items"]) if "items" in case else None,
        receipt=case.get("receipt"),
    )
    try:
        match case["does"]:
            case "submit":
                done = await gateway.submit(asked)
            case "look_up":
                done = await gateway.look_up(asked, NOW)
            case "poll":
                done = await gateway.poll(asked)
            case "pull":
                done = await gateway.pull_feed(file.agency)
            case "acknowledge":
                return None, await gateway.acknowledge_feed(file.agency, case["ids"])
    except errors.ChannelError as error:
        return error, error.exchanges
    return done, done.exchanges


def _check_sent(expected: dict[str, Any], heard: Heard) -> None:
    assert heard.method == expected["method"]
    assert heard.path == expected["path"]
    for name, value in expected.get("headers", {}).items():
        assert heard.headers.get(name.lower()) == value
    if "xml" in expected:
        assert _canonical(heard.body) == _canonical(expected["xml"].encode())
    elif "json" in expected:
        assert json.loads(heard.body) == json.loads(expected["json"])
    else:
        assert heard.body == b""


def _canonical(body: bytes) -> str:
    """The same for documents that differ only in prefixes, indentation and what changes with each request."""
    root = etree.fromstring(body, etree.XMLParser(remove_blank_text=True))
    for element in root.iter():
        if etree.QName(element).localname in _CHANGING:
            element.text = "***"
    return "\n".join(
        f"{'  ' * sum(1 for _ in element.iterancestors())}{element.tag} {sorted(element.attrib.items())} "
        f"{(element.text or '').strip()}"
        for element in root.iter()
    )


def _check_meaning(expected: dict[str, Any], means: Any) -> None:
    if "error" in expected:
        assert isinstance(means, errors.ChannelError), means
        assert type(means).__name__ == expected["error"], means
        for word in expected.get("says", []):
            assert word in str(means)
        assert means.retry_after == expected.get("retry_after")
        return
    assert not isinstance(means, Exception), repr(means)
    if "found" in expected:
        assert (means.submission is not None) is expected["found"]
        means = means.submission
    if "receipt" in expected:
        assert means.receipt.reference == expected["receipt"]
    if "decisions" in expected:
        assert [_told(decision) for decision in means.decisions] == expected["decisions"]
    if "messages" in expected:
        assert len(means.messages) == len(expected["messages"])
        for message, wanted in zip(means.messages, expected["messages"], strict=True):
            _check_message(wanted, message)


def _check_message(expected: dict[str, Any], message: Any) -> None:
    for name in ("message_id", "referral", "agency_reference"):
        if name in expected:
            assert getattr(message, name) == expected[name]
    assert [_told(decision) for decision in message.decisions] == expected.get("decisions", [])
    if "trouble" in expected:
        assert expected["trouble"] in message.trouble
    else:
        assert message.trouble is None


def _told(decision: Decision) -> dict[str, Any]:
    told = decision.model_dump(mode="json", include={"verdict", "word", "reference", "remarks", "decided_at"})
    told["items"] = list(decision.items) if decision.items is not None else None
    return {name: value for name, value in told.items() if value is not None}


def test_every_contract_has_golden_exchanges() -> None:
    """A contract without a case would be one that nobody has looked at."""
    covered = {agency(path.parent.name).channel.contract for path in CASES}
    contracts = {f"contracts/{path.name}" for path in (FOLDER / "contracts").iterdir()}
    assert contracts <= covered
