"""The contract of every auth store; each check takes a function that opens the same store again.

Covers `subgraphs/auth/store/protocol.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from bank import values
from servicekit.errors import ConfigurationError
from subgraphs.auth.authentication import Authentication, Method
from subgraphs.auth.domain import (
    REFRESH_GRACE,
    REFRESH_LIFETIME,
    SESSION_LIFETIME,
    RefreshToken,
    Role,
    Session,
    SessionRules,
    StepUp,
    User,
    Verdict,
)
from subgraphs.auth.mail.outbox import SEALED_FOR, QueuedMail
from subgraphs.auth.resealing import Resealing
from subgraphs.auth.sealing import Sealer
from subgraphs.auth.signing_keys import KeyVault
from subgraphs.auth.store.protocol import ENDED_KEPT, AuthStore, EmailExists

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    OpenStore = Callable[[], AbstractAsyncContextManager[AuthStore]]

NOW = datetime(2026, 1, 31, 9, 30, 0, 123_000, tzinfo=UTC)
HASH = "$argon2id$hash"
VAULT = KeyVault("s" * 32)


def user(email: str = "Ann@example.com", *roles: Role) -> User:
    return User(values.new_user_id(), email, "Ann", frozenset(roles or (Role.CUSTOMER,)), NOW)


async def a_step_up_replaces_the_session(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, session = await signed_in(store)
        proof = Authentication(frozenset({Method.CODE}), NOW + timedelta(minutes=1), NOW)
        step = StepUp(proof, "next", b"next token")
        later = NOW + timedelta(minutes=2)
        authentication = Authentication(frozenset({Method.CODE, Method.PASSWORD}), proof.at, NOW)
        replacement = replace(session, id="next", authentication=authentication)
        assert await store.step_up(session.id, step, later) == (replacement, ann)
        assert await store.session(session.id) == (replace(session, ended_at=later), ann)
        exchange = await store.exchange(b"first", b"second", later)
        assert exchange is not None
        assert exchange.verdict is Verdict.DEAD
        exchange = await store.exchange(b"next token", b"second", later)
        assert exchange is not None
        assert (exchange.verdict, exchange.session) == (Verdict.ROTATE, replacement)
        for unknown in (session.id, "nobody"):
            assert await store.step_up(unknown, replace(step, session_id="other", digest=b"other"), later) is None
        assert await store.session("other") is None


async def of_many_step_ups_at_once_one_replaces_the_session(open_store: OpenStore) -> None:
    async with open_store() as one, open_store() as other:
        _, session = await signed_in(one)
        proof = Authentication.by_password(NOW)
        steps = [StepUp(proof, f"next{number}", b"next%d" % number) for number in range(6)]
        stores = [one, other] * 3
        found = await asyncio.gather(
            *(store.step_up(session.id, step, NOW) for store, step in zip(stores, steps, strict=True))
        )
        assert len([each for each in found if each is not None]) == 1


async def signed_in(store: AuthStore, digest: bytes = b"first", family: bytes | None = None) -> tuple[User, Session]:
    new_user = user(f"{digest.hex()}@example.com")
    await store.add_user(new_user, HASH)
    session = replace(Session.begin(f"session {digest.hex()}", new_user.id, NOW), family=family)
    assert await store.begin_session(session, RefreshToken.issue(digest, session, NOW), NOW)
    return new_user, session


async def a_user_is_stored_unchanged(open_store: OpenStore) -> None:
    ann = replace(user("Ann.\u00c5s@example.com", Role.CUSTOMER, Role.ADMIN), name="Ann \u738b")
    async with open_store() as store:
        await store.add_user(ann, HASH)
    async with open_store() as store:
        assert await store.users([ann.id]) == {ann.id: ann}
        found = await store.credentials("ann.\u00e5S@EXAMPLE.com")
        assert found is not None
        assert (found.user, found.password_hash) == (ann, HASH)


async def an_e_mail_address_is_taken_in_any_case(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.add_user(user("ann@example.com"), HASH)
        second = user("ANN@example.com")
        with pytest.raises(EmailExists):
            await store.add_user(second, HASH)
        assert await store.users([second.id]) == {}
        await store.add_user(user("bob@example.com"), HASH)


async def one_of_many_concurrent_registrations_of_an_e_mail_succeeds(open_store: OpenStore) -> None:
    async with open_store() as store:
        outcomes = await asyncio.gather(*(store.add_user(user(), HASH) for _ in range(8)), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["EmailExists"] * 7 + ["NoneType"]
        assert len(await store.list_users("", 100)) == 1


async def unknown_users_are_left_out(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann = user()
        await store.add_user(ann, HASH)
        strange = ["", "x" * 1000, "' OR 1=1 --", "\x00", "\ud800", values.new_user_id()]
        assert await store.users([*strange, ann.id, ann.id]) == {ann.id: ann}
        assert await store.users([]) == {}
        assert await store.credentials("nobody@example.com") is None


async def thousands_of_users_are_found_at_once(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann = user()
        await store.add_user(ann, HASH)
        assert await store.users([ann.id, *(str(number) for number in range(40_000))]) == {ann.id: ann}


async def a_password_hash_is_replaced(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann = user()
        await store.add_user(ann, HASH)
        before = await store.credentials(ann.email)
        assert before is not None
        await store.renew_password_hash(before, "$argon2id$other")
        await store.renew_password_hash(before, "$argon2id$too late")
        found = await store.credentials(ann.email)
        assert found is not None
        assert found.password_hash == "$argon2id$other"


async def roles_are_added_once(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann = user()
        await store.add_user(ann, HASH)
        for role in (Role.ADMIN, Role.ADMIN, Role.SUPPORT):
            await store.grant(ann.id, role)
        await store.grant("nobody", Role.ADMIN)
        assert (await store.users([ann.id]))[ann.id].roles == set(Role)


async def users_are_listed_page_by_page(open_store: OpenStore) -> None:
    async with open_store() as store:
        all_users = [user(f"u{number}@example.com") for number in range(5)]
        for new_user in reversed(all_users):
            await store.add_user(new_user, HASH)
        first = await store.list_users("", 3)
        assert first + await store.list_users(first[-1].id, 3) == all_users


async def a_refresh_token_is_exchanged_once(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, session = await signed_in(store)
        first = await store.exchange(b"first", b"second", NOW)
        assert first is not None
        assert (first.verdict, first.session, first.user) == (Verdict.ROTATE, session, ann)
    later = NOW + REFRESH_LIFETIME - timedelta(days=1)
    async with open_store() as store:
        second = await store.exchange(b"second", b"third", later)
        assert second is not None
        assert second.verdict is Verdict.ROTATE
        third = await store.exchange(b"third", b"fourth", NOW + REFRESH_LIFETIME + timedelta(days=1))
        assert third is not None
        assert third.verdict is Verdict.ROTATE


async def a_reused_token_ends_the_session_for_its_successors_too(open_store: OpenStore) -> None:
    async with open_store() as store:
        await signed_in(store)
        await store.exchange(b"first", b"second", NOW)
        reused = await store.exchange(b"first", b"thief", NOW + timedelta(seconds=1))
        assert reused is not None
        assert reused.verdict is Verdict.REUSED
        assert reused.session.ended_at == NOW + timedelta(seconds=1)
        for digest in (b"first", b"second"):
            dead = await store.exchange(digest, b"next", NOW + timedelta(seconds=2))
            assert dead is not None
            assert dead.verdict is Verdict.DEAD
        assert await store.exchange(b"thief", b"next", NOW) is None


async def the_last_two_tokens_of_a_family_are_stored(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, session = await signed_in(store, family=b"family")
        bob, other = await signed_in(store, b"other", b"other family")
        await store.exchange(b"other", b"other second", NOW)
        for digest, following in ((b"first", b"second"), (b"second", b"third"), (b"third", b"fourth")):
            exchange = await store.exchange(digest, following, NOW)
            assert exchange is not None
            assert (exchange.verdict, exchange.session) == (Verdict.ROTATE, session)
        owners = [await store.token_owner(each) for each in (b"first", b"second", b"third", b"fourth")]
        assert owners == [None, None, ann.id, ann.id]
        assert [await store.token_owner(each) for each in (b"other", b"other second")] == [bob.id] * 2
        assert await store.exchange(b"first", b"second", NOW) is None
        assert await store.end_family(b"unknown", NOW) is None
        assert await store.end_family(b"family", NOW + SESSION_LIFETIME) is None
        assert await store.end_family(b"family", NOW) == session.id
        assert await store.end_family(b"family", NOW) is None
        assert await store.session(session.id) == (session.end(NOW), ann)
        assert await store.session(other.id) == (other, bob)


async def tokens_without_a_family_are_kept(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, _ = await signed_in(store)
        await store.exchange(b"first", b"second", NOW)
        await store.exchange(b"second", b"third", NOW)
        assert [await store.token_owner(each) for each in (b"first", b"second", b"third")] == [ann.id] * 3


async def the_session_of_a_step_up_has_a_family_of_its_own(open_store: OpenStore) -> None:
    async with open_store() as store:
        _, session = await signed_in(store, family=b"family")
        step = StepUp(Authentication.by_password(NOW), "next", b"next token", family=b"next family")
        replaced = await store.step_up(session.id, step, NOW)
        assert replaced is not None
        assert replaced[0].family == b"next family"
        assert await store.end_family(b"family", NOW) is None
        assert await store.end_family(b"next family", NOW) == "next"


async def the_next_token_is_found_again_until_it_is_used(open_store: OpenStore) -> None:
    async with open_store() as store:
        _, session = await signed_in(store)
        first = await store.exchange(b"first", b"second", NOW)
        again = await store.exchange(b"first", b"second", NOW + REFRESH_GRACE / 2)
        assert first is not None
        assert again == replace(first, verdict=Verdict.REPEATED)
        await store.exchange(b"second", b"third", NOW + REFRESH_GRACE / 2)
        reused = await store.exchange(b"first", b"second", NOW + REFRESH_GRACE / 2)
        assert reused is not None
        assert (reused.verdict, reused.session) == (Verdict.REUSED, session.end(NOW + REFRESH_GRACE / 2))


async def the_rules_limit_the_next_token(open_store: OpenStore) -> None:
    rules = SessionRules(idle=timedelta(hours=1), grace=timedelta(0))
    async with open_store() as store:
        await signed_in(store)
        await store.exchange(b"first", b"second", NOW, rules)
        idle = await store.exchange(b"second", b"third", NOW + timedelta(hours=1), rules)
        assert idle is not None
        assert idle.verdict is Verdict.DEAD
        reused = await store.exchange(b"first", b"second", NOW, rules)
        assert reused is not None
        assert reused.verdict is Verdict.REUSED


async def one_of_many_concurrent_exchanges_of_a_token_succeeds(open_store: OpenStore) -> None:
    async with open_store() as store:
        await signed_in(store)
        exchanges = await asyncio.gather(*(store.exchange(b"first", bytes([number]), NOW) for number in range(6)))
        verdicts = [exchange.verdict for exchange in exchanges if exchange is not None]
        assert sorted(verdict.name for verdict in verdicts) == ["DEAD"] * 4 + ["REUSED", "ROTATE"]


async def an_expired_or_unknown_token_is_not_exchanged(open_store: OpenStore) -> None:
    async with open_store() as store:
        await signed_in(store)
        expired = await store.exchange(b"first", b"second", NOW + REFRESH_LIFETIME)
        assert expired is not None
        assert expired.verdict is Verdict.DEAD
        assert await store.exchange(b"unknown", b"second", NOW) is None
        assert await store.exchange(b"second", b"third", NOW) is None


async def an_exchange_reads_the_current_roles(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, _ = await signed_in(store)
        await store.grant(ann.id, Role.SUPPORT)
        exchange = await store.exchange(b"first", b"second", NOW)
        assert exchange is not None
        assert exchange.user.roles == {Role.CUSTOMER, Role.SUPPORT}


async def a_session_ends_once(open_store: OpenStore) -> None:
    async with open_store() as store:
        _, session = await signed_in(store)
        _, other = await signed_in(store, b"other")
        for moment in (NOW, NOW + timedelta(hours=1)):
            assert await store.end_session(session.id, moment) == replace(session, ended_at=NOW)
        assert await store.end_session("unknown", NOW) is None
        assert await store.sessions_ended_since(NOW) == [replace(session, ended_at=NOW)]
        assert await store.sessions_ended_since(NOW + timedelta(milliseconds=1)) == []
        live = await store.exchange(b"other", b"next", NOW)
        assert live is not None
        assert (live.verdict, live.session) == (Verdict.ROTATE, other)


async def expired_sessions_are_deleted_when_others_begin(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, _ = await signed_in(store)
        later = NOW + SESSION_LIFETIME + timedelta(seconds=1)
        session = Session.begin("later", ann.id, later)
        assert await store.begin_session(session, RefreshToken.issue(b"later", session, later), later)
        assert await store.exchange(b"first", b"next", NOW) is None
        assert await store.end_session("later", later) is not None


async def ended_sessions_are_deleted_when_sessions_begin(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, _ = await signed_in(store)
        ended = Session.begin("ended", ann.id, NOW)
        assert await store.begin_session(ended, RefreshToken.issue(b"ended", ended, NOW), NOW)
        assert await store.end_session("ended", NOW) is not None
        for number, later in enumerate((NOW + ENDED_KEPT, NOW + ENDED_KEPT + timedelta(seconds=1))):
            assert await store.session("ended") is not None
            session = Session.begin(f"later{number}", ann.id, later)
            assert await store.begin_session(session, RefreshToken.issue(b"%d" % number, session, later), later)
        assert await store.session("ended") is None
        assert [await store.token_owner(each) for each in (b"first", b"ended")] == [ann.id, None]


async def no_session_is_deleted_before_the_given_time(open_store: OpenStore) -> None:
    """The time of deletion is not that of the new session, whose clock may be wrong."""
    async with open_store() as store:
        ann, _ = await signed_in(store)
        later = NOW + SESSION_LIFETIME + timedelta(days=1)
        session = Session.begin("later", ann.id, later)
        assert await store.begin_session(session, RefreshToken.issue(b"later", session, later), NOW)
        live = await store.exchange(b"first", b"next", NOW)
        assert live is not None
        assert live.verdict is Verdict.ROTATE


async def a_new_proof_of_identity_is_kept_in_the_session(open_store: OpenStore) -> None:
    both = frozenset({Method.PASSWORD, Method.CODE})
    proof = Authentication(both, NOW + timedelta(minutes=1), factor_enrolled_at=NOW - timedelta(days=3))
    async with open_store() as store:
        ann, session = await signed_in(store)
        assert session.authentication == Authentication.by_password(NOW)
        assert await store.renew_authentication(session.id, proof, NOW) == (replace(session, authentication=proof), ann)
        assert await store.renew_authentication("nobody", proof, NOW) is None
        assert await store.renew_authentication(session.id, proof, NOW + SESSION_LIFETIME) is None
        exchanged = await store.exchange(b"first", b"second", NOW)
        assert exchanged is not None
        assert exchanged.session.authentication == proof
        strong = Session.begin("strong", ann.id, NOW, proof)
        assert await store.begin_session(strong, RefreshToken.issue(b"strong", strong, NOW), NOW)
        ended = await store.end_session("strong", NOW)
        assert ended is not None
        assert ended.authentication == proof
        assert await store.renew_authentication("strong", proof, NOW) is None


async def a_disabled_user_has_no_sessions_and_begins_none(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, session = await signed_in(store)
        bob, _ = await signed_in(store, b"bob")
        for moment in (NOW, NOW + timedelta(hours=1)):
            await store.disable(ann.id, moment)
        await store.disable("nobody", NOW)
        assert (await store.users([ann.id]))[ann.id] == replace(ann, disabled_at=NOW)
        assert await store.sessions_ended_since(NOW) == [replace(session, ended_at=NOW)]
        dead = await store.exchange(b"first", b"second", NOW)
        assert dead is not None
        assert dead.verdict is Verdict.DEAD
        another = Session.begin("another", ann.id, NOW)
        token = RefreshToken.issue(b"another", another, NOW)
        assert not await store.begin_session(another, token, NOW)
        assert await store.exchange(b"another", b"next", NOW) is None
        assert (await store.users([bob.id]))[bob.id] == bob
        await store.enable(ann.id)
        assert await store.begin_session(another, token, NOW)
        assert (await store.users([ann.id]))[ann.id] == ann


async def nobody_begins_a_session_without_a_user(open_store: OpenStore) -> None:
    async with open_store() as store:
        session = Session.begin("s", values.new_user_id(), NOW)
        assert not await store.begin_session(session, RefreshToken.issue(b"s", session, NOW), NOW)


async def a_revoked_role_ends_the_sessions_that_have_it(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, session = await signed_in(store)
        await store.revoke_role(ann.id, Role.ADMIN, NOW)
        await store.revoke_role("nobody", Role.ADMIN, NOW)
        assert await store.sessions_ended_since(NOW) == []
        await store.grant(ann.id, Role.ADMIN)
        await store.revoke_role(ann.id, Role.ADMIN, NOW)
        assert (await store.users([ann.id]))[ann.id].roles == {Role.CUSTOMER}
        assert await store.sessions_ended_since(NOW) == [replace(session, ended_at=NOW)]


async def signing_keys_are_stored_unchanged(open_store: OpenStore) -> None:
    made = VAULT.create(NOW, NOW + timedelta(minutes=10))
    async with open_store() as store:
        assert await store.signing_keys() == []
        assert await store.replace_signing_keys((), made, ())
    async with open_store() as store:
        assert await store.signing_keys() == [made]


async def signing_keys_change_only_if_the_stored_ids_are_known(open_store: OpenStore) -> None:
    first, second, third = (VAULT.create(NOW, NOW) for _ in range(3))
    async with open_store() as store:
        assert await store.replace_signing_keys((), first, ())
        assert not await store.replace_signing_keys((), second, ())
        assert not await store.replace_signing_keys({second.id}, second, {first.id})
        assert await store.signing_keys() == [first]
        assert await store.replace_signing_keys({first.id}, second, ())
        assert await store.replace_signing_keys({first.id, second.id}, third, {first.id, second.id})
        assert await store.signing_keys() == [third]


async def a_signing_key_is_replaced_by_itself_with_other_times(open_store: OpenStore) -> None:
    key = VAULT.create(NOW, NOW)
    redated = replace(key, created_at=NOW - timedelta(days=31), active_from=NOW - timedelta(days=31))
    async with open_store() as store:
        await store.replace_signing_keys((), key, ())
        assert await store.replace_signing_keys({key.id}, redated, {key.id})
        assert await store.signing_keys() == [redated]
        assert VAULT.open(redated).public_key() == VAULT.open(key).public_key()


async def all_secrets_are_sealed_again_or_none(open_store: OpenStore) -> None:
    keys = [VAULT.create(NOW, NOW), KeyVault("s" * 32, "EdDSA").create(NOW, NOW)]
    stranger = KeyVault("o" * 32).create(NOW, NOW)
    resealing = Resealing("s" * 32, "n" * 32)
    async with open_store() as store:
        for number, key in enumerate(keys):
            assert await store.replace_signing_keys({known.id for known in keys[:number]}, key, ())
        for _ in range(2):
            assert await store.reseal(resealing) == 2
        stored = {key.id: key for key in await store.signing_keys()}
        for key in keys:
            assert KeyVault("n" * 32).open(stored[key.id]).public_key() == VAULT.open(key).public_key()
        mail = QueuedMail("m1", Sealer("s" * 32, SEALED_FOR).seal(b"text", bound_to=b"m1"), NOW, NOW)
        await store.mails.add([mail])
        for _ in range(2):
            assert await store.reseal(resealing) == 3
        (claimed,) = await store.mails.claim(NOW, NOW + timedelta(days=1), 10)
        assert Sealer("n" * 32, SEALED_FOR).open(claimed.mail.sealed, bound_to=b"m1") == b"text"
        await store.replace_signing_keys(stored.keys(), stranger, ())
        with pytest.raises(ConfigurationError):
            await store.reseal(Resealing("n" * 32, "x" * 32))
        assert {key.id: key for key in await store.signing_keys()} == {**stored, stranger.id: stranger}


async def one_of_many_concurrent_first_signing_keys_is_stored(open_store: OpenStore) -> None:
    async with open_store() as one, open_store() as other:
        stores = [one, other, one, other]
        outcomes = await asyncio.gather(
            *(store.replace_signing_keys((), VAULT.create(NOW, NOW), ()) for store in stores)
        )
        assert sorted(outcomes) == [False, False, False, True]
        assert len(await one.signing_keys()) == 1


async def an_open_store_responds_to_a_ping(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.ping()


CHECKS: Final[tuple[Callable[[OpenStore], Awaitable[None]], ...]] = (
    a_user_is_stored_unchanged,
    an_e_mail_address_is_taken_in_any_case,
    one_of_many_concurrent_registrations_of_an_e_mail_succeeds,
    unknown_users_are_left_out,
    thousands_of_users_are_found_at_once,
    a_password_hash_is_replaced,
    roles_are_added_once,
    users_are_listed_page_by_page,
    a_refresh_token_is_exchanged_once,
    a_reused_token_ends_the_session_for_its_successors_too,
    the_last_two_tokens_of_a_family_are_stored,
    tokens_without_a_family_are_kept,
    the_session_of_a_step_up_has_a_family_of_its_own,
    the_next_token_is_found_again_until_it_is_used,
    the_rules_limit_the_next_token,
    one_of_many_concurrent_exchanges_of_a_token_succeeds,
    an_expired_or_unknown_token_is_not_exchanged,
    an_exchange_reads_the_current_roles,
    a_session_ends_once,
    expired_sessions_are_deleted_when_others_begin,
    ended_sessions_are_deleted_when_sessions_begin,
    no_session_is_deleted_before_the_given_time,
    a_new_proof_of_identity_is_kept_in_the_session,
    a_step_up_replaces_the_session,
    of_many_step_ups_at_once_one_replaces_the_session,
    a_disabled_user_has_no_sessions_and_begins_none,
    nobody_begins_a_session_without_a_user,
    a_revoked_role_ends_the_sessions_that_have_it,
    signing_keys_are_stored_unchanged,
    signing_keys_change_only_if_the_stored_ids_are_known,
    a_signing_key_is_replaced_by_itself_with_other_times,
    one_of_many_concurrent_first_signing_keys_is_stored,
    all_secrets_are_sealed_again_or_none,
    an_open_store_responds_to_a_ping,
)
