"""Credentials that stand in a request itself: which expressions read them, and what they make of them."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress

from hub.adapters.wire import Context, Plain
from hub.config.models import OperationFile
from hub.expressions import Expression, ExpressionFailed, PathTemplate, TreeTemplate

ROOT = "secret"
"""The variable that requests see a channel's `secrets` as."""


def request_expressions(file: OperationFile, variables: Collection[str]) -> list[Expression]:
    """Every expression of an operation's request. Raises ExpressionFault, TreeFaults."""
    trees = TreeTemplate([file.request, file.query, file.headers, file.soap_header], variables)
    found = list(trees.leaves.values())
    if file.path is not None:
        found += PathTemplate(file.path, variables).expressions
    return found


class ProvingExpressions:
    """Those expressions of one request that read secrets."""

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self._expressions = [one for one in expressions if ROOT in one.roots]

    def missing(self, known: Collection[str]) -> list[str]:
        """The secrets that are read and are not among those."""
        read = {path[1] for one in self._expressions for path in one.reads if path[0] == ROOT and path[1:]}
        return sorted(read.difference(known))

    def made_of(self, context: Context) -> set[str]:
        """
        Every text that is made of a secret, as the base64 of user and password is: the hub knows a secret by
        its own forms only, and such a text is none of them.

        Found by what would be another text if the secrets were others.
        """
        others = {name: _another(text) for name, text in context[ROOT].items()}
        changed = {**context, ROOT: others}
        found: set[str] = set()
        for one in self._expressions:
            with suppress(ExpressionFailed):  # writing the request tells of it
                found |= set(_texts(one.evaluate(context))) - _given(one, changed)
        return found


def _given(expression: Expression, context: Context) -> set[str]:
    try:
        return set(_texts(expression.evaluate(context)))
    except ExpressionFailed:
        return set()  # a table need not know another secret: then whatever is made of this one counts


def _another(text: str) -> str:
    """Another text of the same length."""
    return secrets.token_hex(len(text))[: len(text)]


def _texts(value: Plain) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value
