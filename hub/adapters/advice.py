"""What a contract gives reason to warn of: words that nobody has mapped, names that were perhaps meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from hub.adapters.shape import Path, Shape, sample
from hub.adapters.wire import Context, Plain
from hub.config.models import DecisionReading, OperationFile
from hub.expressions import Expression, ExpressionFailed, ExpressionFault
from hub.expressions.compiling import nearest

Words = tuple[str, ...]
"""The only words that a contract lets an answer hold in one place."""

_STEP = re.compile(r'\.\??([A-Za-z_][A-Za-z0-9_]*)|\[\??["\']([^"\']+)["\']\]|\[\??[0-9]+\]')
_ENDING = re.compile(r'\.orValue\((?:""|\'\')\)$|\.trim\(\)$')
_NO_KEY = re.compile(r'^no key ["\']?(.*?)["\']?$')


def path_of(text: str, root: str) -> tuple[str, ...] | None:
    """The names on the way that an expression goes down from a root; None when it does more than that."""
    text = "".join(text.removeprefix("=").split())
    while (ending := _ENDING.search(text)) is not None:
        text = text[: ending.start()]
    if not text.startswith(root):
        return None
    steps, at = [], len(root)
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            return None
        if name := step[1] or step[2]:
            steps.append(name)
        at = step.end()
    return tuple(steps)


def words_at(shape: Shape | None, path: Sequence[str]) -> Words:
    """The words that may stand at a path; none when the contract leaves them open, or has no such path."""
    held: Words = ()
    for name in path:
        part = None if shape is None else shape.parts.get(name)
        if part is None:
            return ()
        shape, held = part.inner, part.values
    return held


def decisive(
    words: Words, path: Sequence[str], decision: DecisionReading, shape: Shape | None, context: Context
) -> Words:
    """
    Those words that come to be looked up: not those for which `when` says that there is no decision.

    Where `when` asks for something else than the word, every word may come.
    """
    if decision.when is None:
        return words
    told = {
        word: _holds(decision.when, {**context, "reply": _with(sample(shape), path, word)}) for word in words
    }
    return tuple(word for word, held in told.items() if held) if True in told.values() else words


class Vocabulary:
    """An agency's table of words beside those that its contract lets answers say."""

    def __init__(self, verdicts: Collection[str]) -> None:
        self._verdicts = verdicts
        self._said: list[Words] = []

    def heard(
        self, key: Path, decision: DecisionReading, shape: Shape | None, context: Context
    ) -> Iterator[tuple[Path, str, str]]:
        """A warning, with its key and cure, where an answer of this shape may say what is in no table."""
        path = path_of(decision.word, "reply")
        words = words_at(shape, path) if path else ()
        self._said.append(words)
        if not path or not words:
            return
        coming = decisive(words, path, decision, shape, context)
        missing = [word for word in coming if word not in self._verdicts]
        if missing:
            yield (
                ("channel", *key, "decision", "word"),
                f"the contract lets it say {', '.join(map(repr, missing))}, which `verdicts` does not have: "
                "such an answer would not be understood, and call a person",
                "add what decides to `verdicts`; tell apart with `when` what decides nothing",
            )

    def strange(self) -> Iterator[tuple[Path, str, str]]:
        """
        Warnings of words in the table that no answer heard of can say.

        None where an answer may say whatever it likes.
        """
        if not self._said or not all(self._said):
            return
        said = {word for words in self._said for word in words}
        for word in self._verdicts:
            if word not in said:
                known = ", ".join(sorted(said))
                what = f"no answer can say {word!r} by the contract, which knows {known}"
                yield ("verdicts", word), what, "correct the word, or remove it"


def meant(reason: str, context: Context) -> str | None:
    """The name that was perhaps meant where an expression failed for want of a key."""
    found = _NO_KEY.match(reason)
    return None if found is None else nearest(found[1], _names(context))


def meant_operation(file: OperationFile, known: str) -> str | None:
    """The operation that was perhaps meant, of those that the contract is said to have."""
    offered = known.removeprefix("the contract has ").split(", ")
    if file.operation is not None:
        return nearest(file.operation, [one.rpartition("/")[2] for one in offered])
    return nearest(f"{file.method} {file.path}", offered)


def _holds(when: str, context: Context) -> bool:
    try:
        return Expression(when, frozenset(context)).evaluate(context) is not False
    except (ExpressionFailed, ExpressionFault):
        return True


def _with(value: Plain, path: Sequence[str], word: str) -> Plain:
    """A sample with a word at a path; in the first element where there is a list on the way."""
    if isinstance(value, list):
        return [_with(value[0], path, word), *value[1:]] if value else value
    if not path:
        return word
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    return {**value, path[0]: _with(value[path[0]], path[1:], word)}


def _names(value: Any) -> Collection[str]:
    return dict.fromkeys(_all_names(value))


def _all_names(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield str(name)
            yield from _all_names(part)
    elif isinstance(value, list):
        for part in value:
            yield from _all_names(part)
