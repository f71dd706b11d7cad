"""The ledger of certificates: what declarations take up of them, and in which order they are served."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, func, insert, select, tuple_, update

from hub.domain.case import Case
from hub.domain.certificates import (
    Balance,
    Certificate,
    CertificateKey,
    CertificateStanding,
    Claim,
    ClaimState,
    EntryKind,
    LedgerEntry,
)
from hub.domain.event_data import CertificateMoved
from hub.domain.events import EventType
from hub.domain.referral import ReferralState
from hub.ports import LedgerRefused
from hub.store.casefile import OpenCase
from hub.store.part import AnyRow, Part
from hub.store.statements import insert_of
from hub.store.tables import certificate_entries, certificate_waits, certificates
from hub.store.types import key

_Place = tuple[str, int, CertificateKey]
"""Of a claim in its declaration: service, goods item, certificate."""


class Certificates(Part):
    """
    `hub.ports.CertificateStore`. A certificate's row is locked by whoever writes to its ledger; certificates
    are locked after the declaration and in the order of their keys, so that nobody waits in a circle.
    """

    def issue_certificate(self, certificate: Certificate, by: str, at: datetime) -> CertificateStanding:
        """Write a certificate down, or what has changed of it. Raises LedgerRefused."""
        named = CertificateKey(type=certificate.type, id=certificate.id)
        with self._database.write() as connection:
            # Whoever writes it first; the other then finds it, locked.
            connection.execute(
                insert_of(connection)(certificates).on_conflict_do_nothing(),
                {
                    "type": certificate.type,
                    "id": certificate.id,
                    "document": certificate.model_copy(update={"quantity": None}).model_dump_json(),
                    "issued": "0",
                    "reserved": "0",
                    "written_off": "0",
                    "last_number": 0,
                },
            )
            ledger = _Ledger(connection, [named])
            standing = ledger.standing(named)
            assert standing is not None
            ledger.correct(certificate, standing, by, at)
            ledger.save()
            issued = ledger.standing(named)
            assert issued is not None
        return issued

    def certificates(self, keys: Sequence[CertificateKey]) -> dict[CertificateKey, CertificateStanding]:
        """Those of them that are in the ledger."""
        if not keys:
            return {}
        with self._database.read() as connection:
            return _read(connection, keys, lock=False)

    def ledger(self, key: CertificateKey) -> list[LedgerEntry]:
        """The lines of a certificate, in order."""
        query = (
            select(certificate_entries)
            .where(certificate_entries.c.type == key.type, certificate_entries.c.id == key.id)
            .order_by(certificate_entries.c.number)
        )
        with self._database.read() as connection:
            return [
                LedgerEntry(
                    type=key.type,
                    id=key.id,
                    number=row.number,
                    at=row.at,
                    kind=EntryKind(row.kind),
                    quantity=Decimal(row.quantity),
                    mrn=row.mrn,
                    service=row.service,
                    item=row.item,
                    by=row.by,
                )
                for row in connection.execute(query)
            ]

    def allot(self, at: datetime, limit: int) -> list[str]:
        """
        Reserve for claims that wait what has come free, claim by claim, each in a transaction of its own.

        The claims of one certificate are served strictly in the order in which they began to wait: a later,
        smaller one never overtakes an earlier one for which there is still not enough.
        """
        served: list[str] = []
        while len(served) < limit:
            with self._database.read() as connection:
                ready = _heads(connection, limit - len(served))
            allotted = [mrn for mrn, place in ready if self._allot(mrn, place, at)]
            if not allotted:
                break
            served += allotted
        return list(dict.fromkeys(served))

    def _allot(self, mrn: str, place: _Place, at: datetime) -> bool:
        """Serve one claim, if it is still its turn."""
        service, item, named = place
        with self._database.write() as connection:
            case = OpenCase.open(connection, mrn)
            ledger = _Ledger(connection, [named])
            head = _first_in_line(connection, named)
            if head is None or (head.mrn, head.service, head.item) != (key(mrn), key(service), item):
                return False
            [claim] = [c for c in case.case.claims if _place(c) == place]
            if not ledger.has_enough(claim):
                return False
            ledger.reserve(case, claim, at)
            _leave_line(connection, mrn, [claim])
            _note(case, EventType.CERTIFICATE_RESERVED, claim, at)
            ledger.save()
            case.save()
        return True


# --- what becomes of the claims of a declaration, in the transaction that has it open ------------------


def claim(connection: Connection, case: OpenCase, before: Case, at: datetime) -> None:
    """
    Bring the ledger in step with the claims of a case that events have changed, as one.

    What a claim held is given back when it is dropped, when the agency is asked no more, or when it is for
    another quantity. Who held something is served again before those that wait; a new claim goes behind
    them. Where there is not enough left, it waits, and the case says so.
    """
    held, now = _claims(before), _claims(case.case)
    gone = {c.service for c in now.values() if _is_open(c) and _asks_no_more(case.case, c)}
    if held == now and not gone:
        return
    ledger = _Ledger(connection, {c.certificate for c in (*held.values(), *now.values())})
    for place, was in held.items():
        if _is_open(was) and (place not in now or was.service in gone):
            _give_back(connection, case, ledger, was, at)
    for place, wanted in now.items():
        if wanted.service not in gone:
            _serve(connection, case, ledger, held.get(place), wanted, at)
        elif place not in held:
            _note(case, EventType.CERTIFICATE_GIVEN_BACK, wanted, at)
    ledger.save()


def write_off(connection: Connection, case: OpenCase, items: Collection[int] | None, at: datetime) -> None:
    """What was reserved for these goods items is used up; None stands for all of them."""
    used = [
        c for c in case.case.claims if c.state is ClaimState.RESERVED and (items is None or c.item in items)
    ]
    if not used:
        return
    ledger = _Ledger(connection, {c.certificate for c in used})
    for one in used:
        ledger.write_off(case, one, at)
        _note(case, EventType.CERTIFICATE_WRITTEN_OFF, one, at)
    ledger.save()


def give_back(connection: Connection, case: OpenCase, at: datetime) -> None:
    """Whatever is still reserved is free again, and whatever waits does not any more."""
    open_ = [c for c in case.case.claims if _is_open(c)]
    if not open_:
        return
    ledger = _Ledger(connection, {c.certificate for c in open_})
    for one in open_:
        _give_back(connection, case, ledger, one, at)
    ledger.save()


def _give_back(connection: Connection, case: OpenCase, ledger: _Ledger, claim: Claim, at: datetime) -> None:
    if claim.state is ClaimState.RESERVED:
        ledger.give_back(case, claim, at)
    else:
        _leave_line(connection, case.mrn, [claim])
    _note(case, EventType.CERTIFICATE_GIVEN_BACK, claim, at)


def _serve(
    connection: Connection,
    case: OpenCase,
    ledger: _Ledger,
    was: Claim | None,
    wanted: Claim,
    at: datetime,
) -> None:
    """Give a claim what it is to have, and make the case say what it has."""
    if was is not None and was.state is ClaimState.WRITTEN_OFF:
        # Its goods have gone; an amendment of the others changes nothing of that.
        _keep(case, was, wanted, at)
        return
    if was is not None and was.quantity == wanted.quantity:
        _keep(case, was, wanted, at)
        return
    if was is not None and was.state is ClaimState.RESERVED:
        ledger.give_back(case, was, at)
    holds_its_place = was is not None
    may_have = holds_its_place or _first_in_line(connection, wanted.certificate) is None
    if ledger.has_enough(wanted) and may_have:
        ledger.reserve(case, wanted, at)
        if was is not None:
            _leave_line(connection, case.mrn, [was])
        state = ClaimState.RESERVED
    else:
        _join_line(connection, case.mrn, wanted, at)
        state = ClaimState.WANTED
    if wanted.state is not state:
        _note(case, _EVENT[state], wanted, at)


def _keep(case: OpenCase, was: Claim, wanted: Claim, at: datetime) -> None:
    if wanted.state is not was.state:
        _note(case, _EVENT[was.state], was, at)


_EVENT = {
    ClaimState.WANTED: EventType.CERTIFICATE_EXHAUSTED,
    ClaimState.RESERVED: EventType.CERTIFICATE_RESERVED,
    ClaimState.WRITTEN_OFF: EventType.CERTIFICATE_WRITTEN_OFF,
    ClaimState.GIVEN_BACK: EventType.CERTIFICATE_GIVEN_BACK,
}


def _note(case: OpenCase, kind: EventType, claim: Claim, at: datetime) -> None:
    moved = CertificateMoved(
        certificate=claim.certificate,
        item=claim.item,
        quantity=None if claim.quantity is None else f"{claim.quantity:f}",
    )
    case.note(at, kind, claim.service, **moved.model_dump(mode="json"))


def _claims(case: Case) -> dict[_Place, Claim]:
    return {_place(c): c for c in case.claims if c.state is not ClaimState.GIVEN_BACK}


def _place(claim: Claim) -> _Place:
    return (claim.service, claim.item, claim.certificate)


def _is_open(claim: Claim) -> bool:
    return claim.state in (ClaimState.WANTED, ClaimState.RESERVED)


def _asks_no_more(case: Case, claim: Claim) -> bool:
    """Whether the agency that the claim is for has been told that it is asked no more."""
    for referral in case.referrals:
        if referral.terms.service == claim.service:
            return referral.state is ReferralState.WITHDRAWN
    return case.withdrawal is not None


# --- the ledger itself ---------------------------------------------------------------------------------


class _Ledger:
    """Some certificates, locked until the transaction ends."""

    def __init__(self, connection: Connection, keys: Iterable[CertificateKey]) -> None:
        self._connection = connection
        self._standings = _read(connection, keys, lock=True)
        self._changed: set[CertificateKey] = set()
        self._lines: list[dict[str, Any]] = []

    def standing(self, named: CertificateKey) -> CertificateStanding | None:
        """As it stands now, with what is to be saved."""
        return self._standings.get(named)

    def has_enough(self, claim: Claim) -> bool:
        """Whether so much is left."""
        standing = self._standings.get(claim.certificate)
        if standing is None or standing.certificate.revoked:
            return False
        return claim.quantity is None or claim.quantity <= standing.balance.available

    def reserve(self, case: OpenCase, claim: Claim, at: datetime) -> None:
        """Set the quantity aside for the claim."""
        self._move(EntryKind.RESERVE, case, claim, at, reserved=1)

    def give_back(self, case: OpenCase, claim: Claim, at: datetime) -> None:
        """What was reserved is free again."""
        self._move(EntryKind.GIVE_BACK, case, claim, at, reserved=-1)

    def write_off(self, case: OpenCase, claim: Claim, at: datetime) -> None:
        """What was reserved is used up."""
        self._move(EntryKind.WRITE_OFF, case, claim, at, reserved=-1, written_off=1)

    def correct(self, certificate: Certificate, standing: CertificateStanding, by: str, at: datetime) -> None:
        """Take the certificate as it is said now. Raises LedgerRefused."""
        known, balance = standing.certificate, standing.balance
        if known.agency != certificate.agency:
            raise LedgerRefused(f"the certificate was issued by {known.agency}")
        was, now = known.quantity, certificate.quantity
        if was is not None and now is None:
            raise LedgerRefused(
                f"the certificate is limited to {was.value:f} {was.unit}; say the new quantity"
            )
        if was is not None and now is not None and was.unit != now.unit:
            raise LedgerRefused(f"the unit of the certificate is {was.unit}")
        difference = Decimal(0) if now is None else now.value - balance.issued
        if balance.available + difference < 0:
            taken = balance.reserved + balance.written_off
            raise LedgerRefused(f"{taken:f} of the certificate is reserved or used up already")
        if certificate != known:
            named = CertificateKey(type=certificate.type, id=certificate.id)
            self._standings[named] = standing.model_copy(update={"certificate": certificate})
            self._changed.add(named)
            if was is None and now is not None:
                self._line(named, EntryKind.ISSUE, difference, at, by=by)
            elif difference:
                self._line(named, EntryKind.CORRECT, difference, at, by=by)

    def save(self) -> None:
        """Write the lines, and what they add up to."""
        if self._lines:
            self._connection.execute(_INSERT_ENTRY, self._lines)
        changed = [(named, self._standings[named]) for named in sorted(self._changed, key=_order)]
        if changed:
            self._connection.execute(
                _CHANGE_CERTIFICATE,
                [
                    {
                        "type_": named.type,
                        "id_": named.id,
                        "document": standing.certificate.model_dump_json(),
                        "issued": f"{standing.balance.issued:f}",
                        "reserved": f"{standing.balance.reserved:f}",
                        "written_off": f"{standing.balance.written_off:f}",
                        "last_number": standing.version,
                    }
                    for named, standing in changed
                ],
            )

    def _move(
        self,
        kind: EntryKind,
        case: OpenCase,
        claim: Claim,
        at: datetime,
        *,
        reserved: int,
        written_off: int = 0,
    ) -> None:
        if claim.quantity is None:
            return  # a certificate without a limit has nothing to count
        self._line(
            claim.certificate,
            kind,
            claim.quantity,
            at,
            reserved=reserved * claim.quantity,
            written_off=written_off * claim.quantity,
            mrn=case.mrn,
            service=claim.service,
            item=claim.item,
        )

    def _line(
        self,
        named: CertificateKey,
        kind: EntryKind,
        quantity: Decimal,
        at: datetime,
        *,
        reserved: Decimal = Decimal(0),
        written_off: Decimal = Decimal(0),
        **about: Any,
    ) -> None:
        standing = self._standings[named]
        balance = standing.balance
        issued = quantity if kind in (EntryKind.ISSUE, EntryKind.CORRECT) else Decimal(0)
        after = Balance(
            issued=balance.issued + issued,
            reserved=balance.reserved + reserved,
            written_off=balance.written_off + written_off,
        )
        number = standing.version + 1
        self._standings[named] = standing.model_copy(update={"balance": after, "version": number})
        self._changed.add(named)
        self._lines.append(
            {
                "type": named.type,
                "id": named.id,
                "number": number,
                "at": at,
                "kind": kind.value,
                "quantity": f"{quantity:f}",
                "mrn": about.get("mrn"),
                "service": about.get("service"),
                "item": about.get("item"),
                "by": about.get("by"),
            }
        )


def _order(named: CertificateKey) -> tuple[str, str]:
    """The order in which certificates are locked: that of their columns."""
    return key(named.type), key(named.id)


def _read(
    connection: Connection, keys: Iterable[CertificateKey], *, lock: bool
) -> dict[CertificateKey, CertificateStanding]:
    wanted = sorted(set(keys), key=_order)
    query = (
        select(certificates)
        .where(tuple_(certificates.c.type, certificates.c.id).in_([_order(named) for named in wanted]))
        .order_by(certificates.c.type, certificates.c.id)
    )
    found: dict[CertificateKey, CertificateStanding] = {}
    for row in connection.execute(query.with_for_update() if lock else query):
        certificate = Certificate.model_validate_json(row.document)
        balance = Balance(
            issued=Decimal(row.issued), reserved=Decimal(row.reserved), written_off=Decimal(row.written_off)
        )
        found[CertificateKey(type=certificate.type, id=certificate.id)] = CertificateStanding(
            certificate=certificate, balance=balance, version=row.last_number
        )
    return found


# --- the line of those that wait -----------------------------------------------------------------------


def _join_line(connection: Connection, mrn: str, claim: Claim, at: datetime) -> None:
    """Wait; who waits already keeps its place, also for another quantity."""
    join = insert_of(connection)(certificate_waits)
    connection.execute(
        join.on_conflict_do_update(
            index_elements=["type", "id", "mrn", "service", "item"],
            set_={"quantity": join.excluded.quantity},
        ),
        {
            "type": claim.certificate.type,
            "id": claim.certificate.id,
            "mrn": mrn,
            "service": claim.service,
            "item": claim.item,
            "since": at,
            "quantity": f"{claim.quantity or Decimal(0):f}",
        },
    )


def _leave_line(connection: Connection, mrn: str, claims: Sequence[Claim]) -> None:
    connection.execute(
        _LEAVE,
        [
            {
                "type_": c.certificate.type,
                "id_": c.certificate.id,
                "mrn_": mrn,
                "service_": c.service,
                "item_": c.item,
            }
            for c in claims
        ],
    )


def _first_in_line(connection: Connection, named: CertificateKey) -> AnyRow | None:
    return connection.execute(_FIRST, {"type_": named.type, "id_": named.id}).first()


def _heads(connection: Connection, limit: int) -> list[tuple[str, _Place]]:
    """The claims whose turn it is and for which there is enough, the longest waiting first."""
    ready = []
    for row in connection.execute(_HEADS):
        certificate = Certificate.model_validate_json(row.document)
        available = Decimal(row.issued) - Decimal(row.reserved) - Decimal(row.written_off)
        if not certificate.revoked and Decimal(row.quantity) <= available:
            named = CertificateKey(type=certificate.type, id=certificate.id)
            ready.append((row.mrn, (row.service, row.item, named)))
    return ready[:limit]


_TYPE: BindParameter[str] = bindparam("type_")
_ID: BindParameter[str] = bindparam("id_")
_IN_TURN = (
    certificate_waits.c.since,
    certificate_waits.c.mrn,
    certificate_waits.c.service,
    certificate_waits.c.item,
)
_FIRST = (
    select(certificate_waits)
    .where(certificate_waits.c.type == _TYPE, certificate_waits.c.id == _ID)
    .order_by(*_IN_TURN)
    .limit(1)
)
_LEAVE = delete(certificate_waits).where(
    certificate_waits.c.type == _TYPE,
    certificate_waits.c.id == _ID,
    certificate_waits.c.mrn == bindparam("mrn_"),
    certificate_waits.c.service == bindparam("service_"),
    certificate_waits.c.item == bindparam("item_"),
)
_TURNS = select(
    certificate_waits,
    func.row_number()
    .over(partition_by=(certificate_waits.c.type, certificate_waits.c.id), order_by=_IN_TURN)
    .label("turn"),
).subquery()
_HEADS = (
    select(
        _TURNS.c.mrn,
        _TURNS.c.service,
        _TURNS.c.item,
        _TURNS.c.quantity,
        certificates.c.document,
        certificates.c.issued,
        certificates.c.reserved,
        certificates.c.written_off,
    )
    .join(certificates, (certificates.c.type == _TURNS.c.type) & (certificates.c.id == _TURNS.c.id))
    .where(_TURNS.c.turn == 1)
    .order_by(_TURNS.c.since, _TURNS.c.mrn)
)
_INSERT_ENTRY = insert(certificate_entries)
_CHANGE_CERTIFICATE = update(certificates).where(certificates.c.type == _TYPE, certificates.c.id == _ID)
