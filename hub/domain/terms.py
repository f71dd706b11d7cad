"""The terms of a referral, made in one place from what a service says of itself."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from hub.domain.model import Text
from hub.domain.names import referral_id
from hub.domain.referral import Answers, OnExpiry, ReferralTerms


class Asked(Protocol):
    """What a service says of itself: as routing reads it, or as it stands in its agency's file."""

    @property
    def name(self) -> Text: ...
    @property
    def law(self) -> Text: ...
    @property
    def document(self) -> str: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def answer_within(self) -> str: ...
    @property
    def on_expiry(self) -> OnExpiry: ...


def terms_of(
    service: Asked,
    code: str,
    agency: str,
    mrn: str,
    items: tuple[int, ...],
    *,
    due_at: datetime,
    version: str,
    opened_at: datetime | None = None,
    remind_before: tuple[str, ...] = (),
    remind_at: tuple[datetime, ...] = (),
) -> ReferralTerms:
    """What is asked of a service about these goods items, for the first time; `version` of what says so."""
    return ReferralTerms(
        id=referral_id(mrn, code),
        mrn=mrn,
        service=code,
        agency=agency,
        service_name=service.name,
        law=service.law,
        document=service.document,
        items=items,
        answers=service.answers,
        answer_within=service.answer_within,
        due_at=due_at,
        on_expiry=service.on_expiry,
        config_version=version,
        opened_at=opened_at,
        remind_at=remind_at,
        remind_before=remind_before,
    )
