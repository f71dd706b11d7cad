"""Decisions by hand: they count once a second person has confirmed them, and never before."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import pytest

from hub.domain.clearance import Outcome
from hub.domain.events import EventType
from hub.domain.information import Scan
from hub.domain.referral import ReferralState, Verdict, Via
from hub.domain.steps import StepRefused
from hub.operations.by_hand import LARGEST_DOCUMENT, DecisionProposal, Document
from hub.operations.permission import ActionForbidden
from hub.ports import Actor, ChangedMeanwhile, Proposal, ProposalState, ScannerUnavailable, UserRole
from hub.store import Store
from tests.operations.desk import ADMIN, CHOI, KIM, LEE, OF_APQA, VIEWER, Office, request
from tests.store.sample import PLANT, clearance, decision, message

LETTER = Document(name="공문.pdf", media_type="application/pdf", content=b"%PDF-1.7 approved")


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store)


def wanted(mrn: str, **more: Any) -> DecisionProposal:
    given: dict[str, Any] = {
        "mrn": mrn,
        "service": PLANT,
        "verdict": Verdict.APPROVED,
        "evidence": "Ms Han of the quarantine office, by telephone, 10:40; file 2026/17",
        "reference": "AP-17",
    }
    return DecisionProposal(**{**given, **more})


async def proposed(office: Office, mrn: str, by: Actor = KIM, **more: Any) -> Proposal:
    return await office.desk.by_hand.propose(by, wanted(mrn, **more), request())


def decisions(office: Office, mrn: str) -> list[tuple[str, str | None]]:
    """Verdict and names of each decision that counts."""
    view = office.store.view(mrn)
    assert view is not None
    return [(d.verdict.value, d.by) for d in view.case.referral(PLANT).decisions]


async def test_a_decision_that_a_second_person_confirms_counts_as_any_other(office: Office) -> None:
    mrn = office.lodged().mrn
    proposal = await proposed(office, mrn, items=None, remarks="keep below 4 °C")
    assert decisions(office, mrn) == [], "it counts for nothing yet"
    event = office.store.events(mrn, 0, 100)[-1]
    assert event.type is EventType.DECISION_PROPOSED
    assert (event.data["proposal"], event.data["by"]) == (proposal.id, "kim")
    waiting = await office.desk.by_hand.proposals(open=True)
    assert [each.id for each in waiting.proposals] == [proposal.id]

    office.now += timedelta(minutes=5)
    ended = await office.desk.by_hand.confirm(LEE, proposal.id, "I have read the file", request())

    assert (ended.state, ended.ended_by) == (ProposalState.CONFIRMED, "lee")
    assert decisions(office, mrn) == [("approved", "kim, confirmed by lee")]
    view = office.store.view(mrn)
    assert view is not None
    [given] = view.case.referral(PLANT).decisions
    assert (given.via, given.reference, given.remarks) == (Via.DOOR, "AP-17", "keep below 4 °C")
    assert view.case.referral(PLANT).state is ReferralState.DECIDED
    assert office.engine.told == [(mrn, (given.id,))], "the workflow hears of it at once"
    assert office.store.untold_messages(office.now + timedelta(minutes=1), 10) == []
    [evidence] = office.store.messages(mrn)
    assert "Ms Han" in evidence.raw, "what it rests on is found where every decision's evidence is"
    assert [(line.user, line.action, line.result) for line in office.lines()] == [
        ("kim", "decide", "proposed"),
        ("lee", "decide.confirmed", "done"),
    ]
    assert (await office.desk.by_hand.proposals(open=True)).proposals == ()
    assert [p.id for p in (await office.desk.by_hand.proposals(open=False)).proposals] == [proposal.id]


@pytest.mark.parametrize("role", [UserRole.OPERATOR, UserRole.SUPERVISOR, UserRole.ADMIN])
@pytest.mark.parametrize("name", ["kim", "KIM"])
async def test_nobody_confirms_his_own_whatever_his_role(office: Office, role: UserRole, name: str) -> None:
    mrn = office.lodged().mrn
    proposal = await proposed(office, mrn, by=Actor(name="kim", role=role))
    myself = Actor(name=name, role=role)
    with pytest.raises(StepRefused) as refused:
        await office.desk.by_hand.confirm(myself, proposal.id, "looks right", request())
    assert refused.value.code == "own-proposal"
    assert decisions(office, mrn) == []
    why = await office.desk.by_hand.why_not(myself, proposal)
    assert why is not None
    assert why.code == "own-proposal"
    assert [line.data.get("refused") for line in office.lines()] == [None, "own-proposal"]


@pytest.mark.parametrize("actor", [VIEWER, OF_APQA], ids=["viewer", "agency"])
async def test_who_may_only_look_neither_proposes_nor_confirms_nor_declines(
    office: Office, actor: Actor
) -> None:
    mrn = office.lodged().mrn
    proposal = await proposed(office, mrn)
    lines = office.lines()
    for ask in (
        office.desk.by_hand.open_to(actor, mrn, PLANT),
        office.desk.by_hand.propose(actor, wanted(mrn), request()),
        office.desk.by_hand.confirm(actor, proposal.id, "x", request()),
        office.desk.by_hand.decline(actor, proposal.id, "x", request()),
        office.desk.by_hand.why_not(actor, proposal),
    ):
        with pytest.raises(ActionForbidden):
            await ask
    assert decisions(office, mrn) == []
    assert office.lines() == lines


@pytest.mark.parametrize(
    ("who", "state"), [(LEE, ProposalState.DECLINED), (KIM, ProposalState.TAKEN_BACK)], ids=["lee", "kim"]
)
async def test_declined_by_another_or_taken_back_it_never_counts(
    office: Office, who: Actor, state: ProposalState
) -> None:
    mrn = office.lodged().mrn
    proposal = await proposed(office, mrn)
    ended = await office.desk.by_hand.decline(who, proposal.id, "another file number", request())
    assert (ended.state, ended.ended_reason) == (state, "another file number")
    assert office.store.events(mrn, 0, 100)[-1].type is EventType.DECISION_DECLINED
    with pytest.raises(StepRefused) as refused:
        await office.desk.by_hand.confirm(CHOI, proposal.id, "too late", request())
    assert refused.value.code == "proposal-over"
    assert decisions(office, mrn) == []
    assert office.lines()[1].action == f"decide.{state.value}"


async def test_of_two_who_confirm_and_decline_at_once_one_is_first(office: Office) -> None:
    mrn = office.lodged().mrn
    proposal = await proposed(office, mrn)
    ended = await asyncio.gather(
        office.desk.by_hand.confirm(LEE, proposal.id, "right", request()),
        office.desk.by_hand.decline(CHOI, proposal.id, "wrong", request()),
        return_exceptions=True,
    )
    refused = [each for each in ended if isinstance(each, StepRefused)]
    assert [each.code for each in refused] == ["proposal-over"]
    final = await office.desk.by_hand.proposal(proposal.id)
    assert final is not None
    assert len(decisions(office, mrn)) == (1 if final.state is ProposalState.CONFIRMED else 0)


async def test_what_the_agency_has_said_itself_since_goes_first(office: Office) -> None:
    mrn = office.lodged().mrn
    proposal = await proposed(office, mrn)
    office.store.receive(message(decision(mrn, PLANT, Verdict.REFUSED)))
    with pytest.raises(StepRefused) as refused:
        await office.desk.by_hand.confirm(LEE, proposal.id, "right", request())
    assert refused.value.code == "decided-meanwhile"
    assert "refused" in refused.value.detail
    assert [verdict for verdict, _ in decisions(office, mrn)] == ["refused"]
    why = await office.desk.by_hand.why_not(LEE, proposal)
    assert why is not None
    assert why.code == "decided-meanwhile"


async def test_after_the_release_it_is_refused_and_not_kept_as_late(office: Office) -> None:
    mrn = office.lodged().mrn
    proposal = await proposed(office, mrn)
    office.store.record_clearance(mrn, clearance(Outcome.RELEASE), None, [], office.now)
    with pytest.raises(StepRefused) as refused:
        await office.desk.by_hand.confirm(LEE, proposal.id, "right", request())
    assert refused.value.code == "already-released"
    assert decisions(office, mrn) == []
    taken_back = await office.desk.by_hand.decline(KIM, proposal.id, "released by now", request())
    assert taken_back.state is ProposalState.TAKEN_BACK, "it need not stand there for ever"


async def test_nothing_is_proposed_where_the_agency_has_decided(office: Office) -> None:
    mrn = office.lodged().mrn
    office.store.receive(message(decision(mrn, PLANT)))
    for ask in (
        office.desk.by_hand.open_to(KIM, mrn, PLANT),
        office.desk.by_hand.propose(KIM, wanted(mrn), request()),
    ):
        with pytest.raises(StepRefused) as refused:
            await ask
        assert refused.value.code == "not-awaited"


async def test_forms_that_are_sent_twice(office: Office) -> None:
    mrn = office.lodged().mrn
    once = request()
    first, second = await asyncio.gather(
        office.desk.by_hand.propose(KIM, wanted(mrn), once),
        office.desk.by_hand.propose(KIM, wanted(mrn), once),
    )
    assert first == second
    assert len((await office.desk.by_hand.proposals(open=True)).proposals) == 1
    again = request()
    for _ in range(2):
        ended = await office.desk.by_hand.confirm(LEE, first.id, "right", again)
        assert ended.state is ProposalState.CONFIRMED
    assert len(decisions(office, mrn)) == 1
    assert len(office.lines()) == 2


async def test_what_has_changed_since_the_form_was_opened(office: Office) -> None:
    mrn = office.lodged().mrn
    view = await office.desk.by_hand.open_to(KIM, mrn, PLANT)
    await proposed(office, mrn, by=LEE)
    with pytest.raises(ChangedMeanwhile):
        await office.desk.by_hand.propose(KIM, wanted(mrn), request(), seen=view.last_seq)
    assert len((await office.desk.by_hand.proposals(open=True)).proposals) == 1


# --- what is filled in --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "pointer"),
    [
        ({"evidence": "  "}, "/evidence"),
        ({"evidence": "x" * 4001}, "/evidence"),
        ({"items": (1, 9)}, "/items/1"),
        ({"items": ()}, "/items"),
        ({"remarks": "x" * 4001}, "/remarks"),
        ({"reference": "x" * 71}, "/reference"),
        ({"service": "nobody"}, "/service"),
        ({"mrn": "26KR0000000000000X"}, "/mrn"),
    ],
)
async def test_faults_of_a_proposal(office: Office, fault: dict[str, Any], pointer: str) -> None:
    mrn = office.lodged().mrn
    with pytest.raises(StepRefused) as refused:
        await office.desk.by_hand.propose(KIM, wanted(**{"mrn": mrn, **fault}), request())
    assert refused.value.pointer == pointer
    assert (await office.desk.by_hand.proposals(open=True)).proposals == ()


@pytest.mark.parametrize("hours", [-10, 10])
async def test_an_agency_decides_neither_before_the_declaration_nor_tomorrow(
    office: Office, hours: int
) -> None:
    mrn = office.lodged().mrn
    with pytest.raises(StepRefused) as refused:
        await proposed(office, mrn, decided_at=office.now + timedelta(hours=hours))
    assert refused.value.pointer == "/decided_at"


# --- documents ----------------------------------------------------------------------------------------


async def test_a_document_is_kept_with_the_declaration(office: Office) -> None:
    mrn = office.lodged().mrn
    proposal = await office.desk.by_hand.propose(KIM, wanted(mrn), request(), document=LETTER)
    assert proposal.document is not None
    assert proposal.document.sha256 == hashlib.sha256(LETTER.content).hexdigest()
    assert await office.desk.by_hand.document(proposal) == LETTER.content
    assert office.store.document(mrn, proposal.document.sha256) == LETTER.content


@pytest.mark.parametrize(
    "document",
    [
        LETTER.model_copy(update={"content": b""}),
        LETTER.model_copy(update={"content": b"x" * (LARGEST_DOCUMENT + 1)}),
        LETTER.model_copy(update={"media_type": "text/html"}),
    ],
    ids=["empty", "too large", "a page"],
)
async def test_documents_that_are_not_taken(office: Office, document: Document) -> None:
    mrn = office.lodged().mrn
    with pytest.raises(StepRefused) as refused:
        await office.desk.by_hand.propose(KIM, wanted(mrn), request(), document=document)
    assert refused.value.pointer == "/document"


class _Scanner:
    def __init__(self, said: Scan | Exception) -> None:
        self._said = said

    def scan(self, name: str, content: bytes) -> Scan:
        if isinstance(self._said, Exception):
            raise self._said
        return self._said


@pytest.mark.parametrize(
    ("said", "code"),
    [(Scan.INFECTED, "infected-document"), (ScannerUnavailable("no route"), "scanner-unavailable")],
    ids=["infected", "unavailable"],
)
async def test_documents_are_scanned(store: Store, said: Scan | Exception, code: str) -> None:
    office = Office(store, scanner=_Scanner(said))
    mrn = office.lodged().mrn
    with pytest.raises(StepRefused) as refused:
        await office.desk.by_hand.propose(KIM, wanted(mrn), request(), document=LETTER)
    assert refused.value.code == code
    assert office.store.document(mrn, hashlib.sha256(LETTER.content).hexdigest()) is None


async def test_lists_go_on_where_they_ended(office: Office) -> None:
    made = []
    for _ in range(5):
        made.append((await proposed(office, office.lodged().mrn)).id)
        office.now += timedelta(minutes=1)
    shown: list[str] = []
    cursor: str | None = None
    while True:
        page = await office.desk.by_hand.proposals(open=True, cursor=cursor, limit=2)
        shown += [each.id for each in page.proposals]
        cursor = page.cursor
        if cursor is None:
            break
    assert shown == made, "the oldest first"
    for id in made[:3]:
        office.now += timedelta(minutes=1)
        await office.desk.by_hand.decline(ADMIN, id, "no", request())
    ended = await office.desk.by_hand.proposals(open=False, limit=2)
    assert [each.id for each in ended.proposals] == [made[2], made[1]], "the last first"
    rest = await office.desk.by_hand.proposals(open=False, cursor=ended.cursor, limit=2)
    assert [each.id for each in rest.proposals] == [made[0]]
