import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.api.body import Unreadable
from hub.api.xml_body import MAX_DEPTH, read_xml

BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">
<!ENTITY z "&y;&y;&y;&y;&y;&y;&y;&y;">]><a b="&z;">&z;</a>"""


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (BOMB, "document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>', "document type"),
        (b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>', "document type"),
        (b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1), "nested more than"),
        (b"<a>" * 5000 + b"</a>" * 5000, "depth"),
        (b"<a>", "not well-formed"),
        (b"", "not well-formed"),
        (b"<a>&undeclared;</a>", "not well-formed"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "not well-formed"),
        (b"<a>\xff</a>", "not well-formed"),
        (b"<a><!-- -- --></a>", "not well-formed"),
    ],
)
def test_xml_that_could_harm_or_mislead_is_refused_with_the_reason(body: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read_xml(body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "euc-kr", "utf-16-le-bom"])
def test_every_encoding_of_the_text_reads_the_same(encoding: str) -> None:
    codec = "utf-16-le" if encoding == "utf-16-le-bom" else encoding
    declared = {"utf-8-sig": "UTF-8", "utf-16-le": "UTF-16"}.get(codec, codec.upper())
    text = f'<?xml version="1.0" encoding="{declared}"?><a>농림축산검역본부</a>'
    mark = b"\xff\xfe" if encoding == "utf-16-le-bom" else b""
    assert read_xml(mark + text.encode(codec)).text == "농림축산검역본부"


def test_the_charset_of_the_content_type_counts_where_no_mark_says_otherwise() -> None:
    assert read_xml("<a>검역</a>".encode("euc-kr"), "EUC-KR").text == "검역"
    assert read_xml("<a>검역</a>".encode("utf-8-sig"), "EUC-KR").text == "검역"


def test_an_unknown_charset_is_refused() -> None:
    with pytest.raises(Unreadable, match="klingon"):
        read_xml(b"<a/>", "klingon")


def test_comments_and_instructions_do_not_split_a_text() -> None:
    assert read_xml(b"<a>one<!-- x --> two<?p q?> three</a>").text == "one two three"


@given(st.binary(max_size=200) | st.text(alphabet="<>/!&;[]a\"'= -?", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Nothing but Unreadable leaves the reader."""
    with contextlib.suppress(Unreadable):
        read_xml(body)
