"""Expressions of a mapping: from the hub's data to an agency's request, and from its answer to ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

from cel_expr_python import cel
from cel_expr_python.ext import ext_math, ext_optional, ext_strings

from hub.expressions import functions
from hub.expressions.compiling import compile_checked, run_time_reason
from hub.expressions.faults import ExpressionFailed
from hub.expressions.values import Values


class Expression:
    """
    One mapping expression over the given root variables, with or without the leading `=`.

    Keys are looked up in the data when it is evaluated; only the roots are known before. Beside CEL's own
    it has the functions of `hub.expressions.functions`. May be evaluated from several threads. Raises
    ExpressionFault when it is made from wrong text; positions count after the `=`.
    """

    __slots__ = ("_compiled", "_env", "_roots", "reads", "text")

    def __init__(self, text: str, variables: Collection[str]) -> None:
        self.text = text.removeprefix("=")
        roots = frozenset(variables)
        self._env = _environment(roots)
        self._compiled, self._roots, self.reads = _compiled(self.text, roots)
        """Root variables and the members it reads of them, as `("table", "units")`."""

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    @property
    def roots(self) -> tuple[str, ...]:
        """The root variables that it reads."""
        return self._roots

    def evaluate(self, context: Mapping[str, object]) -> object:
        """
        Its value: None, bool, int, float, str, list, dict, or a datetime or timedelta it made.

        `context` has a value for each root it reads, as JSON has it (pydantic's `model_dump(mode="json")`):
        no tuples, no Decimals. What several expressions read is given as `Values`. The library ends a text at
        its first NUL character. Raises ExpressionFailed, for a missing key with its name.
        """
        for root in self._roots:
            if root not in context:
                raise ExpressionFailed(self.text, f"nothing was given for {root!r}")
        try:
            value = self._compiled.eval(activation=Values.of(context).activation(self._env))
            plain: object = value.plain_value()
        except (RuntimeError, TypeError) as wrong:  # a value that has no place in CEL, or in Python
            raise ExpressionFailed(self.text, run_time_reason(str(wrong))) from wrong
        if isinstance(plain, str) and value.type() != cel.Type.STRING:
            raise ExpressionFailed(self.text, run_time_reason(plain))
        return plain


@lru_cache(maxsize=4096)
def _compiled(
    text: str, roots: frozenset[str]
) -> tuple[cel.Expression, tuple[str, ...], frozenset[tuple[str, ...]]]:
    """
    An expression, which of the roots it reads, and what of them. Raises ExpressionFault.

    Those of 38 agencies are wanted some 6,000 times until they are checked, tried and put in force, and fewer
    than 500 of them differ.
    """
    compiled, syntax = compile_checked(_environment(roots), text, roots)
    return (
        compiled,
        tuple(name for name in syntax.names() if name in roots),
        frozenset(path for path in syntax.paths() if path[0] in roots),
    )


@lru_cache(maxsize=64)
def _environment(roots: frozenset[str]) -> cel.Env:
    return cel.NewEnv(
        variables=dict.fromkeys(roots, cel.Type.DYN),
        extensions=[ext_strings.ExtStrings(), ext_math.ExtMath(), ext_optional.ExtOptional()],
        functions=functions.declarations(),
    )
