"""After the other drills: whatever was mended is over."""

from __future__ import annotations

import pytest

from tests.drills.operations import Operations

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.slow,
]

COUNTED_BY_THE_MINUTE = 180.0
"""Seconds: this minute and the last, until they have passed, and the rounds after that."""


async def test_what_was_mended_is_over(operations: Operations) -> None:
    """
    Slow: calls and repetitions are counted by the minute, and such incidents are over when those minutes have
    passed. Nothing else may be left either.
    """
    for drill, kind, subject in operations.awaited:
        await drill.over(kind, subject, patience=COUNTED_BY_THE_MINUTE)
    assert await operations.incidents(open="true") == []
