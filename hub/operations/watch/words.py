"""Incidents in the words of those who are told of them, in English and Korean."""

from __future__ import annotations

from datetime import UTC, datetime

from hub.domain.model import Text
from hub.ports import IncidentKind, IncidentStep, Severity

TITLES: dict[IncidentKind, Text] = {
    IncidentKind.AGENCY_FAILING: {
        "en": "The agency's system fails",
        "ko": "기관 시스템 장애",
    },
    IncidentKind.AGENCY_SLOW: {
        "en": "The agency is slower than usual",
        "ko": "기관 응답 지연",
    },
    IncidentKind.AGENCY_PAUSED: {"en": "The agency is paused", "ko": "기관 연계 일시 중지"},
    IncidentKind.AGENCY_NOT_UNDERSTOOD: {
        "en": "The agency answers what cannot be read",
        "ko": "기관 응답 해독 불가",
    },
    IncidentKind.AGENCY_REFUSING: {
        "en": "The agency's system turns requests down",
        "ko": "기관 시스템의 요청 거부",
    },
    IncidentKind.CALLBACKS_FORGED: {
        "en": "Callbacks in the agency's name are not authentic",
        "ko": "기관 명의의 위조 의심 통보",
    },
    IncidentKind.FEED_POISONED: {
        "en": "The agency's feed brings what cannot be read",
        "ko": "기관 피드의 해독 불가 메시지",
    },
    IncidentKind.BACKLOG_GROWING: {
        "en": "More and more waits for the agency",
        "ko": "기관 대기 건수 증가",
    },
    IncidentKind.OUTBOX_LAGGING: {
        "en": "What is on record is not passed on",
        "ko": "기록된 사항의 전달 지연",
    },
    IncidentKind.CARGO_UNREACHABLE: {
        "en": "The cargo system does not take notices",
        "ko": "화물 시스템 통지 불가",
    },
    IncidentKind.ENGINE_UNREACHABLE: {"en": "Temporal does not answer", "ko": "Temporal 응답 없음"},
    IncidentKind.ENGINE_SLOW: {
        "en": "Work waits long for a worker",
        "ko": "작업 처리 대기 지연",
    },
    IncidentKind.WORKER_MISSING: {"en": "No worker is running", "ko": "워커 중단"},
    IncidentKind.API_MISSING: {"en": "No API is running", "ko": "API 중단"},
    IncidentKind.WORKFLOW_FAILING: {
        "en": "Workflows fail: a version does not fit open declarations",
        "ko": "워크플로 실패: 진행 중인 신고와 맞지 않는 버전",
    },
    IncidentKind.DATABASE_UNREACHABLE: {
        "en": "The database does not answer",
        "ko": "데이터베이스 응답 없음",
    },
    IncidentKind.DATABASE_SLOW: {"en": "The database is slow", "ko": "데이터베이스 지연"},
    IncidentKind.DISK_FULL: {"en": "The disk is full, or nearly so", "ko": "디스크 공간 부족"},
    IncidentKind.CLOCK_SKEWED: {"en": "A clock is wrong", "ko": "시각 불일치"},
    IncidentKind.CERTIFICATE_ENDING: {
        "en": "A certificate ends soon, or has ended",
        "ko": "인증서 만료 임박 또는 만료",
    },
    IncidentKind.DEADLINES_THREATENED: {
        "en": "Legal time is nearly over",
        "ko": "법정 처리 기한 임박",
    },
    IncidentKind.DEADLINES_PASSED: {
        "en": "Legal time has passed",
        "ko": "법정 처리 기한 경과",
    },
    IncidentKind.CONFIGURATION_REFUSED: {
        "en": "A file of the configuration is refused",
        "ko": "설정 파일 거부",
    },
    IncidentKind.DISAGREEMENT: {
        "en": "Store and engine disagree",
        "ko": "저장소와 엔진의 불일치",
    },
    IncidentKind.DUPLICATE_STORM: {
        "en": "The same comes again and again",
        "ko": "중복 수신 폭주",
    },
}

SEVERITIES: dict[Severity, Text] = {
    Severity.INFO: {"en": "for information", "ko": "알림"},
    Severity.WARNING: {"en": "warning", "ko": "경고"},
    Severity.CRITICAL: {"en": "critical", "ko": "심각"},
}

STEPS: dict[IncidentStep, Text] = {
    IncidentStep.OPENED: {"en": "found", "ko": "발생"},
    IncidentStep.RAISED: {"en": "more serious", "ko": "심각도 상승"},
    IncidentStep.REOPENED: {"en": "back again", "ko": "재발"},
    IncidentStep.REMINDED: {"en": "still so, and nobody looks after it", "ko": "지속 중, 담당자 없음"},
    IncidentStep.CLOSED: {"en": "over", "ko": "해소"},
    IncidentStep.ACKNOWLEDGED: {"en": "somebody looks after it", "ko": "담당자 확인"},
    IncidentStep.SNOOZED: {"en": "no reminders for a while", "ko": "알림 보류"},
    IncidentStep.NOTED: {"en": "note", "ko": "메모"},
}

