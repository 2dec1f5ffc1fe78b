"""Subscriptions with access tokens that are bound to a key: which proofs open a connection, and the attacks on them.

Covers `subgraphs/kit/subscriptions/handshake_proofs.py`.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from websockets.exceptions import ConnectionClosed

from servicekit.dpop.nonces import Nonces
from servicekit.dpop.proofs import thumbprint
from servicekit.http_signatures.keys import HmacKey
from servicekit.http_signatures.request_signer import RequestSigner, SigningTarget
from servicekit.settings import load
from subgraphs.account.settings import AccountSettings
from subgraphs.kit.subscriptions import handshake_proofs
from subgraphs.kit.subscriptions.handshake_proofs import HandshakeProofs
from subgraphs.kit.subscriptions.messages import CloseCode, Closed
from subgraphs.transaction.settings import TransactionSettings
from tests.forged_proofs import FORGED, OWNER, key, proof, unsigned
from tests.subgraphs.bank import Bank, Person, open_bank
from tests.subgraphs.test_subscriptions import BALANCE, transfer
from tests.subgraphs.websocket_client import connected, listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

URL: Final = "wss://live.example/graphql"
NONCE_SECRET: Final = "ab09" * 16
VARIABLES: Final = {"ACCOUNT_SUBSCRIPTIONS_URL": URL, "MOSAFE_ENV": "development"}
FORBIDDEN: Final = (4403, "Forbidden")


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path, None, **VARIABLES) as bank:
        yield bank


@pytest.fixture
async def url(bank: Bank) -> AsyncIterator[str]:
    async with listening(bank.apps["account"]) as url:
        yield url


def bound(bank: Bank, person: Person | None = None, name: str = OWNER) -> str:
    user_id = None if person is None else person.id
    return bank.issuer.token(user_id, claims={"cnf": {"jkt": thumbprint(key(name))}})


def own_proof(token: str, **changes: Any) -> str:
    return proof(token, **{"htm": "GET", "htu": URL, **changes})


async def opened(url: str, payload: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Any:
    """Open a connection. Return `connection_ack`, or the code and the reason with which the service closes it."""
    async with connected(url, headers=headers) as socket:
        await socket.send("connection_init", payload=payload)
        try:
            return (await socket.receive())["type"]
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd is not None else None


async def test_a_proof_in_the_payload_opens_a_subscription(bank: Bank, url: str) -> None:
    hers, his = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob)
    token = bound(bank, bank.ann)
    async with connected(url) as ann:
        await ann.send("connection_init", payload={"Authorization": f"DPoP {token}", "DPoP": own_proof(token)})
        assert await ann.receive() == {"type": "connection_ack"}
        await ann.subscribe("1", BALANCE, id=hers["id"])
        await transfer(bank, bank.ann, hers, his)
        assert (await ann.next("1"))["balanceChanged"]["balance"] == "99.00"


async def test_a_proof_can_be_in_the_headers_of_the_handshake(bank: Bank, url: str) -> None:
    token = bound(bank)
    headers = {"authorization": f"DPoP {token}", "dpop": own_proof(token)}
    assert await opened(url, {}, headers) == "connection_ack"
    assert await opened(url, {}, headers) == FORBIDDEN, "a replay"
    # The handshake is a request for http, so the proof may name it so.
    for same in ("https://live.example/graphql", "WSS://LIVE.example:443/graphql?x=y"):
        given = {"authorization": f"DPoP {token}", "dpop": own_proof(token, htu=same)}
        assert await opened(url, given) == "connection_ack"


async def test_a_bound_token_without_a_proof_of_its_key_is_refused(bank: Bank, url: str) -> None:
    token, plain = bound(bank), bank.ann.token
    used = own_proof(token)
    assert await opened(url, {"authorization": f"DPoP {token}", "dpop": used}) == "connection_ack"
    for authorization, given in (
        (f"Bearer {token}", None),
        (f"Bearer {token}", own_proof(token)),
        (f"DPoP {token}", None),
        (f"DPoP {token}", 5),
        (f"DPoP {token}", ""),
        (f"DPoP {token}", used),
        (f"DPoP {token}", "x" * 9_000),
        (f"DPoP {token}", unsigned(own_proof(token))),
        (f"DPoP {token}", own_proof(token, signer="ec")),
        (f"DPoP {token}", own_proof("another.token")),
        (f"DPoP {token}", own_proof(token, htu=url)),
        (f"DPoP {token}", own_proof(token, htu="ws://live.example/graphql")),
        (f"DPoP {token}", own_proof(token, htm="POST")),
        (f"DPoP {token}", own_proof(token, iat=int(time.time()) - 600)),
        (f"DPoP {plain}", own_proof(plain)),
        (f"DPoP {bound(bank, name='ec')}", own_proof(token)),
    ):
        payload = {"authorization": authorization, **({} if given is None else {"dpop": given})}
        assert await opened(url, payload) == FORBIDDEN, payload
    # Without signatures, nobody says which key was proved.
    headers = {"x-dpop-key": thumbprint(key(OWNER))}
    for scheme in ("DPoP", "Bearer"):
        assert await opened(url, {"authorization": f"{scheme} {token}"}, headers) == FORBIDDEN


async def test_the_router_says_in_a_signed_handshake_which_key_was_proved(tmp_path: Path) -> None:
    secret = secrets.token_hex(32)
    variables = {**VARIABLES, "SUBGRAPH_SIGNATURES": "on", "SUBGRAPH_SIGNATURE_SECRET": secret}
    async with open_bank(tmp_path, None, **variables) as bank, listening(bank.apps["account"]) as url:
        target = SigningTarget("account", url.split("/")[2], "/graphql", "application/json", "GET")
        signer = RequestSigner(HmacKey(secret.encode()), target, covered=["authorization", "x-dpop-key"])
        token = bound(bank)
        for name, expected in ((OWNER, "connection_ack"), ("ec", FORBIDDEN)):
            given = {"content-type": "application/json", "x-dpop-key": thumbprint(key(name))}
            headers = {**given, **signer.headers(b"", given)}
            assert await opened(url, {"authorization": f"DPoP {token}"}, headers) == expected
        # Nor is it believed about a bearer token.
        given = {"content-type": "application/json", "x-dpop-key": thumbprint(key(OWNER))}
        headers = {**given, **signer.headers(b"", given)}
        assert await opened(url, {"authorization": f"Bearer {token}"}, headers) == FORBIDDEN


async def test_with_a_nonce_secret_the_reason_of_the_end_has_the_nonce(tmp_path: Path) -> None:
    variables = {**VARIABLES, "DPOP_NONCE_SECRET": NONCE_SECRET}
    async with open_bank(tmp_path, None, **variables) as bank, listening(bank.apps["account"]) as url:
        token = bound(bank)
        code, reason = await opened(url, {"authorization": f"DPoP {token}", "dpop": own_proof(token)})
        error, _, nonce = reason.partition(" ")
        assert (code, error) == (4403, "use_dpop_nonce")
        assert Nonces(NONCE_SECRET).is_recent(nonce, time.time())
        given = own_proof(token, nonce=nonce)
        assert await opened(url, {"authorization": f"DPoP {token}", "dpop": given}) == "connection_ack"


def settings(**variables: str) -> AccountSettings:
    return load(AccountSettings, {**VARIABLES, **variables})


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # one of the keys is weak on purpose
@pytest.mark.parametrize("name", [name for name in FORGED if name != "key of an attacker"])
async def test_forged_proofs_open_nothing(name: str) -> None:
    given = {"htm": "GET", "htu": URL, **FORGED[name].changes}
    if "method" in name:
        given["htm"] = {"other method": "POST", "method in lower case": "get"}[name]
    proofs = HandshakeProofs.of(settings())
    with pytest.raises(Closed) as refused:
        await proofs.use(proofs.read(proof("token", **given), "token"))
    assert refused.value.code is CloseCode.FORBIDDEN


async def test_processes_share_used_proofs_in_redis(redis_url: str) -> None:
    first, second = (HandshakeProofs.of(settings(REDIS_URL=redis_url)) for _ in range(2))
    try:
        given = first.read(own_proof("token", jti=secrets.token_hex(8)), "token")
        await first.use(given)
        for proofs in (first, second):
            with pytest.raises(Closed, match="Forbidden"):
                await proofs.use(given)
    finally:
        await first.aclose()
        await second.aclose()


async def test_while_proofs_cannot_be_remembered_none_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    away = HandshakeProofs.of(settings(REDIS_URL="redis://127.0.0.1:9"))
    monkeypatch.setattr(handshake_proofs, "_MAX_PROOFS", 1)
    full = HandshakeProofs.of(settings())
    await full.use(full.read(own_proof("token"), "token"))
    for proofs in (away, full):
        with pytest.raises(Closed) as refused:
            await proofs.use(proofs.read(own_proof("token"), "token"))
        assert refused.value.code is CloseCode.TRY_AGAIN_LATER
        await proofs.aclose()


def test_the_url_is_by_default_that_of_the_port() -> None:
    assert load(AccountSettings, {"ACCOUNT_PORT": "4711"}).websocket_url == "ws://127.0.0.1:4711/graphql"
    own = load(TransactionSettings, {"TRANSACTION_SUBSCRIPTIONS_URL": "https://live.example/tx"})
    assert own.websocket_url == "https://live.example/tx"
    assert settings().websocket_url == URL
