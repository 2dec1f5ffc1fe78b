from __future__ import annotations

import json

import pytest

from servicekit.key_set import MAX_KEYS, FixedKeys, InvalidKeySet, KeySet
from tests.router.policies.authentication.issuer import jwk, jwk_set

ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA", "HS256")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": {}}', "x", "[" * 10_000, '{"keys": null}'])
def test_a_text_that_is_not_a_jwk_set_is_an_error(text: str) -> None:
    with pytest.raises(InvalidKeySet):
        KeySet.read(text, ALGORITHMS)


def test_a_key_serves_the_algorithms_of_its_type_only() -> None:
    keys = KeySet.read(jwk_set("ec", "rsa", "ed", "secret"), ALGORITHMS)
    served = {name: [each for each in ALGORITHMS if keys.find(name, each)] for name in ("ec", "rsa", "ed", "secret")}
    assert served == {"ec": ["ES256"], "rsa": ["RS256", "PS256"], "ed": ["EdDSA"], "secret": ["HS256"]}


def read(**members: object) -> KeySet:
    return KeySet.read(json.dumps({"keys": [jwk("rsa", **members)]}), ALGORITHMS)


def test_members_of_a_key_restrict_it() -> None:
    assert read(alg="PS256").find("rsa", "RS256") is None
    assert read(alg="PS256").find("rsa", "PS256") is not None
    assert read(use="enc").find("rsa", "RS256") is None
    assert read(key_ops=["encrypt"]).find("rsa", "RS256") is None
    assert read(key_ops=["verify"]).find("rsa", "RS256") is not None
    assert read(alg="RSA-OAEP").find("rsa", "RS256") is None


def test_weak_and_malformed_keys_are_left_out() -> None:
    short = {"kty": "oct", "k": "c2hvcnQ", "kid": "short"}
    point = {"kty": "EC", "crv": "P-256", "x": "!", "y": "!"}
    broken = [7, None, {}, point, {"kty": ["RSA"]}, {"kty": "EC", "crv": []}]
    numbered = {**jwk("ec"), "kid": 7}
    keys = KeySet.read(json.dumps({"keys": [jwk("weak"), short, *broken, numbered, jwk("ed")]}), ALGORITHMS)
    assert len(keys) == 1
    assert keys.find("ed", "EdDSA") is not None


def test_without_a_key_id_there_must_be_one_fitting_key() -> None:
    assert KeySet.read(jwk_set("ec", "rsa"), ALGORITHMS).find(None, "ES256") is not None
    assert KeySet.read(jwk_set("ec", "other"), ALGORITHMS).find(None, "ES256") is None


def test_the_number_of_keys_is_bounded() -> None:
    keys = KeySet.read(json.dumps({"keys": [jwk("ec", kid=str(each)) for each in range(MAX_KEYS + 9)]}), ALGORITHMS)
    assert len(keys) == MAX_KEYS


def test_a_reload_keeps_the_keys_of_an_unchanged_file() -> None:
    old, new = (FixedKeys(KeySet.read(jwk_set("ec"), ALGORITHMS)) for _ in range(2))
    new.inherit(old)
    assert new.current() is old.current()
    changed = FixedKeys(KeySet.read(jwk_set("rsa"), ALGORITHMS))
    changed.inherit(old)
    assert changed.current() is not old.current()
