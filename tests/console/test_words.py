"""Every word of the console is there in English and Korean."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from hub.console import acting
from hub.console.i18n import Words, preferred
from hub.domain.wording import EVENTS, RULES
from tests.console.support import NOW, Console

_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
_PLACE = re.compile(r"%\((\w+)\)s")


def _extracted(folder: Path) -> Iterator[tuple[str, str]]:
    """Every text that is put into words somewhere, with the file."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".py", ".html"):
            continue
        options = {"trimmed": "true", "silent": "false", "extensions": "jinja2.ext.do"}
        method, given = ("python", {}) if path.suffix == ".py" else ("jinja2", options)
        found = extract(method, io.BytesIO(path.read_bytes()), keywords=_KEYWORDS, options=given)
        for _line, message, _comments, _context in found:
            for each in message if isinstance(message, tuple) else (message,):
                if each:
                    yield each, str(path.relative_to(folder))
    # What the domain says of rules and events is put into the reader's words, too.
    for words in (*RULES.values(), *EVENTS.values()):
        yield words, "hub/domain/wording.py"


@pytest.fixture
def folder(root: Path) -> Path:
    return root / "hub" / "console"


def _korean(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """By English text: each Korean one, and the file it stands in."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted((folder / "locale" / "ko").glob("*.po")):
        for message in read_po(io.BytesIO(path.read_bytes()), locale="ko"):
            if not message.id:
                continue
            said = message.string[0] if isinstance(message.string, tuple) else message.string
            for each in message.id if isinstance(message.id, tuple) else (message.id,):
                found.setdefault(each, []).append((str(said), path.name))
    return found


def test_every_word_is_there_in_korean(folder: Path) -> None:
    korean = _korean(folder)
    missing = {
        text: file for text, file in _extracted(folder) if not any(said for said, _ in korean.get(text, ()))
    }
    assert not missing, "\n".join(f"{file}: {text!r}" for text, file in missing.items())


def test_nothing_is_translated_that_is_said_nowhere(folder: Path) -> None:
    said = {text for text, _ in _extracted(folder)}
    stray = {text: where for text, where in _korean(folder).items() if text not in said}
    assert not stray, stray


def test_a_text_is_translated_in_one_way_and_with_the_same_places_to_fill_in(folder: Path) -> None:
    wrong = []
    for text, translations in _korean(folder).items():
        if len({said for said, _ in translations}) > 1:
            wrong.append(f"{text!r} in several ways: {translations}")
        # A plural's own number may be left out of either form, as English does of the singular.
        places = set(_PLACE.findall(text)) - {"num"}
        wrong += [
            f"{file}: {text!r} has other places than {said!r}"
            for said, file in translations
            if set(_PLACE.findall(said)) - {"num"} != places
        ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("ko", "ko"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("en-GB,en;q=0.9,ko;q=0.8", "en"),
        ("en;q=0.3,ko;q=0.7", "ko"),
        ("ko;q=0,en", "en"),
        ("fr,de;q=0.5", "en"),
        ("*", "en"),
        ("x" * 5000 + ",;q=,ko;q=many", "en"),
    ],
)
def test_the_language_a_browser_prefers(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


async def test_the_language_of_a_user_goes_before_that_of_the_browser(console: Console) -> None:
    kim = console.signed_in(language="ko")
    page = await kim.get("/console/account", headers={"Accept-Language": "en"})
    assert '<html lang="ko"' in page.text
    assert "내 계정" in page.text


async def test_language_and_colours_are_chosen_without_a_script(console: Console) -> None:
    kim = console.signed_in(name="kim")
    back = await kim.post(
        "/console/preferences", {"language": "ko", "scheme": "dark", "back": "/console/account"}
    )
    page = await kim.follow(back)
    assert '<html lang="ko" data-scheme="dark">' in page.text
    elsewhere = console.session_of("kim")
    kim.http.cookies.clear()
    kim.http.cookies.set("hub-session", elsewhere)
    page = await kim.get("/console/account")
    assert '<html lang="ko" data-scheme="auto">' in page.text, "the language goes with the user"


async def test_language_before_sign_in(console: Console) -> None:
    anybody = console.visitor()
    page = await anybody.follow(
        await anybody.post("/console/preferences", {"language": "ko", "back": "/console/sign-in"})
    )
    assert "로그인" in page.text


@pytest.mark.parametrize(
    ("length", "english", "korean"),
    [
        (timedelta(milliseconds=412), "412 ms", "412 ms"),
        (timedelta(seconds=42), "42 secs", "42초"),
        (timedelta(minutes=59), "59 mins", "59분"),
        (timedelta(hours=3), "3 hrs", "3시간"),
        (timedelta(hours=27), "27 hours", "27시간"),
        (timedelta(days=75), "2 months", "2개월"),
        (timedelta(days=2), "2 days", "2일"),
    ],
)
def test_lengths_of_time(length: timedelta, english: str, korean: str) -> None:
    zone = ZoneInfo("Asia/Seoul")
    assert Words("en", zone, NOW).duration(length) == english
    assert Words("ko", zone, NOW).duration(length) == korean


def test_a_moment_is_shown_where_the_reader_is_and_said_exactly_to_machines() -> None:
    words = Words("en", ZoneInfo("Asia/Seoul"), NOW)
    assert words.moment(NOW) == (
        '<time datetime="2026-11-20T02:15:00Z" title="20 Nov 2026, 11:15:00 GMT+09:00">20 Nov, 11:15</time>'
    )
    assert "20 Nov 2025, 11:15" in words.moment(NOW.replace(year=2025))
    assert "3 hr ago" in words.ago(NOW - timedelta(hours=3))
    assert "in 2 days" in words.ago(NOW + timedelta(days=2))
    assert "11월 20일 11:15" in Words("ko", ZoneInfo("Asia/Seoul"), NOW).moment(NOW)


@pytest.mark.parametrize(
    ("written", "english", "korean"),
    [
        ("3wd", "3 working days", "3영업일"),
        ("2wd+4h", "2 working days + 4 hours", "2영업일 + 4시간"),
        ("30d", "30 days", "30일"),
        ("20s", "20 seconds", "20초"),
        ("36h", "36 hours", "36시간"),
    ],
)
def test_a_term_of_the_law_is_said_in_words_and_not_rounded(written: str, english: str, korean: str) -> None:
    for language, said in (("en", english), ("ko", korean)):
        assert Words(language, ZoneInfo("Asia/Seoul"), NOW).term(written) == said


def test_the_audit_has_words_for_every_action() -> None:
    """As they stand in the code that writes its lines."""
    written = "".join(path.read_text() for path in Path(acting.__file__).parent.parent.rglob("*.py"))
    calls = r'(?:action=|_audit\([\w, ]+, |_line\(|audited\(\w+, \w+, )"([a-z]+\.[a-z_]+)"'
    actions = set(re.findall(calls, written))
    assert len(actions) > 10
    assert actions <= set(acting.ACTIONS)
