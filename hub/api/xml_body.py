"""
XML from strangers: no document type, no entities, bounded depth and number of elements.

The byte order mark decides the encoding, then the charset of the Content-Type, then the XML declaration
(RFC 7303 section 3). Comments and processing instructions are left out and do not split a text.
"""

from __future__ import annotations

import codecs

from lxml import etree

from hub.api.body import Unreadable
from hub.parsing import parse

MAX_DEPTH = 64
MAX_ELEMENTS = 500_000

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_xml(body: bytes, charset: str | None = None) -> etree._Element:
    """The root element of a document. Raises Unreadable."""
    marked = body.startswith(_MARKS)
    try:
        root = parse(body, None if marked else charset)
    except LookupError as error:
        raise Unreadable(f"the charset {str(charset)[:40]!r} is not known") from error
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable(f"not well-formed XML: {error}"[:500]) from error
    # Entities are refused with the document type that declares them; none has been expanded by now.
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("a document type declaration (DTD) is not accepted")
    _check_bounds(root)
    return root


def _check_bounds(root: etree._Element) -> None:
    depth = 0
    count = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            depth += 1
            count += 1
            if depth > MAX_DEPTH:
                raise Unreadable(f"nested more than {MAX_DEPTH} deep")
            if count > MAX_ELEMENTS:
                raise Unreadable(f"more than {MAX_ELEMENTS} elements")
        else:
            depth -= 1
