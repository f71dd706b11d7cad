"""The case file as a page: no scripts, nothing loaded from elsewhere, for telephones and for paper."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from hub.domain.model import Model
from hub.domain.wording import EVENTS, OUTCOMES, RULES

_TEMPLATE = "casefile.html"


def page_of(file: Model) -> str:
    """The page for a case file."""
    return _ENVIRONMENT.get_template(_TEMPLATE).render(file=file)


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _named(text: Mapping[str, str]) -> str:
    """A text in English, or in whatever language there is."""
    return text.get("en") or next(iter(text.values()), "")


def _plain(word: Any) -> str:
    """A word of the API's vocabulary, for reading."""
    return str(word).replace("_", " ")


def _said(data: Mapping[str, Any]) -> str:
    """The plain values in the data of an event; the rest stands elsewhere in the file."""
    return ", ".join(
        f"{_plain(key)} {value}"
        for key, value in data.items()
        if isinstance(value, str | int) and value != ""
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hub.api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": _moment, "named": _named, "plain": _plain, "said": _said}
    environment.globals |= {
        "RULES": RULES,
        "OUTCOMES": OUTCOMES,
        "EVENTS": {str(k): v for k, v in EVENTS.items()},
    }
    return environment


_ENVIRONMENT = _environment()
