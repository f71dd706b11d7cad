"""XML from outside is parsed here: nothing is loaded or expanded, and nothing of it stays behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lxml import etree

_SHORT = 8 * 1024
"""
Bytes. libxml2 keeps every name it reads until the thread ends that has read it, so what could hold very many
is read in a thread of its own. That takes a tenth of a millisecond, which is much for a short message.
"""


def parse(body: bytes, charset: str | None = None) -> etree._Element:
    """
    The root of a document, without comments and processing instructions; no document type is heeded.

    `charset` overrides what the document says of itself. Raises LookupError when it is not known,
    `lxml.etree.XMLSyntaxError` or ValueError when this is not well-formed.
    """
    if len(body) <= _SHORT:
        return _parse(body, charset)
    with ThreadPoolExecutor(max_workers=1) as alone:
        return alone.submit(_parse, body, charset).result()


def _parse(body: bytes, charset: str | None) -> etree._Element:
    # A parser of its own for every document: lxml serialises threads that share one.
    parser = etree.XMLParser(
        encoding=charset,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(body, parser)
