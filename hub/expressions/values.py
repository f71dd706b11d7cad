"""What expressions read: the values of root variables."""

from __future__ import annotations

from collections.abc import Mapping

from cel_expr_python import cel


class Values(dict[str, object]):
    """
    The values of root variables, for several expressions: the library converts each value once.

    Nothing in it may change after the first expression has read it. For one thread at a time.
    """

    __slots__ = ("_activations",)

    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__(values)
        self._activations: dict[cel.Env, cel.Activation] = {}

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Values:
        """These, as they are where they have been converted already."""
        return values if isinstance(values, cls) else cls(values)

    def activation(self, env: cel.Env) -> cel.Activation:
        """The values as expressions of this environment read them."""
        known = self._activations.get(env)
        if known is None:
            # What no expression reads is never looked at.
            known = self._activations[env] = env.Activation(data=self)
        return known
