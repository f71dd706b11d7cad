"""The expressions of a channel as they are written: compiled, and their names known to the file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from hub.config.faults import Key
from hub.config.models import AgencyFile, ChannelFile
from hub.config.schema_faults import FileReport
from hub.config.vocabulary import in_expression
from hub.expressions import Expression, ExpressionFault, PathTemplate, TreeFaults, TreeTemplate

Names = Mapping[str, Any]
"""Members by name, each with its own members; None where nothing is known of them."""


class WrittenExpressions:
    """The check of every expression of one file."""

    def __init__(self, file: AgencyFile, report: FileReport) -> None:
        self._report = report
        self._known = _known(file)
        self._has_secrets = bool(file.channel.secrets)

    def expression(self, text: str | None, key: Key, variables: Collection[str]) -> Expression | None:
        """One expression that must begin with `=`; None where there is none, or it is at fault."""
        if text is None:
            return None
        if not text.startswith("="):
            self._report.add(
                key, f"{text!r} is no expression: it does not begin with `=`", f'write "={text}"'
            )
            return None
        try:
            expression = Expression(text, variables)
        except ExpressionFault as fault:
            self._report.add(key, in_expression(fault, text), self._cure(fault))
            return None
        self._names(expression, key, text)
        return expression

    def tree(self, tree: Any, key: Key, variables: Collection[str]) -> list[Expression]:
        """A mapping's expressions; none where one is at fault."""
        made = self._made(lambda: TreeTemplate(tree, variables), key, "")
        if not isinstance(made, TreeTemplate):
            return []
        for at, expression in made.leaves.items():
            self._names(expression, (*key, *at), expression.text)
        return list(made.leaves.values())

    def path(self, path: str, key: Key, variables: Collection[str]) -> list[Expression]:
        """A path's expressions; none where one is at fault."""
        made = self._made(lambda: PathTemplate(path, variables), key, path)
        if not isinstance(made, PathTemplate):
            return []
        for expression in made.expressions:
            self._names(expression, key, path)
        return list(made.expressions)

    def _made(self, compile_template: Callable[[], object], key: Key, text: str) -> object:
        try:
            return compile_template()
        except TreeFaults as faults:
            for inner, fault in faults.faults:
                self._report.add((*key, *inner), in_expression(fault, text), self._cure(fault))
            return None

    def _cure(self, fault: ExpressionFault) -> str:
        if self._has_secrets or "there is no 'secret' here" not in fault.message:
            return fault.cure
        return "name them under `channel.secrets`, as in {key: env:NAME}; only requests see them"

    def _names(self, expression: Expression, key: Key, text: str) -> None:
        for path in sorted(expression.reads):
            wrong = _unknown(path, self._known)
            if wrong is None:
                continue
            name, members = wrong
            column = text.find(name.rpartition(".")[2]) + 1 if "\n" not in text else 0
            like = get_close_matches(name, [f"{name.rpartition('.')[0]}.{one}" for one in members], n=1)
            where = f"column {column}: " if column else ""
            self._report.add(
                key,
                f"{where}there is no {name!r} here",
                f"did you mean {like[0]!r}?" if like else _cure(name, members),
            )


def receipt_values(channel: ChannelFile) -> tuple[str, ...]:
    """What the channel remembers of its agency's answers, by name: `receipt.values.x`."""
    remembered = list(channel.submit.receipt.values)
    for operation in (channel.look_up, channel.amend):
        if operation is not None:
            remembered += operation.receipt.values
    return tuple(dict.fromkeys(remembered))


def _known(file: AgencyFile) -> Names:
    return {
        "agency": dict.fromkeys(("slug", "name")),
        "table": dict.fromkeys(file.tables),
        "receipt": {"reference": None, "values": dict.fromkeys(receipt_values(file.channel))},
        "session": {"token": None},
        "page": dict.fromkeys(("cursor", "number")),
        "withdrawal": dict.fromkeys(("reason", "remarks")),
        "information": dict.fromkeys(("id", "request", "request_reference", "text", "given_at")),
        "secret": dict.fromkeys(file.channel.secrets),
    }


def _unknown(path: tuple[str, ...], known: Names) -> tuple[str, list[str]] | None:
    """The first part of a name that is not known, and what is known in its place."""
    members: Names | None = known
    for place, word in enumerate(path):
        if members is None:
            return None
        if word not in members:
            # The data's own names are looked up in the data.
            return None if place == 0 else (".".join(path[: place + 1]), sorted(members))
        members = members[word]
    return None


def _cure(name: str, members: list[str]) -> str:
    if name.startswith("table."):
        added = f"add it under `tables` as {name.removeprefix('table.')}"
        return f"{added}; there are {', '.join(members)}" if members else added
    if name.startswith("secret."):
        added = f"add it under `channel.secrets` as {name.removeprefix('secret.')}: env:NAME"
        return f"{added}; there are {', '.join(members)}" if members else added
    if name.startswith("receipt.values."):
        added = f"add it under `receipt.values` of submit as {name.rpartition('.')[2]}"
        return f"{added}; there are {', '.join(members)}" if members else added
    return f"there are {', '.join(members)}" if members else "remove it"


def references(tree: Any) -> Iterator[Key]:
    """The ways to texts in a template that look like a reference to a variable."""
    if isinstance(tree, str):
        if tree.lstrip().startswith("env:"):
            yield ()
        return
    parts: Any = ()
    if isinstance(tree, Mapping):
        parts = tree.items()
    elif isinstance(tree, list | tuple):
        parts = enumerate(tree)
    for step, part in parts:
        for inner in references(part):
            yield (step, *inner)
