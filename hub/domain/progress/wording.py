"""The progress of a declaration in plain words, in English and Korean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from hub.domain.cargo import CargoStep
from hub.domain.clearance import Outcome
from hub.domain.forecast import Forecast
from hub.domain.model import Money, Text
from hub.domain.progress.told import (
    AnswerState,
    Headline,
    Next,
    NextKind,
    Progress,
    Stage,
    StageKind,
    StageState,
    Task,
    TaskKind,
)

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")
"""The first where the reader understands none of them."""


def in_words(progress: Progress, language: Language) -> Progress:
    """The same with a sentence beside each code; moments stand beside the sentences, not in them."""
    say = _Words(language, progress.as_of)
    return progress.model_copy(
        update={
            "text": _HEADLINES[progress.headline][language],
            "tasks": tuple(t.model_copy(update={"text": say.task(t)}) for t in progress.tasks),
            "stages": tuple(
                s.model_copy(update={"text": say.stage(s, progress.outcome)}) for s in progress.stages
            ),
            "answers": tuple(
                a.model_copy(
                    update={
                        "text": _ANSWERS[a.state][language],
                        "forecast": say.with_words(a.forecast, say.forecast),
                    }
                )
                for a in progress.answers
            ),
            "cargo": tuple(c.model_copy(update={"text": _CARGO[c.step][language]}) for c in progress.cargo),
            "next": progress.next and progress.next.model_copy(update={"text": say.next(progress.next)}),
            "forecast": say.with_words(progress.forecast, say.forecast_of_all),
        }
    )


def spoken(length: timedelta, language: Language) -> str:
    """A length of time, roughly, as people say it: `3 hours`, `2 days`."""
    seconds = length.total_seconds()
    if seconds < 60:
        return {"en": "less than a minute", "ko": "1분 미만"}[language]
    name, size = next((name, size) for name, size, up_to in _UNITS if up_to is None or seconds < up_to)
    number = round(seconds / size)
    if language == "ko":
        return f"{number}{_KOREAN[name]}"
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


_UNITS: tuple[tuple[str, int, int | None], ...] = (
    ("minute", 60, 90 * 60),
    ("hour", 3600, 36 * 3600),
    ("day", 86400, None),
)
"""Seconds of each, and up to how many seconds it is spoken of in them."""
_KOREAN: Mapping[str, str] = {"minute": "분", "hour": "시간", "day": "일"}


class _Words:
    def __init__(self, language: Language, now: datetime) -> None:
        self._language = language
        self._now = now

    def task(self, task: Task) -> str:
        kind: str = task.kind
        if task.kind is TaskKind.DUTIES and task.amount is not None:
            kind = "duties_of"
        return self._fill(_TASKS[kind], agency=task.agency_name, items=task.items, amount=task.amount)

    def stage(self, stage: Stage, outcome: Outcome) -> str:
        if stage.kind is StageKind.OUTCOME:
            return _OUTCOMES[outcome][self._language]
        words = _STAGES[stage.kind]
        if stage.state is StageState.DONE:
            words = _STAGES_DONE.get(stage.kind, words)
        return words[self._language].format(done=stage.done, of=stage.of)

    def next(self, coming: Next) -> str:
        return self._fill(_NEXT[coming.kind], agency=coming.agency_name)

    def forecast(self, forecast: Forecast) -> str:
        """Of one service; nothing where there is nothing to be told."""
        if forecast.usual is None:
            return _UNKNOWN[self._language] if forecast.due_at else ""
        parts = [
            _USUAL[self._language].format(
                half=self._spoken(forecast.usual.half), nine_in_ten=self._spoken(forecast.usual.nine_in_ten)
            )
        ]
        if forecast.waited is not None:
            parts.append(_WAITED[self._language].format(waited=self._spoken(forecast.waited)))
        said = "; ".join(parts) + "."
        return f"{said} {_LONGER[self._language]}" if forecast.longer_than_usual else said

    def forecast_of_all(self, forecast: Forecast) -> str:
        if forecast.likely_by is None or forecast.nearly_sure_by is None:
            return _ALL_BY_LAW[self._language] if forecast.due_at else ""
        likely = self._spoken(forecast.likely_by - self._now)
        nearly_sure = self._spoken(forecast.nearly_sure_by - self._now)
        words = _ALL if likely != nearly_sure else _ALL_AT_ONCE
        return words[self._language].format(likely=likely, nearly_sure=nearly_sure)

    def with_words(self, forecast: Forecast | None, say: Callable[[Forecast], str]) -> Forecast | None:
        return None if forecast is None else forecast.model_copy(update={"text": say(forecast)})

    def _fill(
        self, words: Text, *, agency: Text, items: tuple[int, ...] = (), amount: Money | None = None
    ) -> str:
        return words[self._language].format(
            agency=agency.get(self._language) or agency.get("en", ""),
            items=self._items(items),
            amount=f"{amount.amount:,f} {amount.currency}" if amount is not None else "",
        )

    def _items(self, items: tuple[int, ...]) -> str:
        numbers = ", ".join(map(str, items))
        if self._language == "ko":
            return f"품목 {numbers}"
        return f"goods item{'s' if len(items) > 1 else ''} {numbers}"

    def _spoken(self, length: timedelta) -> str:
        return spoken(length, self._language)


_HEADLINES: Mapping[Headline, Text] = {
    Headline.ASKED_OF_YOU: {
        "en": "Something is asked of the declarant.",
        "ko": "신고인이 처리할 일이 있습니다.",
    },
    Headline.WITH_AGENCIES: {
        "en": "The agencies are looking at it.",
        "ko": "관계 기관에서 심사하고 있습니다.",
    },
    Headline.DUTIES_AWAITED: {
        "en": "All agencies have answered; customs is working out the duties.",
        "ko": "모든 기관이 회신했으며 세관에서 세액을 산정하고 있습니다.",
    },
    Headline.BEING_CONCLUDED: {
        "en": "All agencies have answered; the outcome is being recorded.",
        "ko": "모든 기관이 회신했으며 결과를 확정하고 있습니다.",
    },
    Headline.RELEASED: {
        "en": "Released: the goods may leave.",
        "ko": "통관이 완료되었습니다. 물품을 반출할 수 있습니다.",
    },
    Headline.PARTLY_RELEASED: {
        "en": "Some of the goods are released.",
        "ko": "일부 물품의 통관이 완료되었습니다.",
    },
    Headline.GONE: {
        "en": "Released, and the goods have left.",
        "ko": "통관이 완료되어 물품이 반출되었습니다.",
    },
    Headline.HELD: {
        "en": "On hold: an agency has still to act before the goods may leave.",
        "ko": "보류 중입니다. 물품을 반출하려면 관계 기관의 조치가 필요합니다.",
    },
    Headline.REFUSED: {
        "en": "Refused: the goods may not leave.",
        "ko": "거부되었습니다. 물품을 반출할 수 없습니다.",
    },
    Headline.WITHDRAWN: {
        "en": "The declarant has withdrawn the declaration.",
        "ko": "신고가 취하되었습니다.",
    },
}

_TASKS: Mapping[str, Text] = {
    TaskKind.QUESTION: {
        "en": "{agency} asks for information about {items}.",
        "ko": "{agency}에서 {items}에 대한 자료를 요청했습니다.",
    },
    TaskKind.QUESTION_OVERDUE: {
        "en": "{agency} asked for information about {items}. The time to answer has passed; an answer is "
        "still taken.",
        "ko": "{agency}에서 {items}에 대한 자료를 요청했습니다. 기한이 지났지만 아직 제출할 수 있습니다.",
    },
    TaskKind.DUTIES: {
        "en": "Duties and taxes are to be paid or guaranteed.",
        "ko": "관세 및 세금을 납부하거나 담보를 제공해야 합니다.",
    },
    "duties_of": {
        "en": "Duties and taxes of {amount} are to be paid or guaranteed.",
        "ko": "관세 및 세금 {amount}: 납부하거나 담보를 제공해야 합니다.",
    },
    TaskKind.APPOINTMENT: {
        "en": "{agency} will inspect {items}: confirm a time.",
        "ko": "{agency}: {items} 검사가 예정되어 있습니다. 시간을 확정해 주십시오.",
    },
    TaskKind.PRESENT: {
        "en": "{agency} will inspect {items}: present the goods.",
        "ko": "{agency}: {items} 검사가 확정되었습니다. 물품을 제시해 주십시오.",
    },
    TaskKind.CERTIFICATE: {
        "en": "{agency}: less is left on the certificate than {items} take up.",
        "ko": "{agency}: {items}의 수량이 증명서 잔량보다 많습니다.",
    },
}

_ANSWERS: Mapping[AnswerState, Text] = {
    AnswerState.NOT_ASKED_YET: {"en": "Is being asked.", "ko": "요청을 보내고 있습니다."},
    AnswerState.ASKED: {
        "en": "Has been asked; its answer is awaited.",
        "ko": "심사 중이며 회신을 기다립니다.",
    },
    AnswerState.QUESTION: {
        "en": "Waits for the declarant's answer; its time stands still meanwhile.",
        "ko": "신고인의 답변을 기다립니다. 그동안 처리 기한은 정지됩니다.",
    },
    AnswerState.INSPECTION: {"en": "Wants to inspect the goods.", "ko": "물품 검사를 요구했습니다."},
    AnswerState.CONSENTED: {"en": "Has consented.", "ko": "승인했습니다."},
    AnswerState.CONSENTED_WITH_CONDITIONS: {
        "en": "Has consented, with conditions.",
        "ko": "조건부로 승인했습니다.",
    },
    AnswerState.REFUSED: {"en": "Has refused.", "ko": "거부했습니다."},
    AnswerState.PARTLY: {
        "en": "Has consented to some of the goods, and refused others.",
        "ko": "일부 물품은 승인하고 일부는 거부했습니다.",
    },
    AnswerState.OVERDUE: {
        "en": "Has not answered within its legal time; its answer is still awaited.",
        "ko": "법정 처리 기한이 지났으며 회신을 계속 기다립니다.",
    },
    AnswerState.DEEMED_CONSENTED: {
        "en": "Its legal time has passed, which counts as consent.",
        "ko": "법정 처리 기한이 지나 승인한 것으로 봅니다.",
    },
    AnswerState.DEEMED_REFUSED: {
        "en": "Its legal time has passed, which counts as a refusal.",
        "ko": "법정 처리 기한이 지나 거부한 것으로 봅니다.",
    },
    AnswerState.BY_CERTIFICATE: {
        "en": "Need not be asked: a certificate stands for its consent.",
        "ko": "유효한 증명서가 있어 따로 승인을 받지 않아도 됩니다.",
    },
    AnswerState.BY_HAND: {
        "en": "Is being settled with the agency by a person.",
        "ko": "담당자가 해당 기관과 직접 처리하고 있습니다.",
    },
    AnswerState.WITHDRAWN: {"en": "Is asked no more.", "ko": "더 이상 심사하지 않습니다."},
}

_STAGES: Mapping[StageKind, Text] = {
    StageKind.LODGED: {"en": "Declaration lodged", "ko": "신고 접수"},
    StageKind.ANSWERS: {
        "en": "Agencies: {done} of {of} have answered",
        "ko": "관계 기관 회신: {of}건 중 {done}건",
    },
    StageKind.INSPECTION: {"en": "Inspection of the goods", "ko": "물품 검사"},
    StageKind.DUTIES: {"en": "Duties and taxes", "ko": "관세 및 세금"},
    StageKind.GATE_OUT: {"en": "Goods leave", "ko": "물품 반출"},
}
_STAGES_DONE: Mapping[StageKind, Text] = {
    StageKind.ANSWERS: {"en": "All {of} agencies' answers are there", "ko": "관계 기관 회신 {of}건 완료"},
    StageKind.INSPECTION: {"en": "Goods inspected", "ko": "물품 검사 완료"},
    StageKind.DUTIES: {
        "en": "Duties and taxes paid or guaranteed",
        "ko": "관세 및 세금 납부 또는 담보 제공 완료",
    },
    StageKind.GATE_OUT: {"en": "Goods have left", "ko": "물품 반출 완료"},
}
_OUTCOMES: Mapping[Outcome, Text] = {
    Outcome.IN_PROGRESS: {"en": "Release", "ko": "통관"},
    Outcome.RELEASE: {"en": "Released", "ko": "통관 완료"},
    Outcome.PARTIAL_RELEASE: {"en": "Released in part", "ko": "일부 통관"},
    Outcome.HOLD: {"en": "On hold", "ko": "보류"},
    Outcome.REFUSAL: {"en": "Refused", "ko": "거부"},
    Outcome.WITHDRAWN: {"en": "Withdrawn", "ko": "취하"},
}

_CARGO: Mapping[CargoStep, Text] = {
    CargoStep.ARRIVAL: {"en": "Arrived", "ko": "도착"},
    CargoStep.UNLOADING: {"en": "Unloaded", "ko": "하역"},
    CargoStep.STORAGE: {"en": "Stored", "ko": "보세구역 반입"},
    CargoStep.BONDED_TRANSPORT: {"en": "Moved in bond", "ko": "보세운송"},
    CargoStep.RELEASE: {"en": "Let go by the warehouse", "ko": "창고 출고"},
    CargoStep.GATE_OUT: {"en": "Left the gate", "ko": "반출"},
}

_NEXT: Mapping[NextKind, Text] = {
    NextKind.TASK: {"en": "It is the declarant's turn.", "ko": "신고인이 처리할 차례입니다."},
    NextKind.ANSWER: {"en": "{agency} answers.", "ko": "{agency}의 회신"},
    NextKind.OUTCOME: {"en": "The outcome is recorded.", "ko": "결과 확정"},
    NextKind.GATE_OUT: {"en": "The goods leave.", "ko": "물품 반출"},
}

_USUAL: Text = {
    "en": "Usually {half}, 9 in 10 within {nine_in_ten}",
    "ko": "보통 {half}, 10건 중 9건은 {nine_in_ten} 이내",
}
_WAITED: Text = {"en": "it has had it for {waited}", "ko": "현재 {waited} 경과"}
_LONGER: Text = {
    "en": "It takes longer than nearly all before.",
    "ko": "이전의 거의 모든 건보다 오래 걸리고 있습니다.",
}
_UNKNOWN: Text = {
    "en": "Too few earlier answers for a forecast; its legal time is what is known.",
    "ko": "이전 회신이 적어 예상할 수 없으며 법정 처리 기한만 안내합니다.",
}
_ALL: Text = {
    "en": "All answers are likely to be there within {likely}; in 9 cases of 10 within {nearly_sure}.",
    "ko": "모든 회신은 보통 {likely} 이내, 10건 중 9건은 {nearly_sure} 이내에 도착합니다.",
}
_ALL_BY_LAW: Text = {
    "en": "By law all answers are due by the time shown.",
    "ko": "모든 회신의 법정 처리 기한을 안내합니다.",
}
_ALL_AT_ONCE: Text = {
    "en": "In 9 cases of 10 all answers are there within {nearly_sure}.",
    "ko": "10건 중 9건은 {nearly_sure} 이내에 모든 회신이 도착합니다.",
}
