"""The store: everything the hub remembers, behind the two ports that its users see."""

from __future__ import annotations

from hub.store.alerts import Alerts
from hub.store.attention import AttentionList
from hub.store.audit import Audit
from hub.store.bulks import Bulks
from hub.store.calls import Calls
from hub.store.cargo import Cargo
from hub.store.cases import Cases
from hub.store.certificates import Certificates
from hub.store.clients import Clients
from hub.store.control import AgencyControls
from hub.store.doctor import Doctor
from hub.store.documents import Documents
from hub.store.engine import Database, EventTeller, Sync, TransactionMeter
from hub.store.finding import Finding
from hub.store.handovers import HandOvers
from hub.store.histories import AnswerHistories
from hub.store.inbox import Inbox
from hub.store.incidents import Incidents
from hub.store.intake import Intake
from hub.store.life import Life
from hub.store.notices import Notices
from hub.store.overview import Overview
from hub.store.polls import Polls
from hub.store.proposals import Proposals
from hub.store.queries import Queries
from hub.store.recovery import Recovery
from hub.store.retention import Retention
from hub.store.tracking import Tracking
from hub.store.users import Users
from hub.store.versions import Versions
from hub.store.vitals import Vitals


class Store(
    Intake,
    HandOvers,
    Inbox,
    Notices,
    Cases,
    Life,
    Documents,
    Polls,
    Queries,
    Clients,
    Certificates,
    Cargo,
    Versions,
    Users,
    Audit,
    Proposals,
    Bulks,
    Calls,
    Overview,
    AnswerHistories,
    Tracking,
    AttentionList,
    Finding,
    Doctor,
    Incidents,
    Alerts,
    Vitals,
    AgencyControls,
    Retention,
    Recovery,
):
    """
    `hub.ports.CaseStore`, `QueryStore`, `CertificateStore`, `CargoStore` and `VersionStore` on one database.
    Safe to use from many threads.

    Every method raises `sqlalchemy.exc.SQLAlchemyError` when the database fails it; nothing is written then,
    and the same call may be made again.
    """

    def measure(self, meter: TransactionMeter) -> None:
        """Have every transaction measured from now on."""
        self._database.meter = meter

    def announce(self, teller: EventTeller) -> None:
        """
        Have every event told that is recorded from now on, once, when it is committed, in the thread that has
        recorded it. Whoever is told already goes on being told.
        """
        self._database.tellers.append(teller)

    def close(self) -> None:
        """Close the connections."""
        self._database.close()


def create_store(url: str, *, sync: Sync = "full") -> Store:
    """
    The store at an SQLAlchemy URL: `sqlite:///path` or `postgresql+psycopg://user:password@host/name`.

    Connects when first used; `upgrade` must have been run. For `sync` see `hub.store.engine.Database`.
    Raises ValueError for another kind of database, and for SQLite in memory.
    """
    return Store(Database(url, sync=sync))
