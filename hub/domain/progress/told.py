"""What is told of the progress of a declaration: codes and their parameters, and the words for them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from hub.domain.cargo import CargoStep
from hub.domain.clearance import Outcome
from hub.domain.forecast import Forecast
from hub.domain.model import Model, Money, Text, UtcDatetime


class Headline(StrEnum):
    """How it stands, in one line."""

    ASKED_OF_YOU = "asked_of_you"
    """Something waits for the declarant."""
    WITH_AGENCIES = "with_agencies"
    DUTIES_AWAITED = "duties_awaited"
    """All have answered; customs is working out the duties."""
    BEING_CONCLUDED = "being_concluded"
    """All have answered; the outcome is being recorded."""
    RELEASED = "released"
    PARTLY_RELEASED = "partly_released"
    GONE = "gone"
    """Released, and out of the gate."""
    HELD = "held"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class TaskKind(StrEnum):
    """What the declarant is asked for."""

    QUESTION = "question"
    QUESTION_OVERDUE = "question_overdue"
    """The time to answer has passed; it may still be answered."""
    DUTIES = "duties"
    """To be paid or guaranteed."""
    APPOINTMENT = "appointment"
    """To confirm a time for an inspection."""
    PRESENT = "present"
    """To present the goods at the time that was confirmed."""
    CERTIFICATE = "certificate"
    """Less is left on a certificate than the goods take up."""


class Task(Model):
    """One thing that is asked of the declarant."""

    kind: TaskKind
    id: str = ""
    """Of the question, or of the inspection."""
    service: str | None = None
    service_name: Text = Field(default_factory=dict)
    agency: str | None = None
    agency_name: Text = Field(default_factory=dict)
    items: tuple[int, ...] = ()
    since: UtcDatetime | None = None
    by: UtcDatetime | None = None
    """Until when; of an appointment, when its window closes; None where no time is set."""
    opens_at: UtcDatetime | None = None
    """Of an appointment: when its window opens."""
    at: UtcDatetime | None = None
    """When the goods are to be presented."""
    place: str = ""
    amount: Money | None = None
    words: str | None = None
    """What the agency asks, as it wrote it."""
    text: str = ""


class AnswerState(StrEnum):
    """Where it stands with one service."""

    NOT_ASKED_YET = "not_asked_yet"
    """The agency has not got it yet."""
    ASKED = "asked"
    QUESTION = "question"
    """It waits for the declarant's answer; its clock stands still."""
    INSPECTION = "inspection"
    CONSENTED = "consented"
    CONSENTED_WITH_CONDITIONS = "consented_with_conditions"
    REFUSED = "refused"
    PARTLY = "partly"
    """It consents to some of the goods items and refuses others."""
    OVERDUE = "overdue"
    """Its time has passed, and its answer is still awaited."""
    DEEMED_CONSENTED = "deemed_consented"
    DEEMED_REFUSED = "deemed_refused"
    BY_CERTIFICATE = "by_certificate"
    """A certificate stands for its consent."""
    BY_HAND = "by_hand"
    """Somebody is settling it with the agency."""
    WITHDRAWN = "withdrawn"


ANSWERED = frozenset(
    {
        AnswerState.CONSENTED,
        AnswerState.CONSENTED_WITH_CONDITIONS,
        AnswerState.REFUSED,
        AnswerState.PARTLY,
        AnswerState.DEEMED_CONSENTED,
        AnswerState.DEEMED_REFUSED,
        AnswerState.BY_CERTIFICATE,
    }
)


class AnswerProgress(Model):
    """One service that is asked, under its law."""

    service: str
    service_name: Text
    agency: str
    agency_name: Text
    law: Text
    items: tuple[int, ...]
    state: AnswerState
    asked_at: UtcDatetime | None
    """Since when the agency has it."""
    answered_at: UtcDatetime | None
    due_at: UtcDatetime | None
    """Its legal time; None while the clock stands still, and when nothing is awaited."""
    forecast: Forecast | None = None
    """While it is awaited."""
    text: str = ""


class StageKind(StrEnum):
    """The way of a declaration, in order."""

    LODGED = "lodged"
    ANSWERS = "answers"
    INSPECTION = "inspection"
    DUTIES = "duties"
    OUTCOME = "outcome"
    GATE_OUT = "gate_out"


class StageState(StrEnum):
    DONE = "done"
    NOW = "now"
    COMING = "coming"
    STOPPED = "stopped"
    """It goes no further by itself."""


class Stage(Model):
    """One stage on the way."""

    kind: StageKind
    state: StageState
    at: UtcDatetime | None = None
    """When it was reached."""
    done: int | None = None
    of: int | None = None
    """Of the answers: how many are there, of how many."""
    text: str = ""


class CargoProgress(Model):
    """One step of the cargo."""

    step: CargoStep
    at: UtcDatetime
    place: str | None
    text: str = ""


class NextKind(StrEnum):
    TASK = "task"
    """The declarant's turn."""
    ANSWER = "answer"
    OUTCOME = "outcome"
    GATE_OUT = "gate_out"


class Next(Model):
    """What is expected next, and by when."""

    kind: NextKind
    service: str | None = None
    service_name: Text = Field(default_factory=dict)
    agency_name: Text = Field(default_factory=dict)
    likely_by: UtcDatetime | None = None
    by: UtcDatetime | None = None
    """At the latest, as far as that can be told: by law, or by what is usual in nine cases of ten."""
    text: str = ""


class Progress(Model):
    """How far a declaration has got."""

    mrn: str
    lrn: str | None
    version: int
    as_of: UtcDatetime
    last_event: int
    """Grows with everything that happens: the same number is the same progress, but for forecasts."""
    outcome: Outcome
    headline: Headline
    tasks: tuple[Task, ...]
    stages: tuple[Stage, ...]
    answers: tuple[AnswerProgress, ...]
    cargo: tuple[CargoProgress, ...]
    next: Next | None
    forecast: Forecast | None
    """For the last answer of all that are awaited."""
    text: str = ""
