"""The parts of DPoP proofs; the forged ones are in `tests/forged_proofs.py`, and are sent to each server.

Covers `servicekit/dpop/proofs.py`.
"""

from __future__ import annotations

import time

import pytest

from servicekit.dpop.proofs import InvalidProof, digest, normalised, read_proof, thumbprint
from tests.forged_proofs import FORGED, OWNER, URL, key, proof, unsigned

OF_SIGNATURE = ("type", "algorithm", "key", "malformed")


def test_a_proof_is_read() -> None:
    found = read_proof(proof("token", jti="a"), ("ES256",), clock_skew=0)
    assert found.thumbprint == thumbprint(key(OWNER))
    found.check_key(found.thumbprint)
    found.check_request(("POST",), lambda url: url == URL)
    found.check_token("token")
    found.check_age(time.time(), 60, 1)
    assert found.digest == read_proof(proof("other token", jti="a"), ("ES256",), clock_skew=0).digest
    assert found.digest != read_proof(proof("token", jti="b"), ("ES256",), clock_skew=0).digest


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # one of the keys is weak on purpose
@pytest.mark.parametrize("name", [name for name, forged in FORGED.items() if forged.reason in OF_SIGNATURE])
def test_a_proof_that_is_not_valid_cannot_be_read(name: str) -> None:
    with pytest.raises(InvalidProof) as caught:
        read_proof(proof(**FORGED[name].changes), ("ES256", "RS256"), clock_skew=0, required=("ath",))
    assert caught.value.reason == FORGED[name].reason


def test_what_is_not_signed_is_not_a_proof() -> None:
    for text in ("", "x", unsigned(proof()), f"{proof()}, {proof()}", "x" * 9_000):
        with pytest.raises(InvalidProof, match="missing or malformed"):
            read_proof(text, ("ES256", "none"), clock_skew=0)


def test_thumbprints_and_hashes_are_those_of_the_specifications() -> None:
    # RFC 9449 §6.1, §7.1.
    client_key = {
        "kty": "EC",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        "crv": "P-256",
    }
    assert thumbprint(client_key) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    assert digest(b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU") == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    # RFC 8037 §A.3: the members that are not required do not count.
    edwards = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "x"}
    assert thumbprint(edwards) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_url_is_compared_in_its_normal_form() -> None:
    assert normalised("HTTP://[::1]:80?x") == "http://[::1]/"
    assert normalised("http://A.example:8080/x") == "http://a.example:8080/x"
