"""Which files a version consists of: at least all that a reader of the contract may look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.adapters.soap import SoapContract
from hub.config.closure import support_of

FILES = {
    "contracts/a/x.wsdl": b'<import location="deep/two.wsdl"/> <address location="http://agency.example/soap"/>',
    "contracts/a/deep/two.wsdl": b"<xsd:include schemaLocation = '../three.xsd'/>",
    "contracts/a/three.xsd": b'<a xsi:schemaLocation="urn:a https://agency.example/s?xsd=four"/>',
    "contracts/a/four.xsd": b'<i schemaLocation="C:\\build\\five%20a.xsd"/>',
    "contracts/a/five a.xsd": '<?xml version="1.0"?><i location="six.xsd"/>'.encode("utf-16"),
    "contracts/a/six.xsd": b'<i schemaLocation="six.xsd"/>',
    "contracts/a/not-named.xsd": b"<x/>",
    "contracts/y.yaml": b"a: {$ref: 'parts/b.json#/x'}\nb:\n  $ref: my c.yaml#/y\nc: {$ref: d.json, e: 1}",
    "contracts/parts/b.json": b'{"$ref": "e.json"}',
    "contracts/parts/e.json": b"{}",
    "contracts/d.json": b"{}",
    "contracts/my c.yaml": b"{}",
    "trust/ca.pem": b"-----",
}


@pytest.mark.parametrize(
    ("channel", "names"),
    [
        (
            {"contract": "contracts/a/x.wsdl"},
            {n for n in FILES if n.startswith("contracts/a/") and "not" not in n},
        ),
        (
            {"contract": "contracts/y.yaml", "trust": "trust/ca.pem", "request": {"trust": "=reply.x"}},
            {n for n in FILES if "/a/" not in n},
        ),
        ({"auth": {"agency_certificate": "trust/ca.pem"}, "contract": "../secret"}, {"trust/ca.pem"}),
        ({"trust": "env:CA", "contract": "/etc/passwd"}, set()),
        ("no channel at all", set()),
    ],
)
def test_everything_that_is_named_belongs_to_a_version(channel: object, names: set[str]) -> None:
    """However deep, however written, with what is looked for and not there yet; never outside the folder."""
    found, looked_for = support_of(channel, FILES.get)
    assert set(found) == names
    assert looked_for >= names
    assert not any(name.startswith(("/", "..")) for name in looked_for)


@pytest.mark.parametrize("folder", ["adapters_config", "tests/adapters/data"])
def test_a_contract_is_read_from_a_version_s_own_files(root: Path, folder: str) -> None:
    """Whatever the reader of WSDLs opens is among them."""
    base = (root / folder).resolve()
    for path in sorted(base.rglob("*.wsdl")):
        found, _ = support_of({"contract": str(path.relative_to(base))}, lambda name: _read(base / name))
        opened = {str(each.relative_to(base)) for each in SoapContract(path, base).files}
        assert opened
        assert opened <= set(found)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
