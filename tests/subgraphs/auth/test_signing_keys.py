from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from servicekit.errors import ConfigurationError
from subgraphs.auth.domain import ACCESS_LIFETIME
from subgraphs.auth.signing_keys import (
    KEY_SET_AGE,
    PUBLISH_AFTER,
    PUBLISH_AHEAD,
    SIGNING_LIFETIME,
    KeyVault,
    PrivateKey,
    SigningKey,
    is_due,
    published,
    redated,
    signing,
    tokens_end,
)

START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
VAULT = KeyVault("s" * 32)
MOMENT = timedelta(milliseconds=1)


def key(number: int, created_at: datetime, active_from: datetime) -> SigningKey:
    return SigningKey(f"k{number}", created_at, active_from, {"kid": f"k{number}"}, b"")


def rotated_at(moments: list[timedelta]) -> list[SigningKey]:
    """The keys of a service that started with one key and rotated at `moments` after the start."""
    first = key(0, START, START)
    return [first] + [
        key(number, START + moment, START + moment + PUBLISH_AHEAD) for number, moment in enumerate(moments, start=1)
    ]


rotations = st.lists(st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=2)), max_size=6)


@given(rotations, st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=3)))
def test_every_valid_token_verifies_with_any_key_set_that_is_not_too_old(
    moments: list[timedelta], issued: timedelta
) -> None:
    keys = rotated_at(moments)
    issued_at = START + issued
    signer = signing(stored(keys, issued_at), issued_at)
    assert signer is not None
    for age in (timedelta(0), KEY_SET_AGE):
        for life in (timedelta(0), ACCESS_LIFETIME / 2, ACCESS_LIFETIME):
            fetched_at = max(START, issued_at + life - age)
            assert signer in published(stored(keys, fetched_at), fetched_at)


def stored(keys: list[SigningKey], now: datetime) -> list[SigningKey]:
    return [stored_key for stored_key in keys if stored_key.created_at <= now]


@given(rotations)
def test_long_after_the_last_rotation_one_key_is_left(moments: list[timedelta]) -> None:
    keys = rotated_at(moments)
    now = START + timedelta(days=1)
    assert published(keys, now) == [signing(keys, now)]


def test_a_new_key_is_published_before_it_signs_and_the_old_one_after() -> None:
    old, new = rotated_at([timedelta(days=1)])
    change = new.active_from
    assert change - new.created_at == PUBLISH_AHEAD >= KEY_SET_AGE
    assert signing([old, new], change - MOMENT) == old
    assert signing([old, new], change) == new
    assert published([new, old], new.created_at) == [old, new]
    assert published([old, new], change + PUBLISH_AFTER - MOMENT) == [old, new]
    assert published([old, new], change + PUBLISH_AFTER) == [new]


def test_without_keys_none_signs_or_is_published() -> None:
    assert signing([], START) is None
    assert published([], START) == []
    assert is_due([], START)


def test_if_no_key_is_active_the_first_to_become_active_signs() -> None:
    first, second = key(1, START, START + MOMENT), key(2, START, START + PUBLISH_AHEAD)
    assert signing([second, first], START) == first
    assert published([second, first], START) == [first, second]


def test_a_key_of_the_future_gets_times_of_the_present() -> None:
    ahead = timedelta(days=31)
    present, future = key(1, START, START), key(2, START + ahead, START + ahead + PUBLISH_AHEAD)
    assert redated([present], START) is None
    assert redated([present, future], START) == replace(future, created_at=START, active_from=START + PUBLISH_AHEAD)
    assert redated([future], START) == replace(future, created_at=START, active_from=START)
    assert redated([present, future], START + ahead) is None


def test_a_successor_is_due_in_time_to_sign_at_the_end_of_a_keys_lifetime() -> None:
    (only,) = rotated_at([])
    due = START + SIGNING_LIFETIME - PUBLISH_AHEAD
    assert not is_due([only], due - MOMENT)
    assert is_due([only], due)
    assert not is_due([only, key(1, due, due + PUBLISH_AHEAD)], due)


def test_a_sealed_private_key_opens_and_belongs_to_its_public_half() -> None:
    made = VAULT.create(START, START)
    opened = VAULT.open(made)
    assert isinstance(opened, ec.EllipticCurvePrivateKey)
    numbers = opened.public_key().public_numbers()
    assert made.public_jwk.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert (made.public_jwk["crv"], made.public_jwk["alg"], made.public_jwk["kid"]) == ("P-256", "ES256", made.id)
    assert numbers.x.to_bytes(32) not in made.sealed_private_key


def test_the_same_key_is_sealed_so_that_only_the_same_secret_opens_it() -> None:
    made = VAULT.create(START, START)
    assert public_bytes(KeyVault("s" * 32).open(made)) == public_bytes(VAULT.open(made))
    with pytest.raises(ConfigurationError, match="AUTH_JWT_SECRET"):
        KeyVault("x" * 32).open(made)


def public_bytes(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_an_edwards_key_is_published_as_rfc_8037_says() -> None:
    made = KeyVault("s" * 32, "EdDSA").create(START, START)
    opened = VAULT.open(made)
    assert isinstance(opened, ed25519.Ed25519PrivateKey)
    raw = opened.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert made.public_jwk == {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": made.id, "alg": "EdDSA", "use": "sig"}
    assert made.algorithm == "EdDSA"


def test_another_algorithm_needs_a_successor_once_the_newest_key_signs() -> None:
    newest = VAULT.create(START, START + PUBLISH_AHEAD)
    assert not is_due([newest], START, "EdDSA")
    assert is_due([newest], START + PUBLISH_AHEAD, "EdDSA")
    assert not is_due([newest], START + PUBLISH_AHEAD, "ES256")


def test_the_end_of_a_keys_tokens_is_known_unless_it_signs() -> None:
    first, second, third = rotated_at([timedelta(days=1), timedelta(days=2)])
    keys, now = [third, first, second], second.active_from
    assert tokens_end(first, keys, now) == second.active_from + PUBLISH_AFTER
    assert tokens_end(second, keys, now) is None
    assert tokens_end(third, keys, now) == now


def test_a_resealed_key_opens_with_the_new_secret_only() -> None:
    made, new = VAULT.create(START, START), KeyVault("n" * 32)
    resealed = new.reseal(made, VAULT)
    assert replace(resealed, sealed_private_key=made.sealed_private_key) == made
    assert public_bytes(new.open(resealed)) == public_bytes(VAULT.open(made))
    for vault, key in ((VAULT, resealed), (new, made)):
        with pytest.raises(ConfigurationError, match="AUTH_JWT_SECRET"):
            vault.open(key)


def test_a_changed_row_cannot_be_opened() -> None:
    made, other = VAULT.create(START, START), VAULT.create(START, START)
    flipped = bytes([made.sealed_private_key[-1] ^ 1])
    for tampered in (
        replace(made, sealed_private_key=made.sealed_private_key[:-1] + flipped),
        replace(made, sealed_private_key=other.sealed_private_key),
        replace(made, id=other.id),
        replace(made, public_jwk=other.public_jwk),
    ):
        with pytest.raises(ConfigurationError):
            VAULT.open(tampered)
