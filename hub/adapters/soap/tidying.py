"""A contract's file as bytes, made into a tree: the usual blemishes are accepted, each with a warning."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from hub.adapters.soap import namespaces as ns
from hub.adapters.wire import Misfit
from hub.adapters.xml import parse_xml

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(r"""(<\?xml[^>]*?)\s+encoding\s*=\s*["'][^"']*["']""")
_UNDECLARED = re.compile(r"Namespace prefix (\S+) (?:for \S+ )?on \S+ is not defined")
_ROOT = re.compile(rb"(<[A-Za-z_][\w.:-]*)(?=[\s>])")
_MOST_PREFIXES = 20
_USUAL = {
    "xs": ns.XSD,
    "xsd": ns.XSD,
    "xsi": ns.XSI,
    "wsdl": ns.WSDL,
    "soap": ns.SOAP_11,
    "soap12": ns.SOAP_12,
    "soapenc": ns.ENCODING_11,
    "xmime": ns.XML_MIME,
    "wsp": ns.POLICIES[0],
}
"""What prefixes stand for as a rule, where a document forgets to say."""
# Drafts of XML Schema whose documents differ from the recommendation in their namespace only, as far as
# contracts use them.
_OLD_SCHEMAS = re.compile(rb"http://www\.w3\.org/(?:1999|2000/10)/XMLSchema")


def tidy(body: bytes) -> tuple[etree._Element, list[str]]:
    """The root of a contract's document, and what had to be put right. Raises Misfit."""
    warnings: list[str] = []
    # A byte order mark of UTF-8 says nothing; behind white space it would be in the way.
    unmarked = body.lstrip(b" \t\r\n").removeprefix(b"\xef\xbb\xbf")
    stripped = unmarked.lstrip(b" \t\r\n")
    if stripped not in (body, body.removeprefix(b"\xef\xbb\xbf")):
        warnings.append("there is white space before the XML declaration")
    if _OLD_SCHEMAS.search(stripped):
        warnings.append("it uses a draft of XML Schema; it is read as the recommendation of 2001")
        stripped = _OLD_SCHEMAS.sub(b"http://www.w3.org/2001/XMLSchema", stripped)
    stripped, undeclared = _declared(stripped)
    if undeclared:
        warnings.append(f"prefixes are used and not declared: {', '.join(undeclared)}")
    try:
        return parse_xml(stripped), warnings
    except Misfit as wrong:
        if "DTD" in str(wrong):
            raise
        for encoding, text in _decodings(stripped):
            try:
                root = parse_xml(text.encode())
            except Misfit:
                continue
            warnings.append(f"its encoding is not the one it declares; it is read as {encoding}")
            return root, warnings
        raise


def _declared(body: bytes) -> tuple[bytes, list[str]]:
    """The bytes with every prefix declared that is used without a declaration, and these prefixes."""
    found: list[str] = []
    while len(found) < _MOST_PREFIXES:
        try:
            parse_xml(body)
            break
        except Misfit as wrong:
            told = _UNDECLARED.search(str(wrong))
        if told is None or told[1] in found:
            break
        prefix = told[1]
        namespace = _USUAL.get(prefix, f"urn:undeclared:{prefix}")
        declared = _ROOT.sub(rb"\1 xmlns:%b='%b'" % (prefix.encode(), namespace.encode()), body, count=1)
        if declared == body:
            break
        found.append(prefix)
        body = declared
    return body, found


def _decodings(body: bytes) -> Iterator[tuple[str, str]]:
    """The texts that the bytes may stand for, without the declaration of an encoding."""
    candidates = ["utf-8", "utf-16", "windows-1252"]
    if not body.startswith(_BYTE_ORDER_MARKS):
        candidates.remove("utf-16")
    for encoding in candidates:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        text = text.lstrip("\ufeff \t\r\n")
        yield encoding, _ENCODING.sub(r"\1", text) if _DECLARATION.match(text) else text
