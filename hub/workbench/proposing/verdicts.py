"""Words of agencies for their decisions, and what each probably means."""

from __future__ import annotations

import re

from hub.domain.referral import Verdict

PENDING = "pending"
"""Not a decision yet."""
OTHER = "other"
"""A decision of no kind that the hub knows, as a withdrawal."""

_LOOKS: tuple[tuple[str, str], ...] = (
    (OTHER, r"withdr|cancel|revok|expired|취하|취소|철회|\berror|fail(?:ure|ed) to|unknown|not[ _-]?found"),
    (
        Verdict.INFORMATION_REQUIRED,
        r"more|info|supplement|incomplete|clarif|rfi\b|docs?\b|document|amend|correct|query|returned"
        r"|보완|보정|자료|소명|서류|추가",
    ),
    (
        Verdict.INSPECTION_REQUIRED,
        r"inspect|sampl|\blab\b|test|exam|physical|검사필요|현지|시료|검체|정밀|실물|검정필요|현장",
    ),
    (
        Verdict.REFUSED,
        r"refus|reject|den(?:y|ied|ial)|declin|fail|disapprov|unapprov|no[ _-]?permit|prohibit|bann|unfit"
        r"|negative|not[ _-]?(?:approv|accept|permit|grant|pass|clear)|\bng\b|불허|반려|거부|불합격|부적합"
        r"|부적정|불가|미승인|불량|기각|각하|불승인|거절",
    ),
    (
        Verdict.APPROVED_WITH_CONDITIONS,
        r"condition|provis|with[ _-]?(?:note|label|term|remark)|partial|restrict|조건|부분|한시|기한부",
    ),
    (
        PENDING,
        r"pend|review|receiv|progress|process|wait|queue|submitted|regist|lodged|draft|open\b|new\b|assign|under"
        r"|in[ _-]?work|ongoing|접수|처리중|심사|검토|대기|진행|신청",
    ),
    (
        Verdict.APPROVED,
        r"approv|accept|grant|pass|permit|\bok\b|clear|positive|releas|valid|complet|issued|succe|합격|적합|허가|승인"
        r"|적정|수리|완료|면제|양호|확인",
    ),
)
_LETTERS = {"y": Verdict.APPROVED, "n": Verdict.REFUSED, "true": Verdict.APPROVED, "false": Verdict.REFUSED}
_DECIDED = re.compile(
    r"^(?:decided|ruled|judged|completed?|done|closed|final\w*|finished|settled|determined|concluded|answered|ready"
    r"|processed|resolved|result\w*)$|완료|결정|종결|판정",
    re.IGNORECASE,
)


def looks_like(word: str, description: str = "") -> str:
    """A Verdict, `pending`, `other`, or "" for a word that says nothing."""
    letter = _LETTERS.get(word.lower())
    for said in (description, word.replace("_", " ")):
        for verdict, looks in _LOOKS:
            if said and re.search(looks, said, re.IGNORECASE):
                return verdict
    return letter or ""


def says_decided(word: str) -> bool:
    """Whether a state says that there is a decision, and not which."""
    return bool(_DECIDED.search(word.strip()))
