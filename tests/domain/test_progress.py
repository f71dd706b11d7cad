"""The progress of a declaration: what is asked first, who has answered, what comes next, in whose words."""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.cargo import CargoEvent, CargoStep
from hub.domain.case import Case, CasePolicy, Change
from hub.domain.certificates import CertificateKey, Claim, ClaimState
from hub.domain.clearance import Outcome
from hub.domain.duties import CoverKind, Duties, DutyCover
from hub.domain.information import InformationRequest
from hub.domain.inspection import Inspection, InspectionParty, InspectionState
from hub.domain.intake import Acceptance
from hub.domain.model import Money
from hub.domain.names import referral_id
from hub.domain.progress import LANGUAGES, Known, Progress, Reader, Standing, in_words, progress_of, wording
from hub.domain.progress.told import AnswerState, Headline, NextKind, StageKind, StageState, TaskKind
from hub.domain.referral import Decision, ReferralState, Verdict
from hub.domain.settling import settle
from hub.domain.withdrawal import Withdrawal
from tests.api.support import CALENDAR
from tests.store import sample
from tests.store.sample import FOOD, PLANT, T0

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KNOWN = Known(
    agencies={"apqa": {"en": "Quarantine", "ko": "검역"}}, times={}, calendar=lambda agency: CALENDAR
)
WON = Money(amount=Decimal(1840500), currency="KRW")


def decided(service: str, verdict: Verdict, items: tuple[int, ...] | None = None) -> Decision:
    return sample.decision("M", service, verdict, at=T0 + HOUR, items=items)


def with_(case: Case, service: str, *said: Decision, **more: Any) -> Case:
    """The case with the referral to a service as given, delivered an hour before it decided."""
    changed = case.referral(service).model_copy(
        update={"delivered_at": T0, "delivered_revision": 1, "decisions": said, **more}
    )
    referrals = tuple(changed if r.terms.service == service else r for r in case.referrals)
    return case.model_copy(update={"referrals": referrals})


def lodged(*services: str, number: str | None = None) -> Acceptance:
    content = sample.declaration()
    if number is not None:
        consignment = content.consignment.model_copy(update={"cargo_management_number": number})
        content = content.model_copy(update={"consignment": consignment})
    return sample.acceptance(*services, lodged=content)


def told(
    acceptance: Acceptance,
    case: Case,
    *,
    reader: Reader = Reader.DECLARANT,
    agency: str | None = None,
    cargo: tuple[CargoStep, ...] = (),
    after: timedelta = 2 * HOUR,
) -> Progress:
    clearance = settle(case)
    events = [
        CargoEvent(
            cargo_management_number="N",
            step=step,
            at=T0 + number * HOUR,
            place="Incheon",
            reporter="carrier",
            message_id=str(number),
            received_at=T0,
        )
        for number, step in enumerate(cargo)
    ]
    standing = Standing(
        acceptance=acceptance,
        case=case,
        outcome=clearance.outcome,
        reasons=clearance.reasons,
        settled_at=T0 + HOUR,
        last_seq=7,
        cargo=events,
    )
    return progress_of(standing, KNOWN, T0 + after, reader, agency)


def stages(progress: Progress) -> Mapping[StageKind, StageState]:
    return {stage.kind: stage.state for stage in progress.stages}


DONE = {"state": ReferralState.DECIDED}


@pytest.mark.parametrize(
    ("said", "more", "state"),
    [
        ((), {"delivered_at": None, "delivered_revision": 0}, AnswerState.NOT_ASKED_YET),
        ((), {"state": ReferralState.DELIVERED}, AnswerState.ASKED),
        ((decided(PLANT, Verdict.APPROVED),), DONE, AnswerState.CONSENTED),
        (
            (decided(PLANT, Verdict.APPROVED_WITH_CONDITIONS),),
            DONE,
            AnswerState.CONSENTED_WITH_CONDITIONS,
        ),
        ((decided(PLANT, Verdict.REFUSED),), DONE, AnswerState.REFUSED),
        (
            (decided(PLANT, Verdict.REFUSED, (1,)), decided(PLANT, Verdict.APPROVED, (2,))),
            DONE,
            AnswerState.PARTLY,
        ),
        (
            (decided(PLANT, Verdict.INSPECTION_REQUIRED),),
            {"state": ReferralState.DELIVERED},
            AnswerState.INSPECTION,
        ),
        ((), {"state": ReferralState.EXPIRED}, AnswerState.OVERDUE),
        ((), {"state": ReferralState.UNDELIVERABLE, "trouble": "TLS"}, AnswerState.BY_HAND),
        ((), {"state": ReferralState.WITHDRAWN}, AnswerState.WITHDRAWN),
        ((), {"state": ReferralState.DELIVERED, "change": Change.WITHDRAW}, AnswerState.WITHDRAWN),
        ((), DONE, AnswerState.BY_CERTIFICATE),
    ],
)
def test_each_service_stands_somewhere(
    said: tuple[Decision, ...], more: dict[str, Any], state: AnswerState
) -> None:
    acceptance = lodged(PLANT)
    [answer] = told(acceptance, with_(acceptance.case, PLANT, *said, **more)).answers
    assert answer.state is state
    awaits = state in (
        AnswerState.NOT_ASKED_YET,
        AnswerState.ASKED,
        AnswerState.INSPECTION,
        AnswerState.OVERDUE,
        AnswerState.BY_HAND,
    )
    assert (answer.forecast is not None) == awaits
    assert "TLS" not in answer.model_dump_json()


