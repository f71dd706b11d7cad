"""Conditions over the facts of a goods item: typed, so that most mistakes show when they are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cel_expr_python import cel
from cel_expr_python.ext import ext_math, ext_optional, ext_strings

from hub.domain.catalogue import Attribute
from hub.domain.facts import BUILT_IN_FACTS, attribute_fact
from hub.expressions.compiling import compile_checked, run_time_reason
from hub.expressions.faults import ExpressionFailed, ExpressionFault

_TYPES = {
    "string": cel.Type.STRING,
    "bool": cel.Type.BOOL,
    "number": cel.Type.DOUBLE,
    "list": cel.Type.List(cel.Type.STRING),
}


@dataclass(frozen=True, slots=True)
class CompiledPredicate:
    """A `hub.domain.catalogue.Predicate`. May be called from several threads."""

    text: str
    names: tuple[str, ...]
    _compiled: cel.Expression = field(repr=False, compare=False)
    _lists: Mapping[str, list[str]] = field(repr=False, compare=False)
    """Values of the code lists it reads."""

    def __call__(self, facts: Mapping[str, object]) -> bool:
        """Whether it holds. Raises ExpressionFailed, also when a fact is missing or of another type."""
        data: dict[str, object] = dict(self._lists)
        for name in self.names:
            if name not in facts:
                raise ExpressionFailed(self.text, f"no fact {name!r} was given")
            fact = facts[name]
            data[name] = list(fact) if isinstance(fact, tuple) else fact
        try:
            held = self._compiled.eval(data=data).plain_value()
        except RuntimeError as wrong:  # it goes over lists for longer than the library lets it
            raise ExpressionFailed(self.text, run_time_reason(str(wrong))) from wrong
        if isinstance(held, bool):
            return held
        # Its type is known to be bool, so anything else is the text of an error.
        raise ExpressionFailed(self.text, run_time_reason(str(held)))


class PredicateCompiler:
    """
    Compiles the conditions of one configuration.

    A condition reads the built-in facts (`hub.domain.facts`), every attribute as `item.<name>` and every
    code list as `list.<name>`. Raises ValueError when an attribute takes the name of a built-in fact.
    """

    def __init__(self, attributes: Mapping[str, Attribute], lists: Mapping[str, tuple[str, ...]]) -> None:
        self._facts = {fact.name: _TYPES[fact.type] for fact in BUILT_IN_FACTS}
        taken = [name for name in attributes if attribute_fact(name) in self._facts]
        if taken:
            raise ValueError(f"attributes with the name of a built-in fact: {', '.join(sorted(taken))}")
        self._facts |= {attribute_fact(name): _TYPES[a.type] for name, a in attributes.items()}
        self._lists = {f"list.{name}": list(values) for name, values in lists.items()}
        self._known = frozenset({*self._facts, *self._lists})
        self._env = cel.NewEnv(
            variables=self._facts | dict.fromkeys(self._lists, _TYPES["list"]),
            extensions=[ext_strings.ExtStrings(), ext_math.ExtMath(), ext_optional.ExtOptional()],
        )

    def compile(self, text: str) -> CompiledPredicate:
        """The condition, ready to be asked. Raises ExpressionFault."""
        if text.lstrip().startswith("="):
            raise ExpressionFault("a condition stands bare", cure="remove the `=` at its start")
        compiled, syntax = compile_checked(self._env, text, self._known)
        if compiled.return_type() != cel.Type.BOOL:
            kind = str(compiled.return_type().name()).lower()
            raise ExpressionFault(
                f"a condition is true or false; this is {kind}", cure="compare it with something"
            )
        names = syntax.names()
        return CompiledPredicate(
            text=text,
            names=tuple(name for name in names if name in self._facts),
            _compiled=compiled,
            _lists={name: self._lists[name] for name in names if name in self._lists},
        )
