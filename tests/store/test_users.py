"""Users and sessions on both databases: what only a transaction can promise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from hub.ports import Audited, AuditFilter, User, UserRole
from hub.ports.users import AttemptLimit, LastAdmin, NoSuchUser, UserTaken
from hub.store import Store

NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


def user(name: str, role: UserRole = UserRole.ADMIN, **more: object) -> User:
    return User.model_validate({"name": name, "display": name, "role": role, "created_at": NOW, **more})


def line(action: str) -> Audited:
    return Audited(at=NOW, user="kim", role=UserRole.ADMIN, action=action)


def test_a_user_comes_back_as_it_was_added(store: Store) -> None:
    kim = user("kim", UserRole.VIEWER, agency="apqa", subject="https://id.example#7", language="ko")
    store.add_user(kim, "hash", line("user.created"))
    assert store.user("kim") == kim
    assert store.user_by_subject("https://id.example#7") == kim
    assert store.users() == [kim]
    assert store.password_hash("kim") == "hash"
    assert store.user("lee") is None
    assert store.password_hash("lee") is None


@pytest.mark.parametrize("second", [user("kim"), user("lee", subject="https://id.example#7")])
def test_a_name_or_a_subject_is_taken_once_and_nothing_is_told_of_the_second(
    store: Store, second: User
) -> None:
    store.add_user(user("kim", subject="https://id.example#7"), None, None)
    with pytest.raises(UserTaken):
        store.add_user(second, None, line("user.created"))
    assert store.audit(AuditFilter(), None, 10).lines == ()


def test_two_administrators_who_demote_each_other_at_once_do_not_both_succeed(store: Store) -> None:
    for number in range(5):
        pair = (f"a{number}", f"b{number}")
        for name in pair:
            store.add_user(user(name), None, None)
        for other in store.users():
            if other.name not in pair and other.role is UserRole.ADMIN:
                store.change_user(other.model_copy(update={"role": UserRole.VIEWER}), None)

        def demote(name: str) -> bool:
            try:
                store.change_user(user(name, UserRole.VIEWER), line("user.changed"))
            except LastAdmin:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(demote, pair)) == [False, True]
    assert len(store.audit(AuditFilter(), None, 100).lines) == 5


def test_attempts_that_are_made_at_once_are_not_more_than_allowed(store: Store) -> None:
    limits = [
        AttemptLimit(key="both:kim@here", most=5, within=timedelta(minutes=15)),
        AttemptLimit(key="address:here", most=30, within=timedelta(minutes=15)),
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: store.try_sign_in(limits, NOW + timedelta(seconds=n)), range(20)))
    assert answers.count(None) == 5


def test_what_is_refused_is_not_counted_and_the_oldest_attempt_frees(store: Store) -> None:
    limit = AttemptLimit(key="user:kim", most=2, within=timedelta(minutes=15))
    assert store.try_sign_in([limit], NOW) is None
    assert store.try_sign_in([limit], NOW + timedelta(minutes=10)) is None
    for minute in (11, 12, 13):
        assert store.try_sign_in([limit], NOW + timedelta(minutes=minute)) == NOW + timedelta(minutes=15)
    assert store.try_sign_in([limit], NOW + timedelta(minutes=15)) is None
    assert store.try_sign_in([limit], NOW + timedelta(minutes=16)) == NOW + timedelta(minutes=25)
    store.forgive(["user:kim"])
    assert store.try_sign_in([limit], NOW + timedelta(minutes=16)) is None


def test_one_full_limit_refuses_and_counts_under_none(store: Store) -> None:
    narrow = AttemptLimit(key="both:kim@here", most=1, within=timedelta(minutes=15))
    wide = AttemptLimit(key="address:here", most=2, within=timedelta(minutes=15))
    assert store.try_sign_in([narrow, wide], NOW) is None
    assert store.try_sign_in([narrow, wide], NOW) is not None
    assert store.try_sign_in([wide], NOW) is None


def test_a_session_is_its_users_as_he_is_now(store: Store) -> None:
    store.add_user(user("kim"), "hash", None)
    store.open_session("1" * 64, "kim", NOW, line("session.signed_in"))
    store.change_user(user("kim", language="ko"), None)
    session = store.session("1" * 64)
    assert session is not None
    assert session.user.language == "ko"
    store.session_seen("1" * 64, NOW + timedelta(minutes=5))
    store.session_seen("1" * 64, NOW + timedelta(minutes=4))  # two requests at once, the later one first
    session = store.session("1" * 64)
    assert session is not None
    assert (session.opened_at, session.seen_at) == (NOW, NOW + timedelta(minutes=5))
    store.set_password("kim", "another", None, one_time=True)
    assert store.session("1" * 64) is None
    assert store.user("kim") == user("kim", language="ko", one_time_password=True)


def test_a_session_of_nobody(store: Store) -> None:
    with pytest.raises(NoSuchUser):
        store.open_session("1" * 64, "nobody", NOW, line("session.signed_in"))
    with pytest.raises(NoSuchUser):
        store.set_password("nobody", "hash", line("user.password_reset"), one_time=True)
    with pytest.raises(NoSuchUser):
        store.change_user(user("nobody"), line("user.changed"))
    assert store.audit(AuditFilter(), None, 10).lines == ()


def test_sessions_that_are_over_are_dropped(store: Store) -> None:
    store.add_user(user("kim"), None, None)
    for number in range(3):
        store.open_session(f"{number}" * 64, "kim", NOW + timedelta(hours=number), None)
    assert store.forget_sessions(NOW + timedelta(hours=1)) == 1
    store.close_session("2" * 64, line("session.signed_out"))
    store.close_session("2" * 64, line("session.signed_out"))
    assert len(store.audit(AuditFilter(), None, 10).lines) == 1, "once, though it was closed twice"
    assert store.close_sessions("kim", None) == 1


def test_the_same_password_hashed_anew_is_not_put_over_another_one(store: Store) -> None:
    store.add_user(user("kim"), "old", None)
    store.set_password("kim", "another", None, one_time=False)
    store.rehash("kim", "old", "old by newer parameters")
    assert store.password_hash("kim") == "another"


def test_a_ticket_serves_once_and_not_for_ever(store: Store) -> None:
    store.keep_ticket("1" * 64, '{"nonce": "n"}', NOW)
    store.keep_ticket("2" * 64, "{}", NOW)
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: store.take_ticket("1" * 64, NOW - timedelta(minutes=10)), range(4)))
    assert [each for each in taken if each is not None] == ['{"nonce": "n"}']
    assert store.take_ticket("2" * 64, NOW) is None