def test_the_service_whose_answer_is_due_first_is_expected_next() -> None:
    acceptance = lodged(PLANT, FOOD)
    case = with_(with_(acceptance.case, PLANT), FOOD, due_at=T0 + DAY)
    progress = told(acceptance, case)
    assert progress.headline is Headline.WITH_AGENCIES
    assert progress.next is not None
    assert (progress.next.kind, progress.next.service) == (NextKind.ANSWER, FOOD)
    assert progress.next.by == T0 + DAY
    assert progress.forecast is not None
    assert progress.forecast.due_at == T0 + 3 * DAY


def questioned(expired: bool = False, answered: bool = False) -> tuple[Acceptance, Case]:
    acceptance = lodged(PLANT, FOOD)
    asks = decided(PLANT, Verdict.INFORMATION_REQUIRED).model_copy(update={"remarks": "plant 4711?"})
    question = InformationRequest(
        id=asks.id,
        items=(1,),
        asked_at=T0 + HOUR,
        due_at=T0 + 5 * DAY,
        answer="I" if answered else None,
        answered_at=T0 + 2 * HOUR if answered else None,
        expired_at=T0 + 5 * DAY if expired else None,
    )
    state = ReferralState.DELIVERED
    return acceptance, with_(acceptance.case, PLANT, asks, questions=(question,), state=state)


def test_a_question_comes_before_all_else() -> None:
    progress = told(*questioned())
    [task] = progress.tasks
    assert (task.kind, task.words, task.by) == (TaskKind.QUESTION, "plant 4711?", T0 + 5 * DAY)
    assert progress.headline is Headline.ASKED_OF_YOU
    assert progress.next is not None
    assert (progress.next.kind, progress.next.by) == (NextKind.TASK, T0 + 5 * DAY)
    assert progress.answers[0].state is AnswerState.QUESTION


def test_a_question_whose_time_has_passed_may_still_be_answered() -> None:
    [task] = told(*questioned(expired=True), after=6 * DAY).tasks
    assert task.kind is TaskKind.QUESTION_OVERDUE


def test_a_question_that_is_answered_is_the_agencys_turn() -> None:
    progress = told(*questioned(answered=True))
    assert progress.tasks == ()
    assert progress.next is not None
    assert progress.next.kind is NextKind.ANSWER


def test_a_link_shows_nothing_that_was_written_or_is_to_be_paid() -> None:
    acceptance, case = questioned()
    case = case.model_copy(update={"duties": Duties(amount=WON, assessed_at=T0)})
    shown = told(acceptance, case, reader=Reader.LINK)
    assert {task.kind for task in shown.tasks} == {TaskKind.QUESTION, TaskKind.DUTIES}
    for hidden in ("4711", "1840500", "L-1"):
        assert hidden in told(acceptance, case).model_dump_json()
        assert hidden not in shown.model_dump_json()


def test_an_agency_sees_its_own_part() -> None:
    acceptance, case = questioned()
    case = case.model_copy(update={"duties": Duties(amount=WON, assessed_at=T0)})
    own = told(acceptance, case, reader=Reader.AGENCY, agency="mfds", cargo=(CargoStep.ARRIVAL,))
    assert [answer.agency for answer in own.answers] == ["mfds"]
    assert (own.tasks, own.cargo) == ((), ())
    assert set(stages(own)) == {StageKind.LODGED, StageKind.ANSWERS, StageKind.OUTCOME}
    assert "apqa" not in own.model_dump_json()


def test_an_agency_that_has_decided_is_not_told_that_all_have() -> None:
    acceptance = lodged(PLANT, FOOD)
    case = with_(acceptance.case, PLANT, decided(PLANT, Verdict.APPROVED), **DONE)
    own = told(acceptance, case, reader=Reader.AGENCY, agency="apqa")
    assert own.headline is Headline.WITH_AGENCIES
    assert own.next is None


