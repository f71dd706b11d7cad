"""The progress of a declaration for one reader, of what the store and the configuration know now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.domain.deadlines import WorkingCalendar
from hub.domain.model import Text
from hub.domain.progress import Known, Language, Progress, Reader, Standing, in_words, progress_of
from hub.ports import CargoStore, Clock, DeclarationView, Histories


@dataclass(frozen=True)
class ProgressTeller:
    """Blocking, as the store is."""

    cargo: CargoStore
    histories: Histories
    agencies: Callable[[], Mapping[str, Text]]
    """Names, by slug."""
    calendar: Callable[[str], WorkingCalendar]
    clock: Clock

    def tell(
        self, view: DeclarationView, reader: Reader, language: Language, agency: str | None = None
    ) -> Progress:
        """In words of that language; `agency` is the agency's that reads."""
        now = self.clock()
        number = view.acceptance.declaration.consignment.cargo_management_number
        standing = Standing(
            acceptance=view.acceptance,
            case=view.case,
            outcome=view.clearance.outcome,
            reasons=view.reasons,
            settled_at=view.settled_at,
            last_seq=view.last_seq,
            cargo=self.cargo.cargo_events(number) if number is not None and agency is None else (),
        )
        known = Known(
            agencies=self.agencies(), times=self.histories.answer_times(now), calendar=self.calendar
        )
        return in_words(progress_of(standing, known, now, reader, agency), language)