SUBJECTS: dict[str, Text] = {
    "starts": {"en": "declarations that are not started", "ko": "시작되지 않은 신고"},
    "decisions": {"en": "decisions that are not told", "ko": "전달되지 않은 결정"},
    "news": {"en": "news that are not told", "ko": "전달되지 않은 소식"},
    "messages": {"en": "messages that nobody knows", "ko": "대응 건이 없는 메시지"},
    "database": {"en": "of the database", "ko": "데이터베이스"},
    "engine": {"en": "of Temporal", "ko": "Temporal"},
}
"""The subjects that are no name of an agency, a file, a process or a declarant."""

EVIDENCE: dict[str, Text] = {
    "since": {"en": "since", "ko": "시작 시각"},
    "queued": {"en": "queued", "ko": "대기열"},
    "reason": {"en": "reason", "ko": "사유"},
    "next_probe": {"en": "next probe", "ko": "다음 시험 요청"},
    "failed": {"en": "requests that failed", "ko": "실패한 요청"},
    "refused": {"en": "requests turned down", "ko": "거부된 요청"},
    "undeliverable": {"en": "undeliverable referrals", "ko": "전달 불가 요건확인"},
    "p90": {"en": "nine in ten within", "ko": "90% 응답 시간"},
    "usually": {"en": "usually", "ko": "평소"},
    "requests": {"en": "requests", "ko": "요청 수"},
    "slow_referrals": {"en": "referrals that wait unusually long", "ko": "이례적으로 지연된 요건확인"},
    "by": {"en": "by", "ko": "처리자"},
    "not_understood": {"en": "not understood", "ko": "해독 불가"},
    "within": {"en": "within", "ko": "기간"},
    "refused_callbacks": {"en": "callbacks not let in", "ko": "거부된 통보"},
    "awaited": {"en": "referrals that wait", "ko": "대기 중인 요건확인"},
    "referrals": {"en": "referrals", "ko": "요건확인"},
    "certificate": {"en": "certificate", "ko": "인증서"},
    "ends": {"en": "ends", "ko": "만료"},
    "left": {"en": "left", "ko": "남은 기간"},
    "oldest": {"en": "the oldest waits for", "ko": "가장 오래된 건"},
    "waiting": {"en": "waits for a worker", "ko": "워커 대기 시간"},
    "backlog": {"en": "pieces of work that wait", "ko": "대기 작업"},
    "last_seen": {"en": "not seen for", "ko": "마지막 확인 후 경과"},
    "declarations": {"en": "declarations", "ko": "신고"},
    "for_example": {"en": "for example", "ko": "예"},
    "read_and_write": {"en": "a read and a write take", "ko": "읽기·쓰기 시간"},
    "size": {"en": "size of the database", "ko": "데이터베이스 크기"},
    "free": {"en": "free", "ko": "남은 공간"},
    "of": {"en": "of", "ko": "전체"},
    "ahead": {"en": "ahead by", "ko": "빠름"},
    "behind": {"en": "behind by", "ko": "느림"},
    "fault": {"en": "fault", "ko": "오류"},
    "faults": {"en": "faults", "ko": "오류 수"},
    "declarations_again": {"en": "lodged again", "ko": "재신고"},
    "messages_again": {"en": "messages again", "ko": "중복 메시지"},
    "found": {"en": "found", "ko": "발견"},
}
"""The names of what is measured."""
MOMENTS = frozenset({"since", "next_probe", "ends"})
"""Of these, the ones that are moments (RFC 3339)."""

_HEADS: dict[str, Text] = {
    "more": {"en": "and {count} more", "ko": "외 {count}건"},
    "runbook": {"en": "What to do", "ko": "조치 방법"},
    "details": {"en": "Details", "ko": "상세"},
    "since": {"en": "open since {at}", "ko": "{at}부터"},
    "greeting": {
        "en": "The early warning of the single-window hub reports:",
        "ko": "단일창구 허브 조기 경보에서 알려 드립니다.",
    },
    "all_over": {"en": "over: {title}", "ko": "해소: {title}"},
}


def said(text: Text, language: str) -> str:
    """The words in a language, or in English."""
    return text.get(language, text["en"])


def head(name: str, language: str, **values: object) -> str:
    """One of the words that hold a bulletin together."""
    return said(_HEADS[name], language).format(**values)


def subject_words(subject: str, language: str) -> str:
    """A subject as people are shown it: names stay as they are."""
    return said(SUBJECTS[subject], language) if subject in SUBJECTS else subject


def evidence_words(evidence: dict[str, str], language: str) -> list[tuple[str, str]]:
    """What was measured: its name in words, and the figure; moments to the minute, in UTC."""
    return [
        (
            said(EVIDENCE.get(name, {"en": name}), language),
            f"{moment_of(value):%Y-%m-%d %H:%M} UTC" if name in MOMENTS else value,
        )
        for name, value in evidence.items()
    ]


def moment_of(value: str) -> datetime:
    """A moment that was measured. Raises ValueError when it is none."""
    return datetime.fromisoformat(value).astimezone(UTC)
