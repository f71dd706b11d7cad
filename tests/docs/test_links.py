"""Links between documents lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.support import DOCUMENTS, prose

_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _anchors(path: Path) -> set[str]:
    """The anchors that a forge makes of headings."""
    titles = _HEADING.findall(prose(path.read_text()))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_resolves(path: Path) -> None:
    """To a file that is there, and to a heading in it."""
    for link in _LINK.finditer(prose(path.read_text())):
        target, _, anchor = link["target"].partition("#")
        assert "://" not in target, f"{target}: documents refer to nothing outside"
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), target
        assert not anchor or anchor in _anchors(file), link["target"]