def consented(*services: str, number: str | None = None) -> tuple[Acceptance, Case]:
    acceptance = lodged(*services, number=number)
    case = acceptance.case
    for service in services:
        case = with_(case, service, decided(service, Verdict.APPROVED), **DONE)
    return acceptance, case


def test_duties_are_a_stage_and_a_task_until_they_are_covered() -> None:
    acceptance, case = consented(PLANT)
    gate = CasePolicy(version="p", refusal_open_for="30d", duty_gate=True)

    def standing(duties: Duties) -> Progress:
        return told(acceptance, case.model_copy(update={"policy": gate, "duties": duties}))

    unassessed = standing(Duties())
    assert unassessed.headline is Headline.DUTIES_AWAITED
    assert stages(unassessed)[StageKind.DUTIES] is StageState.COMING
    due = standing(Duties(amount=WON, assessed_at=T0))
    assert due.headline is Headline.ASKED_OF_YOU
    assert [(task.kind, task.amount) for task in due.tasks] == [(TaskKind.DUTIES, WON)]
    assert stages(due)[StageKind.DUTIES] is StageState.NOW
    cover = DutyCover(kind=CoverKind.PAYMENT, amount=WON, reference="R", at=T0, by="c")
    paid = standing(Duties(amount=WON, assessed_at=T0, cover=cover))
    assert paid.headline is Headline.RELEASED
    assert stages(paid)[StageKind.DUTIES] is StageState.DONE


def test_a_certificate_on_which_too_little_is_left_is_a_task_beside_others() -> None:
    """Without a time of its own it comes after what has one."""
    acceptance, case = consented(PLANT)
    claim = Claim(
        service=PLANT,
        item=2,
        certificate=CertificateKey(type="911", id="C"),
        quantity=Decimal(5),
        state=ClaimState.WANTED,
    )
    duties = Duties(amount=WON, assessed_at=T0 + HOUR)
    progress = told(acceptance, case.model_copy(update={"claims": (claim,), "duties": duties}))
    assert [(task.kind, task.items) for task in progress.tasks] == [
        (TaskKind.CERTIFICATE, (2,)),
        (TaskKind.DUTIES, ()),
    ]
    assert progress.headline is Headline.ASKED_OF_YOU


def test_appointments_are_to_be_confirmed_and_then_kept() -> None:
    acceptance = lodged(PLANT)
    inspects = decided(PLANT, Verdict.INSPECTION_REQUIRED)
    case = with_(acceptance.case, PLANT, inspects, state=ReferralState.DELIVERED)
    inspection = Inspection(
        id="I1",
        state=InspectionState.OFFERED,
        opens_at=T0 + DAY,
        closes_at=T0 + 2 * DAY,
        place="Incheon",
        parties=(InspectionParty(service=PLANT, agency="apqa", items=(1, 2), decision=inspects.id),),
    )
    [task] = told(acceptance, case.model_copy(update={"inspections": (inspection,)})).tasks
    assert (task.kind, task.by, task.place) == (TaskKind.APPOINTMENT, T0 + 2 * DAY, "Incheon")
    agreed = inspection.model_copy(update={"state": InspectionState.CONFIRMED, "at": T0 + 30 * HOUR})
    [task] = told(acceptance, case.model_copy(update={"inspections": (agreed,)})).tasks
    assert (task.kind, task.at) == (TaskKind.PRESENT, T0 + 30 * HOUR)
    for over in (InspectionState.DONE, InspectionState.CANCELLED):
        ended = inspection.model_copy(update={"state": over})
        assert told(acceptance, case.model_copy(update={"inspections": (ended,)})).tasks == ()


def test_after_the_release_the_goods_are_to_leave_and_then_nothing_is_expected() -> None:
    acceptance, case = consented(PLANT, number="N")
    released = told(acceptance, case, cargo=(CargoStep.ARRIVAL, CargoStep.STORAGE))
    assert released.headline is Headline.RELEASED
    assert released.next is not None
    assert released.next.kind is NextKind.GATE_OUT
    assert stages(released)[StageKind.GATE_OUT] is StageState.NOW
    gone = told(acceptance, case, cargo=(CargoStep.ARRIVAL, CargoStep.GATE_OUT))
    assert (gone.headline, gone.next) == (Headline.GONE, None)
    assert stages(gone)[StageKind.GATE_OUT] is StageState.DONE
    # Where no cargo is named, none is waited for.
    acceptance, case = consented(PLANT)
    assert told(acceptance, case).next is None


