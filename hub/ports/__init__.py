"""
What the hub needs from outside its own rules: the agencies, the cargo system, a store, an engine, a clock.

Implemented in `adapters`, `store` and `engine`; used by activities, relays and the API; joined in
`bootstrap`.
"""

from hub.ports.actions import LEAST_ROLE, ActionKind, Audited
from hub.ports.cargo import CargoStore
from hub.ports.cases import (
    CaseStore,
    DeclarationVersion,
    HandOver,
    HandOverMark,
    LodgedBefore,
    OpenPoll,
    Received,
    ReferralFile,
    Unheard,
)
from hub.ports.certificates import CertificateStore, LedgerRefused
from hub.ports.control import AgencyControl, Controls, ControlState, QueuedReferral
from hub.ports.histories import Call, CallCount, CallMeter, CallResult, DayOfAnswers, Histories, unmetered
from hub.ports.incidents import Incident, IncidentKind, Severity
from hub.ports.outside import (
    NONE_REFUSED,
    Acknowledgement,
    AgencyGateway,
    CargoSystem,
    Clock,
    Engine,
    EngineUnavailable,
    Scanner,
    ScannerUnavailable,
)
from hub.ports.queries import ApiClient, BadCursor, QueryStore, RefusedCallback, Role
from hub.ports.users import Actor, User, UserRole
from hub.ports.versions import (
    SHARED_FILES,
    AgencyChange,
    AgencyFiles,
    ChangeKind,
    InForce,
    Served,
    ToldFault,
    VersionArchive,
    VersionStore,
)
from hub.ports.views import DeclarationFilter, DeclarationRow, DeclarationView, NoticeView, Page, ReferralView

__all__ = [
    "LEAST_ROLE",
    "NONE_REFUSED",
    "SHARED_FILES",
    "Acknowledgement",
    "ActionKind",
    "Actor",
    "AgencyChange",
    "AgencyControl",
    "AgencyFiles",
    "AgencyGateway",
    "ApiClient",
    "Audited",
    "BadCursor",
    "Call",
    "CallCount",
    "CallMeter",
    "CallResult",
    "CargoStore",
    "CargoSystem",
    "CaseStore",
    "CertificateStore",
    "ChangeKind",
    "Clock",
    "ControlState",
    "Controls",
    "DayOfAnswers",
    "DeclarationFilter",
    "DeclarationRow",
    "DeclarationVersion",
    "DeclarationView",
    "Engine",
    "EngineUnavailable",
    "HandOver",
    "HandOverMark",
    "Histories",
    "InForce",
    "Incident",
    "IncidentKind",
    "LedgerRefused",
    "LodgedBefore",
    "NoticeView",
    "OpenPoll",
    "Page",
    "QueryStore",
    "QueuedReferral",
    "Received",
    "ReferralFile",
    "ReferralView",
    "RefusedCallback",
    "Role",
    "Scanner",
    "ScannerUnavailable",
    "Served",
    "Severity",
    "ToldFault",
    "Unheard",
    "User",
    "UserRole",
    "VersionArchive",
    "VersionStore",
    "unmetered",
]
