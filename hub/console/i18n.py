"""The console in English and Korean: words, numbers and times."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from functools import cache
from gettext import NullTranslations
from importlib import resources
from typing import Literal

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import Translations
from markupsafe import Markup, escape

from hub.domain.deadlines import parse_term
from hub.domain.model import Text

LANGUAGES: Mapping[str, str] = {"en": "English", "ko": "한국어"}
"""By ISO 639-1 code, in their own words. Words in English stand in the code itself."""


_LOCALES: Mapping[str, str] = {"en": "en_GB", "ko": "ko_KR"}
"""How numbers and lengths of time are written (CLDR); in the United States `3 hr. ago`."""


def _(msgid: str) -> str:
    """
    Mark words of Python code for translation; they stay English until a template, or `Words.gettext`, puts
    them into the reader's language.
    """
    return msgid


@cache
def translations(language: str) -> NullTranslations:
    """All `.po` files of a language, as one."""
    merged = Translations()
    folder = resources.files("hub.console") / "locale" / language
    if not folder.is_dir():
        return merged
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".po"):
            compiled = io.BytesIO()
            write_mo(compiled, read_po(io.BytesIO(file.read_bytes()), locale=language))
            compiled.seek(0)
            found = Translations(compiled)
            merged.merge(found)
            # Which form a number takes comes with the file, and is not merged.
            merged.plural = found.plural
    return merged


def preferred(accepted: str) -> str:
    """The first of our languages in an `Accept-Language` header (RFC 9110, 12.5.4); else English."""
    wanted: list[tuple[float, str]] = []
    for part in accepted.split(",")[:20]:
        tag, _semicolon, weight = part.partition(";q=")
        try:
            wanted.append((-float(weight or 1), tag.strip().replace("-", "_")))
        except ValueError:
            continue
    ordered = [tag for weight, tag in sorted(wanted, key=lambda each: each[0]) if weight < 0]
    try:
        return negotiate_locale(ordered, list(LANGUAGES)) or "en"
    except UnknownLocaleError:
        return "en"


class Words:
    """What a page says to one reader: in a language, with times of one zone, seen from now."""

    def __init__(self, language: str, zone: tzinfo, now: datetime) -> None:
        self.language = language
        self.locale = Locale.parse(_LOCALES[language])
        self.now = now
        self._zone = zone
        self._translations = translations(language)

    def gettext(self, msgid: str, **values: object) -> str:
        """Words in the reader's language, with `%(name)s` filled in."""
        said = self._translations.gettext(msgid) if msgid else ""
        return said % values if values else said

    def ngettext(self, one: str, many: str, n: int, **values: object) -> str:
        """The same for a number of things; `%(num)s` is the number."""
        return self._translations.ngettext(one, many, n) % {"num": self.number(n), **values}

    def text_of(self, text: Text | None) -> str:
        """A text of the configuration in the reader's language, else in English."""
        if not text:
            return ""
        return text.get(self.language) or text.get("en") or next(iter(text.values()))

    def number(self, value: float | None) -> str:
        return "" if value is None else format_decimal(value, locale=self.locale)

    def percent(self, share: float | None) -> str:
        """A share of one."""
        return "" if share is None else format_percent(share, locale=self.locale)

    def duration(self, length: timedelta | float | None) -> str:
        """How long, roughly, as `3 hr`; seconds when it is a number."""
        if length is None:
            return ""
        if not isinstance(length, timedelta):
            length = timedelta(seconds=length)
        if abs(length) < timedelta(seconds=1):
            return self.gettext("%(ms)s ms", ms=self.number(round(length.total_seconds() * 1000)))
        return format_timedelta(length, threshold=1.2, format=_style(length), locale=self.locale)

    def term(self, text: str) -> str:
        """
        A length of time as the configuration writes it, `3wd`, `2wd+4h`, `48h` or `20s`, in words and not
        rounded. Raises NotATerm.
        """
        working, plain = parse_term(text)
        said = []
        if working:
            said.append(self.ngettext("%(num)s working day", "%(num)s working days", working))
        if plain or not working:
            seconds = int(plain.total_seconds())
            unit = next(unit for size, unit in _UNITS if seconds % size == 0)
            # With such a threshold no larger unit is taken, into which it would have to be rounded.
            said.append(format_timedelta(plain, granularity=unit, threshold=math.inf, locale=self.locale))
        return " + ".join(said)

    def when(self, at: datetime | None) -> str:
        """A moment in full, without markup."""
        if at is None:
            return ""
        local = at.astimezone(self._zone)
        return format_datetime(local, _EXACTLY[self.language], tzinfo=self._zone, locale=self.locale)

    def day(self, at: datetime | None) -> Markup:
        """The day of a moment, as a `<time>`."""
        if at is None:
            return Markup("")
        local = at.astimezone(self._zone)
        return _time(local, format_date(local, _DAYS[self.language], locale=self.locale), f"{local:%Y-%m-%d}")

    def moment(self, at: datetime | None) -> Markup:
        """A moment to the minute, as a `<time>`; the year is left out when it is this one."""
        if at is None:
            return Markup("")
        local, now = at.astimezone(self._zone), self.now.astimezone(self._zone)
        pattern = _MOMENTS[self.language][local.year == now.year]
        said = format_datetime(local, pattern, tzinfo=self._zone, locale=self.locale)
        return _time(at, said, self._instant(at), self.when(at))

    def ago(self, at: datetime | None) -> Markup:
        """How long since a moment, or until it, as `3 hr ago` or `in 2 days`, in a `<time>`."""
        if at is None:
            return Markup("")
        length = at - self.now
        said = format_timedelta(
            length, add_direction=True, threshold=1.2, format=_style(length), locale=self.locale
        )
        return _time(at, said, self._instant(at), self.when(at))

    def age(self, at: datetime | None) -> Markup:
        """How long since a moment, as `3 hr`, in a `<time>`."""
        if at is None:
            return Markup("")
        return _time(at, self.duration(self.now - at), self._instant(at), self.when(at))

    def _instant(self, at: datetime) -> str:
        return at.isoformat(timespec="seconds").replace("+00:00", "Z")


_UNITS: tuple[tuple[int, Literal["day", "hour", "minute", "second"]], ...] = (
    (86_400, "day"),
    (3_600, "hour"),
    (60, "minute"),
    (1, "second"),
)
"""Seconds of each unit."""
_MOMENTS: Mapping[str, tuple[str, str]] = {
    "en": ("d MMM y, HH:mm", "d MMM, HH:mm"),
    "ko": ("y년 M월 d일 HH:mm", "M월 d일 HH:mm"),
}
"""In another year, and in this one (Unicode TR 35)."""
_EXACTLY: Mapping[str, str] = {"en": "d MMM y, HH:mm:ss ZZZZ", "ko": "y년 M월 d일 HH:mm:ss ZZZZ"}
_DAYS: Mapping[str, str] = {"en": "d MMM y", "ko": "y년 M월 d일"}


def _style(length: timedelta) -> Literal["long", "short"]:
    """`3 hrs`, but `2 months`: of the longer ones the short words are odd."""
    return "long" if abs(length) >= timedelta(days=1) else "short"


def _time(at: datetime, said: str, machine: str, title: str = "") -> Markup:
    hint = Markup(' title="{}"').format(title) if title else ""
    return Markup('<time datetime="{}"{}>{}</time>').format(machine, hint, escape(said))
