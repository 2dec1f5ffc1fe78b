"""The contract of every store of second factors; each check takes a function that opens the same store again.

Covers `subgraphs/auth/second_factor/store.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from servicekit.errors import ConfigurationError
from subgraphs.auth.domain import Verdict
from subgraphs.auth.resealing import Resealing
from subgraphs.auth.sealing import Sealer
from subgraphs.auth.second_factor.challenges import MAX_ATTEMPTS, Challenge, Purpose
from subgraphs.auth.second_factor.factors import (
    FactorKind,
    Factors,
    Passkey,
    Totp,
    UsedCode,
    UsedPasskey,
    UsedRecoveryCode,
)
from subgraphs.auth.second_factor.totp import SEALED_FOR
from tests.subgraphs.auth.store_contract import HASH, NOW, signed_in, user

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from subgraphs.auth.second_factor.store import SecondFactorStore
    from subgraphs.auth.store.protocol import AuthStore

    OpenStore = Callable[[], AbstractAsyncContextManager[AuthStore]]

APP = Totp(b"sealed", NOW, 100)
CODES = (b"one", b"two")


def passkey(user_id: str, name: str = "Phone") -> Passkey:
    return Passkey(b"key", user_id, b"cose", 3, name, NOW)


async def challenge(
    store: SecondFactorStore, user_id: str | None, purpose: Purpose = Purpose.LOGIN, sealed: bytes = b""
) -> Challenge:
    _, begun = Challenge.begin(purpose, user_id, "bound", NOW)
    begun = replace(begun, sealed=sealed)
    await store.add_challenge(begun, NOW)
    return begun


async def enrolled(store: AuthStore, user_id: str) -> None:
    factors = store.second_factors
    begun = await challenge(factors, user_id)
    assert await factors.enrol_totp(begun.digest, user_id, APP, CODES)
    begun = await challenge(factors, user_id)
    assert await factors.enrol_passkey(begun.digest, passkey(user_id), ())


async def factors_are_stored_unchanged(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, bob = user("ann@example.com"), user("bob@example.com")
        await store.add_user(ann, HASH)
        await store.add_user(bob, HASH)
        assert await store.second_factors.factors(ann.id) == Factors()
        await enrolled(store, ann.id)
    async with open_store() as store:
        found = await store.second_factors.factors(ann.id)
        assert found == Factors(APP, (passkey(ann.id),), 2)
        assert found.kinds == (FactorKind.PASSKEY, FactorKind.CODE, FactorKind.RECOVERY_CODE)
        assert await store.second_factors.passkey(b"key") == passkey(ann.id)
        assert await store.second_factors.passkey(b"other") is None
        assert await store.second_factors.factors(bob.id) == Factors()
        assert await store.second_factors.factors("nobody") == Factors()


async def credentials_say_whether_there_is_a_factor(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, bob, factors = user("ann@example.com"), user("bob@example.com"), store.second_factors
        await store.add_user(ann, HASH)
        await store.add_user(bob, HASH)

        async def have_factors() -> list[bool]:
            found = [await store.credentials(each.email) for each in (ann, bob)]
            return [each is not None and each.has_second_factor for each in found]

        assert await have_factors() == [False, False]
        begun = await challenge(factors, ann.id)
        assert await factors.enrol_totp(begun.digest, ann.id, APP, CODES)
        assert await have_factors() == [True, False]
        begun = await challenge(factors, ann.id)
        assert await factors.enrol_passkey(begun.digest, passkey(ann.id), ())
        assert await factors.remove_totp(ann.id)
        assert await have_factors() == [True, False]
        assert await factors.remove_passkey(ann.id, b"key")
        assert await have_factors() == [False, False]


async def an_enrolment_needs_an_unused_challenge(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, factors = user(), store.second_factors
        await store.add_user(ann, HASH)
        begun = await challenge(factors, ann.id)
        assert await factors.enrol_totp(begun.digest, ann.id, APP, CODES)
        other = replace(APP, sealed_secret=b"other")
        assert not await factors.enrol_totp(begun.digest, ann.id, other, (b"three",))
        assert not await factors.enrol_passkey(begun.digest, passkey(ann.id), (b"three",))
        assert await factors.factors(ann.id) == Factors(APP, (), 2)
        again = await challenge(factors, ann.id)
        assert await factors.enrol_totp(again.digest, ann.id, other, ())
        assert await factors.factors(ann.id) == Factors(other, (), 2)


async def a_passkey_belongs_to_one_user(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, bob, factors = user("ann@example.com"), user("bob@example.com"), store.second_factors
        await store.add_user(ann, HASH)
        await store.add_user(bob, HASH)
        await enrolled(store, ann.id)
        begun = await challenge(factors, bob.id)
        assert not await factors.enrol_passkey(begun.digest, passkey(bob.id), CODES)
        assert await factors.factors(bob.id) == Factors()
        assert await factors.take_attempt(begun.digest, [Purpose.LOGIN], NOW) == begun
        assert await factors.rename_passkey(bob.id, b"key", "Mine") is None
        assert not await factors.remove_passkey(bob.id, b"key")
        assert await factors.rename_passkey(ann.id, b"key", "Tablet") == passkey(ann.id, "Tablet")
        assert (await factors.factors(ann.id)).passkeys == (passkey(ann.id, "Tablet"),)


async def a_challenge_is_for_its_purpose_and_expires(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, factors = user(), store.second_factors
        await store.add_user(ann, HASH)
        begun = await challenge(factors, ann.id, Purpose.TOTP_ENROLMENT, b"sealed")
        anonymous = await challenge(factors, None, Purpose.PASSKEY_LOGIN)
        assert await factors.take_attempt(begun.digest, [Purpose.LOGIN, Purpose.STEP_UP], NOW) is None
        assert await factors.take_attempt(b"unknown", [*Purpose], NOW) is None
        assert await factors.take_attempt(begun.digest, [Purpose.LOGIN, Purpose.TOTP_ENROLMENT], NOW) == begun
        assert await factors.take_attempt(begun.digest, [*Purpose], begun.expires_at) is None
        assert await factors.take_attempt(anonymous.digest, [*Purpose], NOW) == anonymous


async def a_challenge_has_a_few_attempts_even_at_once(open_store: OpenStore) -> None:
    async with open_store() as one, open_store() as other:
        ann = user()
        await one.add_user(ann, HASH)
        begun = await challenge(one.second_factors, ann.id)
        stores = [one, other] * MAX_ATTEMPTS
        taken = await asyncio.gather(
            *(each.second_factors.take_attempt(begun.digest, [Purpose.LOGIN], NOW) for each in stores)
        )
        assert sum(each is not None for each in taken) == MAX_ATTEMPTS


async def expired_challenges_are_deleted_when_others_begin(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, factors = user(), store.second_factors
        await store.add_user(ann, HASH)
        old = await challenge(factors, ann.id)
        _, new = Challenge.begin(Purpose.LOGIN, ann.id, "", NOW)
        await factors.add_challenge(new, old.expires_at)
        assert await factors.take_attempt(old.digest, [Purpose.LOGIN], NOW) == old
        _, newest = Challenge.begin(Purpose.LOGIN, ann.id, "", NOW)
        await factors.add_challenge(newest, old.expires_at + timedelta(seconds=1))
        assert await factors.take_attempt(old.digest, [Purpose.LOGIN], NOW) is None


async def a_code_is_accepted_once_and_only_forwards(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, factors = user(), store.second_factors
        await store.add_user(ann, HASH)
        await enrolled(store, ann.id)
        for step, accepted in ((100, False), (99, False), (102, True), (102, False), (101, False), (103, True)):
            assert await factors.accept(UsedCode(ann.id, step), None) == accepted
        assert not await factors.accept(UsedCode("nobody", 500), None)


async def one_of_many_concurrent_uses_of_a_proof_is_accepted(open_store: OpenStore) -> None:
    async with open_store() as one, open_store() as other:
        ann = user()
        await one.add_user(ann, HASH)
        await enrolled(one, ann.id)
        stores = [one, other] * 4
        for proof in (
            UsedCode(ann.id, 101),
            UsedRecoveryCode(ann.id, b"one"),
            UsedPasskey(b"key", 3, 4, NOW),
        ):
            begun = [await challenge(one.second_factors, ann.id) for _ in stores]
            accepted = await asyncio.gather(
                *(each.second_factors.accept(proof, own.digest) for each, own in zip(stores, begun, strict=True))
            )
            assert sorted(accepted) == [False] * 7 + [True]
            # A refused proof does not use up its challenge.
            left = [await one.second_factors.take_attempt(own.digest, [Purpose.LOGIN], NOW) for own in begun]
            assert [each is None for each in left] == accepted


async def a_challenge_is_used_once_and_a_refused_one_keeps_the_proof(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, factors = user(), store.second_factors
        await store.add_user(ann, HASH)
        await enrolled(store, ann.id)
        begun = await challenge(factors, ann.id)
        assert await factors.accept(UsedRecoveryCode(ann.id, b"one"), begun.digest)
        assert not await factors.accept(UsedRecoveryCode(ann.id, b"two"), begun.digest)
        assert (await factors.factors(ann.id)).recovery_codes_left == 1
        assert await factors.accept(UsedRecoveryCode(ann.id, b"two"), None)


async def the_counter_of_a_passkey_is_compared(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, factors = user(), store.second_factors
        await store.add_user(ann, HASH)
        await enrolled(store, ann.id)
        later = NOW + timedelta(minutes=1)
        assert not await factors.accept(UsedPasskey(b"key", 2, 9, later), None)
        assert await factors.accept(UsedPasskey(b"key", 3, 9, later), None)
        assert not await factors.accept(UsedPasskey(b"key", 3, 10, later), None)
        assert (await factors.factors(ann.id)).passkeys == (replace(passkey(ann.id), sign_count=9, last_used_at=later),)


async def recovery_codes_go_with_the_last_factor(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, factors = user(), store.second_factors
        await store.add_user(ann, HASH)
        await enrolled(store, ann.id)
        assert await factors.remove_totp(ann.id)
        assert not await factors.remove_totp(ann.id)
        assert await factors.factors(ann.id) == Factors(None, (passkey(ann.id),), 2)
        await factors.replace_recovery_codes(ann.id, (b"1", b"2", b"3"))
        assert not await factors.accept(UsedRecoveryCode(ann.id, b"one"), None)
        assert (await factors.factors(ann.id)).recovery_codes_left == 3
        assert await factors.remove_passkey(ann.id, b"key")
        assert await factors.factors(ann.id) == Factors()


async def secrets_are_sealed_again_with_a_new_secret(open_store: OpenStore) -> None:
    old, new = "s" * 32, "n" * 32
    async with open_store() as store:
        ann, factors = user(), store.second_factors
        await store.add_user(ann, HASH)
        sealed = Sealer(old, SEALED_FOR).seal(b"secret", bound_to=ann.id.encode())
        begun = await challenge(factors, ann.id)
        assert await factors.enrol_totp(begun.digest, ann.id, replace(APP, sealed_secret=sealed), CODES)
        enrolment = await challenge(factors, ann.id, Purpose.TOTP_ENROLMENT, b"sealed")
        for _ in range(2):
            assert await store.reseal(Resealing(old, new)) == 1
        found = (await factors.factors(ann.id)).totp
        assert found is not None
        assert Sealer(new, SEALED_FOR).open(found.sealed_secret, bound_to=ann.id.encode()) == b"secret"
        assert await factors.take_attempt(enrolment.digest, [*Purpose], NOW) is None
        with pytest.raises(ConfigurationError):
            await store.reseal(Resealing(old, "x" * 32))


async def a_reset_removes_everything_and_ends_the_sessions(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, session = await signed_in(store)
        bob, _ = await signed_in(store, b"bob")
        factors = store.second_factors
        await enrolled(store, ann.id)
        begun = await challenge(factors, ann.id)
        await factors.reset(bob.id, NOW)
        assert (await factors.factors(ann.id)).is_enrolled
        await factors.reset(ann.id, NOW)
        assert await factors.factors(ann.id) == Factors()
        assert await factors.take_attempt(begun.digest, [Purpose.LOGIN], NOW) is None
        assert replace(session, ended_at=NOW) in await store.sessions_ended_since(NOW)
        dead = await store.exchange(b"first", b"second", NOW)
        assert dead is not None
        assert dead.verdict is Verdict.DEAD


CHECKS: Final[tuple[Callable[[OpenStore], Awaitable[None]], ...]] = (
    factors_are_stored_unchanged,
    credentials_say_whether_there_is_a_factor,
    an_enrolment_needs_an_unused_challenge,
    a_passkey_belongs_to_one_user,
    a_challenge_is_for_its_purpose_and_expires,
    a_challenge_has_a_few_attempts_even_at_once,
    expired_challenges_are_deleted_when_others_begin,
    a_code_is_accepted_once_and_only_forwards,
    one_of_many_concurrent_uses_of_a_proof_is_accepted,
    a_challenge_is_used_once_and_a_refused_one_keeps_the_proof,
    the_counter_of_a_passkey_is_compared,
    recovery_codes_go_with_the_last_factor,
    secrets_are_sealed_again_with_a_new_secret,
    a_reset_removes_everything_and_ends_the_sessions,
)
