"""
What the hub needs from outside its own rules: the agencies, the cargo system, a store, an engine, a clock.

Implemented in `adapters`, `store` and `engine`; used by activities, relays and the API; joined in
`bootstrap`.
"""

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
    "NONE_REFUSED",
    "SHARED_FILES",
    "Acknowledgement",
    "AgencyChange",
    "AgencyFiles",
    "AgencyGateway",
    "ApiClient",
    "BadCursor",
    "CargoStore",
    "CargoSystem",
    "CaseStore",
    "CertificateStore",
    "ChangeKind",
    "Clock",
    "DeclarationFilter",
    "DeclarationRow",
    "DeclarationVersion",
    "DeclarationView",
    "Engine",
    "EngineUnavailable",
    "HandOver",
    "HandOverMark",
    "InForce",
    "LedgerRefused",
    "LodgedBefore",
    "NoticeView",
    "OpenPoll",
    "Page",
    "QueryStore",
    "Received",
    "ReferralFile",
    "ReferralView",
    "RefusedCallback",
    "Role",
    "Scanner",
    "ScannerUnavailable",
    "Served",
    "ToldFault",
    "Unheard",
    "VersionArchive",
    "VersionStore",
]
