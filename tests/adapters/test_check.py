"""Channels checked against their contracts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.adapters.check import check_channels
from hub.adapters.openapi import RestContract
from hub.adapters.soap import ContractUnreadable
from tests.adapters.support import FOLDER, agency, changed, merged


def faults(slug: str, **change: Any) -> list[tuple[str, str]]:
    file = changed(agency(slug), **change)
    return [(".".join(map(str, f.key)), f.what) for f in check_channels({slug: file}, FOLDER, {})]


def test_the_agencies_as_they_are_configured_have_no_faults() -> None:
    """All 38, over every service and procedure, with everything declared and with next to nothing."""
    files = {path.stem: agency(path.stem) for path in (FOLDER / "agencies").glob("*.yaml")}
    assert len(files) > 1
    assert check_channels(files, FOLDER, {}) == []


@pytest.mark.parametrize(
    ("slug", "change", "key", "words"),
    [
        ("apqa", {"submit": {"operation": "RequestConformation"}}, "submit.operation", "RequestConfirmation"),
        ("apqa", {"submit": {"port": "Elsewhere"}}, "submit.operation", "RequirementConfirmationPort"),
        ("mfds", {"submit": {"path": "/aplications"}}, "submit.path", "POST /applications"),
        ("mfds", {"poll": {"method": "PATCH"}}, "poll.path", "GET /applications/{ticket}"),
        ("apqa", {"contract": "contracts/none.wsdl"}, "contract", "none.wsdl"),
        ("apqa", {"contract": "contracts/rest-feed.yaml"}, "contract", "not a WSDL"),
        ("mfds", {"contract": "contracts/soap12.wsdl"}, "contract", "soap12.wsdl"),
        ("apqa", {"contract": "../pyproject.toml"}, "contract", "outside"),
        ("apqa", {"endpoint": "ftp://agency.example"}, "endpoint", "http"),
        ("apqa", {"submit": {"request": {"ReqNo": "1"}}}, "submit.request.ReqNo", "not in the contract"),
        ("apqa", {"submit": {"request": {"Ucr": None}}}, "submit.request.Ucr", "required"),
        (
            "apqa",
            {"submit": {"request": {"Declarant": {"Idd": "x"}}}},
            "submit.request.Declarant.Idd",
            "not in the contract",
        ),
        (
            "apqa",
            {"submit": {"request": {"Ucr": "=declaration.consignment.ucrr"}}},
            "submit.request.Ucr",
            "ucrr",
        ),
        (
            "apqa",
            {"submit": {"request": {"PermitNo": "=items[0].lpcos[0].id"}}},
            "submit.request.PermitNo",
            "when nothing is declared",
        ),
        (
            "kcma",
            {
                "submit": {
                    "request": {
                        "goodsItems": '=items.map(i, {"sequence": i.number, "commodityCode": i.hs_code, '
                        '"netMass": {"value": i.net_mass_kg, "unit": "KGM"}})'
                    }
                }
            },
            "submit.request.goodsItems.netMass",
            "lacks what the contract requires",
        ),
        (
            "kcl",
            {"submit": {"headers": {"Idempotency-Key": None}}},
            "submit.headers",
            "Idempotency-Key is required",
        ),
        (
            "apqa",
            {"submit": {"receipt": {"reference": "=reply.ReceiptNr"}}},
            "submit.receipt.reference",
            "ReceiptNr",
        ),
        (
            "mfds",
            {"poll": {"decision": {"word": "=reply.decision.verdict"}}},
            "poll.decision.word",
            "verdict",
        ),
        (
            "mfds",
            {"look_up": {"query": {"clientReference": ""}}},
            "look_up.query",
            "clientReference is required",
        ),
        ("nibr", {"feed": {"messages": "=reply.items"}}, "feed.messages", "items"),
        (
            "nibr",
            {"feed": {"message": {"decision": {"word": "=message.word"}}}},
            "feed.message.decision.word",
            "word",
        ),
    ],
)
def test_a_fault_is_told_with_its_place(slug: str, change: dict[str, Any], key: str, words: str) -> None:
    """The key leads to the line of the file, and the words say what is wrong there."""
    data = agency(slug).channel.model_dump(mode="json")
    found = faults(slug, **{name: merged(data[name], part) for name, part in change.items()})
    matching = [what for at, what in found if at == f"channel.{key}"]
    assert matching, found
    assert any(words in what for what in matching), found


def test_every_fault_is_told_at_once() -> None:
    """Three mistakes in one file are three faults."""
    data = agency("apqa").channel.submit.model_dump(mode="json")
    data["request"] |= {"Wrong": "1", "Ucr": "=declaration.nothing"}
    found = faults("apqa", submit=data, poll={"operation": "Poll"})
    assert {at for at, _ in found} >= {"channel.poll.operation"}
    assert len(found) >= 2


@pytest.mark.parametrize("head", ["", "opnapi: 3.0.3\n", 'swagger: "3.0"\n', "openapi: 2.0\n"])
def test_a_contract_says_what_it_is(tmp_path: Path, head: str) -> None:
    """A document that only happens to have paths is none; the version may stand without quotes."""
    (tmp_path / "box.yaml").write_text(head + "paths: {}\n")
    with pytest.raises(ContractUnreadable, match="neither an OpenAPI 3 document nor"):
        RestContract(tmp_path / "box.yaml")
    (tmp_path / "box.yaml").write_text("openapi: 3.1\npaths: {}\n")
    assert list(RestContract(tmp_path / "box.yaml").operations()) == []
