"""How long something usually takes, from how long it took before."""

from __future__ import annotations

from datetime import timedelta

from hub.domain.model import Model


class Usual(Model):
    """How long a service has taken: half, nine in ten and 99 in 100 took no longer."""

    count: int
    """From how many; a few tell little."""
    half: timedelta
    nine_in_ten: timedelta
    nearly_all: timedelta
    """99 in 100."""
