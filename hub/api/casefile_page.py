"""The case file as a page: no scripts, nothing loaded from elsewhere, for telephones and for paper."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from hub.domain.model import Model
from hub.domain.wording import EVENTS, OUTCOMES, RULES, plain, said

_TEMPLATE = "casefile.html"


def page_of(file: Model) -> str:
    """The page for a case file."""
    return _ENVIRONMENT.get_template(_TEMPLATE).render(file=file)


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def _named(text: Mapping[str, str]) -> str:
    """A text in English, or in whatever language there is."""
    return text.get("en") or next(iter(text.values()), "")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hub.api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": _moment, "named": _named, "plain": plain, "said": said}
    environment.globals |= {
        "RULES": RULES,
        "OUTCOMES": OUTCOMES,
        "EVENTS": {str(k): v for k, v in EVENTS.items()},
    }
    return environment


_ENVIRONMENT = _environment()
