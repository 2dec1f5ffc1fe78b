"""Policies that a server decides about, over real sockets."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from router.policies.authorization.policy_decisions import PolicyQuestion
from router.policies.authorization.policy_server import PolicyServer
from router.policies.load_operator_functions import PolicySetupError
from router.settings.sections.authorization import PolicyServer as Settings
from tests.router.transport.certificates import self_signed
from tests.router.transport.scripted_server import Peer, response, serving

if TYPE_CHECKING:
    from pathlib import Path

QUESTION = PolicyQuestion(frozenset({"a", "b"}), {"sub": "ada"}, {}, "Orders")


@dataclass
class Decisions:
    """A server that always responds with `body`."""

    body: bytes = b'{"result": {"a": true, "b": false, "c": true}}'
    status: str = "200 OK"
    silent: bool = False
    asked: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, peer: Peer) -> None:
        while True:
            try:
                request = await peer.request()
            except asyncio.IncompleteReadError:
                return
            self.asked.append((request.start_line, json.loads(request.body)))
            self.headers.append(request.headers)
            if self.silent:
                await peer.reader.read()
            await peer.reply(response(self.body, status=self.status))


async def test_all_policies_of_a_request_are_asked_at_once() -> None:
    decisions = Decisions()
    async with serving(decisions) as server:
        policies = PolicyServer(Settings(url=f"{server.url}/allow", headers={"authorization": "Bearer k"}))
        assert await policies.granted(QUESTION) == {"a"}
        await policies.aclose()
    asked = {"policies": ["a", "b"], "claims": {"sub": "ada"}, "operation": "Orders"}
    assert decisions.asked == [("POST /graphql/allow HTTP/1.1", {"input": asked})]
    assert decisions.headers[0]["authorization"] == "Bearer k"


async def test_a_decision_is_used_for_a_while() -> None:
    decisions = Decisions()
    async with serving(decisions) as server:
        kept, asking = PolicyServer(Settings(url=server.url)), PolicyServer(Settings(url=server.url, cache_time=None))
        for policies, expected in ((kept, 1), (asking, 3)):
            decisions.asked.clear()
            for _ in range(3):
                assert await policies.granted(QUESTION) == {"a"}
            assert len(decisions.asked) == expected
        other = PolicyQuestion(QUESTION.policies, {"sub": "bo"}, {}, "Orders")
        assert await kept.granted(other) == {"a"}
        assert len(decisions.asked) == 4
        for policies in (kept, asking):
            await policies.aclose()


async def test_requests_with_the_same_question_wait_for_one_response() -> None:
    decisions = Decisions()
    async with serving(decisions) as server:
        policies = PolicyServer(Settings(url=server.url, cache_time=None))
        assert set(await asyncio.gather(*(policies.granted(QUESTION) for _ in range(10)))) == {frozenset({"a"})}
        await policies.aclose()
    assert len(decisions.asked) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"result": true}', "200 OK"),
        (b'{"result": null}', "200 OK"),
        (b'{"result": "a"}', "200 OK"),
        (b"{}", "200 OK"),
        (b"[]", "200 OK"),
        (b"not JSON", "200 OK"),
        (b"[" * 100_000, "200 OK"),
        (b'{"result": ["a"]}', "500 Broken"),
        (b'{"result": ["a"]}', "302 Elsewhere"),
        (b"silent", "200 OK"),
    ],
)
async def test_without_a_usable_response_no_policy_holds(body: bytes, status: str) -> None:
    decisions = Decisions(body, status, silent=body == b"silent")
    async with serving(decisions) as server:
        policies = PolicyServer(Settings(url=server.url, timeout=0.2 if decisions.silent else 30))
        with capture_logs() as logs:
            assert await policies.granted(QUESTION) == frozenset()
        assert [(line["event"], line["policies"]) for line in logs] == [("policy decision unavailable", ["a", "b"])]
        decisions.body, decisions.status, decisions.silent = b'{"result": ["b", 7]}', "200 OK", False
        assert await policies.granted(QUESTION) == {"b"}  # a failure is not kept
        await policies.aclose()


@pytest.mark.parametrize("value", ['"true"', "1", "[]", "{}", "null", '"yes"'])
async def test_only_true_is_a_yes(value: str) -> None:
    async with serving(Decisions(f'{{"result": {{"a": {value}, "b": true}}}}'.encode())) as server:
        policies = PolicyServer(Settings(url=server.url))
        assert await policies.granted(QUESTION) == {"b"}
        await policies.aclose()


async def test_claims_that_are_not_json_grant_nothing() -> None:
    policies = PolicyServer(Settings(url="http://127.0.0.1:9/"))
    assert await policies.granted(PolicyQuestion(frozenset({"a"}), {"x": float("nan")})) == frozenset()
    assert await policies.granted(PolicyQuestion(frozenset({"a"}), {"x": object()})) == frozenset()
    await policies.aclose()


async def test_https_needs_a_trusted_authority(tmp_path: Path) -> None:
    tls, authority = self_signed(tmp_path)
    async with serving(Decisions(), tls=tls) as server:
        trusting = PolicyServer(Settings(url=server.url, certificate_authority=authority))
        distrusting = PolicyServer(Settings(url=server.url))
        assert await trusting.granted(QUESTION) == {"a"}
        assert await distrusting.granted(QUESTION) == frozenset()
        for policies in (trusting, distrusting):
            await policies.aclose()
    with pytest.raises(PolicySetupError, match="certificate_authority"):
        PolicyServer(Settings(url="https://a.example", certificate_authority=tmp_path / "none"))
