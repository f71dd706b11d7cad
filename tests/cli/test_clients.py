"""Which clients may be added."""

from __future__ import annotations

import pytest
from typer import BadParameter

from hub.cli.administration import add_client
from hub.ports import Role


@pytest.mark.parametrize(
    ("name", "role", "declarant", "agency", "why"),
    [
        ("  ", Role.OPERATOR, None, None, "blank"),
        ("A", Role.AGENCY, None, None, "needs --agency"),
        ("A", Role.AGENCY, "KR-1", "apqa", "--declarant is for"),
        ("A", Role.OPERATOR, "KR-1", None, "--declarant is for"),
        ("A", Role.CUSTOMS, None, "apqa", "--agency is for"),
        ("A", Role.CUSTOMS, " ", None, "blank"),
    ],
)
def test_pairs_that_make_no_sense_are_refused(
    name: str, role: Role, declarant: str | None, agency: str | None, why: str
) -> None:
    with pytest.raises(BadParameter, match=why):
        add_client(name, role=role, declarant=declarant, agency=agency)
