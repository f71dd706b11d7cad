"""An agency that calls back by itself, where the simulated one is told to say nothing."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

import requests

from hub.bootstrap.configuration import environment_of
from hub.embedded import Stack
from hub.settings import Settings


class Agency:
    """An agency that calls back, signed with its own secret or with whatever else it is told."""

    def __init__(self, stack: Stack, slug: str) -> None:
        settings = Settings(
            environment="development",
            config_folder=stack.config_folder,
            simulator_url=stack.simulator_url,
            simulator_seed=stack.environment["HUB_SIMULATOR_SEED"],  # type: ignore[arg-type]
        )
        self._secret = environment_of(settings)[f"{slug.upper()}_CALLBACK_SECRET"]
        self._url = f"{stack.api_url}/v1/agencies/{slug}/callbacks"

    async def call(
        self, body: dict[str, Any], *, secret: str | None = None, at: float | None = None
    ) -> requests.Response:
        content = json.dumps(body).encode()
        stamp = str(int(at or time.time()))
        signed = stamp.encode() + b"." + content
        signature = hmac.new((secret or self._secret).encode(), signed, hashlib.sha256).hexdigest()
        headers = {"X-Signature": signature, "X-Timestamp": stamp, "Content-Type": "application/json"}
        return await asyncio.to_thread(requests.post, self._url, content, headers=headers, timeout=10)


def approval(referral: str, number: int = 1, *, word: str = "합법") -> dict[str, Any]:
    """A decision as the contract `rest-callback` words it, in kfs's vocabulary or in another's."""
    return {
        "messageId": f"{referral}#{number}",
        "submissionId": referral,
        "receiptNo": "KFS-OF-THE-TEST",
        "decision": {"code": word, "certificateNumber": "C-1", "madeAt": datetime.now(UTC).isoformat()},
    }
