"""What is made of texts and kept at hand, unless they are long: some are as long as anybody makes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")


def kept(most: int, longest: int) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """
    For a function whose results are immutable: those of the `most` arguments that were given last are kept.

    Results for texts of more than `longest` characters together, those in tuples included, are made anew each
    time: some are from outside, and a bound on how many are kept alone is no bound on memory. Arguments are
    given by place.
    """

    def keeping(make: Callable[..., T]) -> Callable[..., T]:
        found = lru_cache(maxsize=most)(make)

        def look(*given: Any) -> T:
            return (found if _length(given) <= longest else make)(*given)

        return look

    return keeping


def _length(given: tuple[Any, ...]) -> int:
    length = 0
    for one in given:
        if isinstance(one, str):
            length += len(one)
        elif isinstance(one, tuple):
            length += _length(one)
    return length
