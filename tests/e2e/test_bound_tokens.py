"""Access tokens that are bound to a key, at every door of the running platform (RFC 9449 §7)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from servicekit.dpop.proofs import thumbprint
from tests.e2e.platform import Platform, clean_environment
from tests.e2e.test_signatures import SERVICES, closed
from tests.forged_proofs import key, proof

if TYPE_CHECKING:
    import httpx

__all__ = ["closed"]
pytestmark = pytest.mark.xdist_group("signatures")

QUERY = json.dumps({"query": "{ accounts { totalCount } transactions { totalCount } }"})
CREATED = re.compile(r"client_id: (\S+)\nclient_secret: (\S+)\n")


def bound_token(bank: Platform) -> str:
    """A token of a machine that is bound to the key of `proof`."""
    command = ["auth", "clients", "create", "Job", "--grant", "credentials", "--scope", "bank:read", "--dpop"]
    environ = clean_environment(MOSAFE_DATA_DIR=str(bank.data_dir))
    output = subprocess.run(
        [sys.executable, "-m", "mosafe", *command], env=environ, check=True, capture_output=True, text=True
    ).stdout
    match = CREATED.search(output)
    assert match is not None, output
    url = bank.subgraph_url("auth").removesuffix("/graphql") + "/oauth/token"
    form = {"grant_type": "client_credentials", "scope": "bank:read"}
    response = bank.client.post(url, data=form, auth=(match[1], match[2]), headers={"dpop": proof(htu=url, ath=None)})
    assert response.json()["token_type"] == "DPoP", response.text
    token: str = response.json()["access_token"]
    return token


def send(bank: Platform, url: str, authorization: str, given: str | None) -> httpx.Response:
    headers = {"authorization": authorization, "content-type": "application/json"}
    return bank.client.post(url, content=QUERY, headers={**headers, **({} if given is None else {"dpop": given})})


def test_a_bound_token_is_of_use_only_to_the_owner_of_its_key(closed: Platform) -> None:
    token, url = bound_token(closed), closed.router_url
    first = proof(token, htu=url)
    served: Any = send(closed, url, f"DPoP {token}", first).json()
    assert served == {"data": {"accounts": {"totalCount": 0}, "transactions": {"totalCount": 0}}}
    thief = proof(token, htu=url, signer="ec")
    for authorization, given in (
        (f"DPoP {token}", first),  # a replay
        (f"DPoP {token}", None),
        (f"DPoP {token}", thief),
        (f"DPoP {token}", proof(token, htu=url, htm="GET")),
        (f"DPoP {token}", proof(token, htu="https://evil.example/graphql")),
        (f"DPoP {token}", proof("another token", htu=url)),
        (f"Bearer {token}", proof(token, htu=url)),
    ):
        refused = send(closed, url, authorization, given)
        assert refused.status_code == 401
        assert 'DPoP error="invalid_token", algs="ES256 EdDSA"' in refused.headers.get_list("www-authenticate")
    for name in SERVICES:
        service = closed.subgraph_url(name)
        assert send(closed, service, f"DPoP {token}", proof(token, htu=service)).status_code == 401


def test_rest_takes_a_bound_token_with_a_proof_for_its_own_url(closed: Platform) -> None:
    token, url = bound_token(closed), closed.rest_url + "/api/accounts"
    own: Any = {"htm": "GET", "htu": url}
    first = proof(token, **own)
    served = closed.client.get(url, headers={"authorization": f"DPoP {token}", "dpop": first})
    assert (served.status_code, served.json()["data"]) == (200, [])
    for authorization, given in (
        (f"DPoP {token}", first),  # a replay
        (f"DPoP {token}", ""),
        (f"DPoP {token}", proof(token, signer="ec", **own)),  # the key of a thief: the router refuses it
        (f"DPoP {token}", proof("another token", **own)),
        (f"DPoP {token}", proof(token, htu=url)),
        (f"DPoP {token}", proof(token, htm="GET", htu=closed.router_url)),
        (f"DPoP {token}", "x" * 9_000),
        (f"Bearer {token}", proof(token, **own)),
    ):
        refused = closed.client.get(url, headers={"authorization": authorization, "dpop": given})
        assert refused.status_code == 401, given
        assert refused.headers["www-authenticate"].split()[0] == authorization.split()[0]
    # Nor does the proof for REST serve at the router, whatever a stranger claims to have checked.
    forged = {"authorization": f"DPoP {token}", "content-type": "application/json", "dpop": proof(token, **own)}
    for claimed in ({}, {"x-dpop-checked": "x"}, {"x-dpop-key": thumbprint(key())}):
        assert closed.client.post(closed.router_url, content=QUERY, headers={**forged, **claimed}).status_code == 401
