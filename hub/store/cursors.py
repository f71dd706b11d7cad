"""Cursors: where a list goes on, opaque to whoever holds one."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

from hub.ports import BadCursor


def encode_cursor(accepted_at: datetime, mrn: str) -> str:
    """The place after a declaration in a list, newest first."""
    plain = json.dumps([accepted_at.isoformat(), mrn]).encode()
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[datetime, str]:
    """The place a cursor stands for. Raises BadCursor."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        plain = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        accepted_at, mrn = plain
        place = datetime.fromisoformat(accepted_at)
        if place.utcoffset() is None or not isinstance(mrn, str):
            raise ValueError("not an instant and an mrn")
        return place.astimezone(UTC), mrn
    except (ValueError, TypeError, OverflowError, RecursionError) as fault:
        raise BadCursor("not a cursor of this list") from fault
