"""Mapping expressions and the functions they have."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.expressions import Expression, ExpressionFailed, ExpressionFault, Values
from hub.expressions.functions import declarations, or_default

ROOTS = frozenset({"reply", "items", "referral"})
CONTEXT = {
    "reply": {
        "code": "합격",
        "nothing": None,
        "count": 7,
        "ratio": 1.5,
        "when": "2026-03-01T23:30:00Z",
        "part": {"of": {"it": "deep"}},
        "list": ["a", {"b": 1}],
    },
    "items": [{"number": n, "hs_code": f"060{n}", "net_mass_kg": "12.50"} for n in range(1, 6)],
    "referral": {"id": "26KR1/apqa"},
}

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def evaluate(text: str) -> object:
    return Expression(text, ROOTS).evaluate(CONTEXT)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("=reply.code", "합격"),
        ("reply.code", "합격"),
        ("=reply.part.of.it", "deep"),
        ("=reply.nothing", None),
        ("=reply.list", ["a", {"b": 1}]),
        ("=has(reply.code)", True),
        ("=has(reply.nope)", False),
        ("=has(reply.part.nope)", False),
        ('=reply.?nope.?deeper.orValue("none")', "none"),
        ('=reply.?part.of.it.orValue("none")', "deep"),
        ("=[?reply.?nope, ?reply.?count]", [7]),
        ('={?"a": reply.?nope, ?"b": reply.?count}', {"b": 7}),
        ('=reply.?code.optMap(c, c + "!").orValue("")', "합격!"),
        ("=items[?9].number.orValue(0)", 0),
        ("=has(items[?0].number)", True),
        ("=items.map(i, i.number)", [1, 2, 3, 4, 5]),
        ('=items.filter(i, i.number > 3).map(i, {"No": i.number})', [{"No": 4}, {"No": 5}]),
        ("=reply.code == '합격' ? 1 : 2", 1),
        ("=math.greatest(reply.count, 3)", 7),
        ("='a-b'.split('-')", ["a", "b"]),
        ("=timestamp(reply.when)", datetime(2026, 3, 1, 23, 30, tzinfo=UTC)),
        # the hub's own functions
        ('=date(reply.when, "yyyyMMdd")', "20260301"),
        ('=date(reply.when, "yyyyMMddHHmmss", "Asia/Seoul")', "20260302083000"),
        ('=date("2026-03-01T09:05:07+09:00", "HH:mm:ss")', "09:05:07"),
        ('=date("2026-03-01", "yyyy-MM-dd\'T\'HH:mm")', "2026-03-01T00:00"),
        ('=date(timestamp(reply.when), "dd.MM.yyyy")', "01.03.2026"),
        ('=pad_left(reply.count, 3, "0")', "007"),
        ('=pad_left("abcd", 3, "0")', "abcd"),
        ('=number("240.50")', 240.5),
        ('=uuid("26KR1/apqa")', "ad1a4193-f865-5215-85a0-12c4bf3eaae5"),
        ('=number("1200.00")', 1200),
        ('=number("-.5")', -0.5),
        ('=number("")', ""),
        ("=number(null)", ""),
        ("=number(reply.count)", 7),
        ('=lookup({"KG": "KGM"}, "KG", "C62")', "KGM"),
        ('=lookup({"KG": "KGM"}, reply.code, "C62")', "C62"),
        ("=lookup({}, reply.nothing, reply.list)", ["a", {"b": 1}]),
        ("=text(reply.count)", "7"),
        ("=text(reply.ratio)", "1.5"),
        ("=text(2.0)", "2"),
        ("=text(true)", "true"),
        ("=text(reply.nothing)", ""),
        ("=text(timestamp(reply.when))", "2026-03-01T23:30:00Z"),
        ('=default(reply.nothing, "x")', "x"),
        ('=default(reply.code, "x")', "합격"),
        ("=default(reply.?nope.orValue(null), [1])", [1]),
        ('=keys({"b": 1, "a": 2, "c": 3})', ["a", "b", "c"]),
        ("=keys({})", []),
        ("=json(reply.part)", '{"of":{"it":"deep"}}'),
        ('=json({"b": [1, 1.5, true, null], "a": "é\\""})', '{"a":"é\\"","b":[1,1.5,true,null]}'),
        ("=json(reply.nothing)", "null"),
        ('=base64("합격")', "7ZWp6rKp"),
        (
            '=link({"link": "</a?p=1,2>; rel=prev, <b;c>; title=\\"x, y\\"; rel=\\"last NEXT\\""}, "next")',
            "b;c",
        ),
        ('=link({"link": "<a>; rel=next, <b>; rel=next"}, "next")', "a"),
        ('=link({"link": "<a>; anchor=next"}, "next")', ""),
        ('=link({}, "next")', ""),
        ("=keys({2: 1, 10: 1, true: 1, 'x': 1})", [True, 2, 10, "x"]),
        ('=keys(reply.part).map(k, k + "!")', ["of!"]),
    ],
)
def test_an_expression_reads_its_data(text: str, value: object) -> None:
    """Keys, options, comprehensions and functions, with or without the leading `=`."""
    assert evaluate(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("=reply.nope", 'no key "nope"'),
        ("=reply.part.nope.it", 'no key "nope"'),
        ("=items.map(i, i.nope)", 'no key "nope"'),
        ("=has(reply.nope.deeper)", 'no key "nope"'),
        ("=default(reply.nope, 1)", 'no key "nope"'),
        ("=reply.code + reply.count", "`+` does not go with (text, whole number)"),
        ("=default(timestamp(reply.when), 1)", "`default` does not go with (timestamp, whole number)"),
        ("=text(reply.list)", "`text` does not go with (list)"),
        ("=keys(reply.list)", "`keys` does not go with (list)"),
        ("=reply.code.part", "a part is read of what has no parts, or is null"),
        ("=reply.list[7]", "a list of 2 has no element 7"),
        ('=int("abc")', "cannot convert string to int"),
        ('=date("yesterday", "yyyy")', "'yesterday' is not a time as RFC 3339 writes it"),
        ('=date(reply.when, "YYYY")', "a date pattern has yyyy, MM, dd, HH, mm and ss; not 'YYYY'"),
        ('=date(reply.when, "yyyy\'T")', 'a quote in the date pattern "yyyy\'T" is not closed'),
        ('=date(reply.when, "yyyy", "Mars/Base")', "there is no time zone 'Mars/Base'"),
        (
            '=date("9999-12-31T23:59:59Z", "yyyy", "Asia/Seoul")',
            "9999-12-31T23:59:59+00:00 lies beyond the calendar there",
        ),
        ('=number("1,200")', "'1,200' is not a number"),
        ('=number("1e400")', "'1e400' is not a number"),
        ('=pad_left("1", 3, "00")', "pad_left fills with one character; not '00'"),
        ('=pad_left("1", 100000, "0")', "pad_left fills to at most 1000 characters; not 100000"),
    ],
)
def test_data_that_does_not_fit_fails_with_the_reason(text: str, reason: str) -> None:
    """What is missing is named; what does not fit together is told in words."""
    with pytest.raises(ExpressionFailed) as caught:
        evaluate(text)
    assert caught.value.reason == reason
    assert caught.value.text == text.removeprefix("=")


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("=rply.code", 1, 1, "there is no 'rply' here"),
        ("=reply.code +\n  itms.size()", 2, 3, "there is no 'itms' here"),
        ("=reply.code +", 1, 13, "it ends too early"),
        ("=", 1, 1, "it ends too early"),
        ("=shout(reply.code)", 1, 6, "there is no function 'shout'"),
        ('="\ud800"', 1, 1, "it holds a character that does not exist in Unicode"),
        ("=reply" + ".a" * 500, 1, 1, "it is nested too deeply"),
    ],
)
def test_wrong_text_is_a_fault_before_there_is_data(text: str, line: int, column: int, message: str) -> None:
    """Unknown roots, unknown functions and syntax are found when the expression is made."""
    with pytest.raises(ExpressionFault) as caught:
        Expression(text, ROOTS)
    assert (caught.value.line, caught.value.column, caught.value.message) == (line, column, message)


@pytest.mark.parametrize(
    "text",
    [
        "reply.?nope",
        '{"a": reply.?nope}',
        "[1, reply.?nope]",
        "dyn([reply.?nope])",
        "items.map(i, i.?nope)",
        'lookup({"a": reply.?nope}, "a", 1)',
        "true ? reply.?nope : optional.none()",
        "text(reply.?count)",
        "[reply].map(r, [r.?nope])[0]",
        "items[?0]",
        "items[?9].number",
        "{'a': items[?9][0]}",
    ],
)
def test_an_optional_value_cannot_get_into_a_result(text: str) -> None:
    """
    An optional value that is not resolved is a fault, wherever it hides.

    The library ends the whole process on one inside a list or a mapping of a result.
    """
    with pytest.raises(ExpressionFault, match="may be missing") as caught:
        Expression(text, ROOTS)
    assert ".orValue" in caught.value.cure


def test_a_root_that_was_not_given_is_named() -> None:
    """The roots are promised to the expression; a caller that breaks the promise is told which."""
    with pytest.raises(ExpressionFailed, match="nothing was given for 'reply'"):
        Expression("reply.a", ROOTS).evaluate({"items": []})


@given(json_values)
def test_json_data_passes_through_unchanged(value: object) -> None:
    """What goes in as JSON comes out as it was."""
    assert Expression("reply", ROOTS).evaluate({"reply": value}) == value


@given(json_values, json_values)
def test_default_takes_every_kind_of_value(value: object, other: object) -> None:
    """`default` is the value unless it is null, whatever kinds of JSON the two are."""
    expression = Expression("default(reply.a, reply.b)", ROOTS)
    assert expression.evaluate({"reply": {"a": value, "b": other}}) == or_default(value, other)


@given(st.dictionaries(texts, st.none() | texts, max_size=20))
def test_keys_come_in_a_fixed_order(value: dict[str, object]) -> None:
    """CEL itself goes through a map in any order, another one each time."""
    assert Expression("keys(reply)", ROOTS).evaluate({"reply": value}) == sorted(value)


def test_every_function_is_documented() -> None:
    """The list of functions at the head of their module names each of them."""
    from hub.expressions import functions

    assert functions.__doc__ is not None
    for name in functions.NAMES:
        assert f"    {name}(" in functions.__doc__
    assert len(declarations()) == len(functions.NAMES)


def test_expressions_are_safe_from_several_threads() -> None:
    """Threads that share expressions, and compile others meanwhile, each get their own answers."""
    shared = Expression('items.map(i, {"No": i.number, "Of": pad_left(text(reply.count), 4, "0")})', ROOTS)
    wrong: list[object] = []
    start = threading.Barrier(4)

    def work(mine: int) -> None:
        start.wait()
        context = {"items": [{"number": mine}], "reply": {"count": mine}}
        expected = [{"No": mine, "Of": f"{mine:04d}"}]
        for turn in range(400):
            got = shared.evaluate(context)
            if turn % 50 == 0:
                got = Expression(shared.text, ROOTS | {f"root{mine}"}).evaluate(context)
            if got != expected:
                wrong.append(got)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('=reply.part["of"].it', {("reply", "part", "of", "it"), ("reply", "part", "of"), ("reply", "part")}),
        ("=reply.?part.?of.orValue({})", {("reply", "part"), ("reply", "part", "of")}),
        ("=reply[referral.id].x", {("referral", "id")}),
        ("=items.map(i, i.number)", set()),
        ("=has(reply.part)", {("reply", "part")}),
    ],
)
def test_an_expression_knows_what_it_reads(text: str, read: set[tuple[str, ...]]) -> None:
    """As far as the names are written out."""
    assert {path for path in Expression(text, ROOTS).reads if len(path) > 1} == read


@given(json_values, json_values)
def test_values_that_several_expressions_share_are_read_as_ever(a: object, b: object) -> None:
    """Whether it is converted once for all or anew for each, everybody reads the same."""
    given_once = Values({"a": a, "b": b, "c": object()})  # what nobody reads need not be plain data
    others = Expression("[a, b]", ("a", "b"))  # of another set of roots
    for expression in (
        *(Expression(text, ("a", "b", "c")) for text in ("a", "b", "{'a': a, 'b': b}")),
        others,
    ):
        assert expression.evaluate(given_once) == expression.evaluate({"a": a, "b": b})
