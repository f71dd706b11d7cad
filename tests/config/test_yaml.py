"""Two parsers read the configuration's YAML; which of them did is not to be noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.config.yaml import Document, read

_FOLDER = Path("adapters_config")
_TAB_IN_A_COMMENT = b"\n#\t\n"
"""libyaml is not trusted with tabs, so that a file with this at its end is read by the other parser."""


@pytest.mark.parametrize("path", sorted(_FOLDER.rglob("*.yaml")), ids=str)
def test_both_parsers_read_a_file_alike(path: Path) -> None:
    content = path.read_bytes()

    assert _everything(read(content)) == _everything(read(content + _TAB_IN_A_COMMENT))


@pytest.mark.parametrize(
    "content",
    [
        b"a: 012\nb: !!str 12\nc: yes\nd: 0o17\ne: 1e3\nf: .inf\n",
        b"a: &x {b: [c, 'd']}\ne: *x\nf:\n  <<: *x\n",
        b"a: 1\na: 2\n? [b]\n: c\nnull: d\n",
        b"a: |+\n  x\n\nb: >-\n  y\n  z\n",
        b"a: {b:c, d: e, 'f': g}\nh: [i:j, k: l]\n",
    ],
)
def test_both_parsers_tell_the_same_faults(content: bytes) -> None:
    assert _everything(read(content)) == _everything(read(content + _TAB_IN_A_COMMENT))


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b"a: 1\nb:\n\tc: 2\n", 3, "cannot start any token"),
        (b"a: 1\nb: [x, '':]\n", 2, "not YAML"),
        (b"a: &a 1\nb: {*a: 2}\n", 2, "the alias *a: has no anchor before it"),
        (b"a: 1\nb: |2#\n", 2, "not YAML"),
        (b"a: @b\n", 1, "cannot start any token"),
        (b"a: 'b\n", 1, "not YAML"),
        (b"a: \x00\n", 1, "special characters"),
    ],
)
def test_what_only_yaml_1_1_allows_is_a_fault(content: bytes, line: int, what: str) -> None:
    document = read(content)

    assert document.data is None
    assert [fault.line for fault in document.faults] == [line]
    assert what in document.faults[0].what


@pytest.mark.parametrize("separator", ["\u2028", "\u2029"])
def test_a_line_break_of_yaml_1_1_is_part_of_a_text(separator: str) -> None:
    document = read(f"a: b{separator}c\nd: 1\n".encode())

    assert document.data == {"a": f"b{separator}c", "d": 1}
    assert document.lines[("d",)] == 2


def _everything(document: Document) -> tuple[object, ...]:
    return document.data, document.lines, document.scalars, document.aliases, document.faults