def test_a_refusal_and_a_withdrawal_go_no_further() -> None:
    acceptance = lodged(PLANT, FOOD, number="N")
    refused = told(acceptance, with_(acceptance.case, PLANT, decided(PLANT, Verdict.REFUSED), **DONE))
    assert (refused.outcome, refused.headline, refused.next) == (Outcome.REFUSAL, Headline.REFUSED, None)
    taken_back = Withdrawal(reason="C01", remarks="a secret", requested_at=T0, by="c")
    withdrawn = told(acceptance, acceptance.case.model_copy(update={"withdrawal": taken_back}))
    assert (withdrawn.headline, withdrawn.tasks, withdrawn.next) == (Headline.WITHDRAWN, (), None)
    assert "secret" not in withdrawn.model_dump_json()
    for progress in (refused, withdrawn):
        assert stages(progress)[StageKind.GATE_OUT] is StageState.STOPPED


TABLES = (
    wording._HEADLINES,
    wording._ANSWERS,
    wording._OUTCOMES,
    wording._CARGO,
    wording._NEXT,
    wording._TASKS,
    wording._STAGES,
    wording._STAGES_DONE,
)


def places(words: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(words) if name)


def test_there_are_words_for_everything_in_every_language() -> None:
    """With the same places to fill in."""
    assert set(wording._HEADLINES) == set(Headline)
    assert set(wording._ANSWERS) == set(AnswerState)
    assert set(wording._OUTCOMES) == set(Outcome)
    assert set(wording._CARGO) == set(CargoStep)
    assert set(wording._NEXT) == set(NextKind)
    assert set(wording._TASKS) == {*TaskKind, "duties_of"}
    assert {*wording._STAGES, StageKind.OUTCOME} == set(StageKind)
    for table in TABLES:
        for words in table.values():
            assert set(words) == set(LANGUAGES)
            assert len({places(said) for said in words.values()}) == 1, words


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_that_is_told_is_worded(language: wording.Language) -> None:
    acceptance, case = questioned()
    case = case.model_copy(update={"duties": Duties(amount=WON, assessed_at=T0)})
    worded = in_words(told(acceptance, case, cargo=(CargoStep.ARRIVAL,)), language)
    parts = [worded, worded.next, *worded.tasks, *worded.stages, *worded.answers, *worded.cargo]
    assert all(part is not None and part.text for part in parts)
    assert [task.text for task in worded.tasks] == {
        "en": [
            "Quarantine asks for information about goods item 1.",
            "Duties and taxes of 1,840,500 KRW are to be paid or guaranteed.",
        ],
        "ko": [
            "검역에서 품목 1에 대한 자료를 요청했습니다.",
            "관세 및 세금 1,840,500 KRW: 납부하거나 담보를 제공해야 합니다.",
        ],
    }[language]


@pytest.mark.parametrize(
    ("length", "english", "korean"),
    [
        (timedelta(seconds=59), "less than a minute", "1분 미만"),
        (timedelta(seconds=61), "1 minute", "1분"),
        (timedelta(minutes=89), "89 minutes", "89분"),
        (timedelta(minutes=91), "2 hours", "2시간"),
        (timedelta(hours=35), "35 hours", "35시간"),
        (timedelta(hours=37), "2 days", "2일"),
    ],
)
def test_lengths_of_time_are_spoken_roughly(length: timedelta, english: str, korean: str) -> None:
    assert wording.spoken(length, "en") == english
    assert wording.spoken(length, "ko") == korean


@given(
    st.lists(st.sampled_from([None, *Verdict]), min_size=2, max_size=2),
    st.sampled_from(list(ReferralState)),
    st.sampled_from(list(Reader)),
    st.sampled_from(list(LANGUAGES)),
)
def test_whatever_has_happened_there_is_something_to_tell(
    verdicts: list[Verdict | None], state: ReferralState, reader: Reader, language: wording.Language
) -> None:
    """And the words for people never hold the hub's own troubles."""
    acceptance = lodged(PLANT, FOOD, number="N")
    case = acceptance.case
    for service, verdict in zip((PLANT, FOOD), verdicts, strict=True):
        said = () if verdict is None else (decided(service, verdict),)
        case = with_(case, service, *said, state=state, trouble="inner trouble")
    agency = "apqa" if reader is Reader.AGENCY else None
    progress = in_words(told(acceptance, case, reader=reader, agency=agency), language)
    assert progress.text
    assert "inner trouble" not in progress.model_dump_json()
    assert progress.stages[0].kind is StageKind.LODGED
    assert referral_id("M", PLANT) not in progress.model_dump_json()
