"""How properties are searched for here."""

from __future__ import annotations

from hypothesis import settings

# The same examples at every run, and no clock: a busy machine must not make a test fail.
settings.register_profile("domain", derandomize=True, deadline=None)
settings.load_profile("domain")
