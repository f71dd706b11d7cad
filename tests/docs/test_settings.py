"""Settings: all documented, with their true defaults, and no others."""

from __future__ import annotations

import re

import pytest
from pydantic import SecretStr

from hub.settings import Settings
from tests.docs.support import DOCUMENTS, rows, spans, text_of

_TABLE = {spans(row[0])[0]: row for row in rows(text_of("docs/operations.md"), "## Settings\n")}
_NOT_OF_THE_HUB = {
    "HUB_API_URL",  # of the command line
    "HUB_API_KEY",
    "HUB_RECORD_HISTORIES",  # of the tests
}
_NOTHING = {"none": None, "empty": "", "false": False}


def _name(field: str) -> str:
    return f"HUB_{field.upper()}"


@pytest.mark.parametrize("field", Settings.model_fields)
def test_a_setting_is_documented_with_its_default(field: str) -> None:
    """A table that says another default than the code is worse than none."""
    [_, said, _] = _TABLE[_name(field)]
    default = Settings.model_fields[field].default
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    word = said.strip("`")
    assert _NOTHING[word] == default if word in _NOTHING else word == str(default)


def test_a_setting_that_is_named_exists() -> None:
    """In any document, in prose or in a block."""
    known = {_name(field) for field in Settings.model_fields} | _NOT_OF_THE_HUB
    named = {name for path in DOCUMENTS for name in re.findall(r"\bHUB_[A-Z_]+[A-Z]\b", path.read_text())}
    assert named <= known
