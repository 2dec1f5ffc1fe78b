from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pyotp
import pytest

from bank import values
from servicekit.settings import load
from subgraphs.auth.app import create_app
from subgraphs.auth.settings import AuthSettings
from tests.subgraphs.auth.client import PASSWORD, SESSION, Auth
from tests.subgraphs.support import GraphQLClient, GraphQLResponse, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.subgraphs.auth.second_factor.authenticator import Authenticator

# A verifier of tokens reads the real clock, so the clock of the service begins some minutes ago.
BEGIN = timedelta(minutes=4)
PLAIN = "... on Problem { code message }"
PROBLEM = f"{PLAIN} ... on StepUpRequired {{ acrValues maxAge }}"
PROOF_RESULT = f"__typename ... on Session {{ {SESSION} }} {PLAIN}"
ENROLLED = f"__typename ... on FactorEnrolled {{ recoveryCodes passkey {{ id name }} }} {PROBLEM}"
CHALLENGE = "challenge methods passkeyOptions expiresAt"


@dataclass
class Desk:
    """A running auth service with a clock that stands still, and one of its users: Ann."""

    auth: Auth
    settings: AuthSettings
    now: datetime = field(default_factory=lambda: values.now() - BEGIN)
    token: str = ""
    refresh_token: str = ""
    secret: str = ""
    recovery_codes: tuple[str, ...] = ()

    @property
    def client(self) -> GraphQLClient:
        return self.auth.bearing(self.token)

    async def run(self, query: str, client: GraphQLClient | None = None, **variables: object) -> dict[str, Any]:
        """The result of the only field of an operation."""
        response = await (client or self.client).execute(query, variables)
        (result,) = response.ok().values()
        found: dict[str, Any] = result
        return found

    async def sign_up(self) -> None:
        session = await self.auth.sign_up("Ann", "ann@example.com")
        self.token, self.refresh_token = session["accessToken"], session["refreshToken"]

    def code(self, offset: int = 0) -> str:
        """The code that the app of Ann shows, or showed `offset` steps before or after."""
        app = pyotp.TOTP(self.secret)
        return app.generate_otp(app.timecode(self.now) + offset)

    def later(self, seconds: float = 30) -> None:
        self.now += timedelta(seconds=seconds)

    async def begin_app(self) -> dict[str, Any]:
        return await self.run(
            f"mutation {{ beginAuthenticatorApp {{ __typename ... on AuthenticatorAppEnrolment"
            f" {{ challenge secret uri expiresAt }} {PROBLEM} }} }}"
        )

    async def confirm_app(self, challenge: str, code: str) -> dict[str, Any]:
        query = (
            "mutation ($input: ConfirmAuthenticatorAppInput!)"
            f" {{ confirmAuthenticatorApp(input: $input) {{ {ENROLLED} }} }}"
        )
        return await self.run(query, input={"challenge": challenge, "code": code})

    async def enrol_app(self) -> None:
        """Enrol an authenticator app; the next code is a new one."""
        begun = await self.begin_app()
        self.secret = begun["secret"]
        enrolled = await self.confirm_app(begun["challenge"], self.code())
        assert enrolled["__typename"] == "FactorEnrolled", enrolled
        self.recovery_codes = tuple(enrolled["recoveryCodes"] or ())
        self.later()
        await self.refresh()

    async def enrol_passkey(self, authenticator: Authenticator, name: str = "Phone") -> dict[str, Any]:
        begun = await self.begin_passkey()
        enrolled = await self.add_passkey(begun["challenge"], authenticator.create(begun["options"]), name)
        if enrolled["__typename"] == "FactorEnrolled":
            self.recovery_codes = tuple(enrolled["recoveryCodes"] or self.recovery_codes)
            await self.refresh()
        return enrolled

    async def begin_passkey(self) -> dict[str, Any]:
        return await self.run(
            f"mutation {{ beginPasskey {{ __typename ... on PasskeyEnrolment {{ challenge options }} {PROBLEM} }} }}"
        )

    async def add_passkey(self, challenge: str, response: str, name: str = "Phone") -> dict[str, Any]:
        query = f"mutation ($input: AddPasskeyInput!) {{ addPasskey(input: $input) {{ {ENROLLED} }} }}"
        return await self.run(query, input={"challenge": challenge, "response": response, "name": name})

    async def refresh(self) -> None:
        session = (await self.auth.mutate("refresh", refreshToken=self.refresh_token)).ok()["refresh"]
        assert session["__typename"] == "Session", session
        self.token, self.refresh_token = session["accessToken"], session["refreshToken"]

    async def log_in(self, password: str = PASSWORD) -> dict[str, Any]:
        query = (
            "mutation ($input: LoginInput!) { login(input: $input) { __typename"
            f" ... on Session {{ {SESSION} }} {PLAIN} ... on SecondFactorRequired {{ {CHALLENGE} }} }} }}"
        )
        return await self.run(query, self.auth.client, input={"email": "ann@example.com", "password": password})

    async def try_complete(self, challenge: str, **proof: str) -> GraphQLResponse:
        query = f"mutation ($input: CompleteLoginInput!) {{ completeLogin(input: $input) {{ {PROOF_RESULT} }} }}"
        return await self.auth.client.execute(query, {"input": {"challenge": challenge, **proof}})

    async def complete(self, challenge: str, **proof: str) -> dict[str, Any]:
        result: dict[str, Any] = (await self.try_complete(challenge, **proof)).ok()["completeLogin"]
        return result

    async def passkey_login(self) -> dict[str, Any]:
        query = "mutation { beginPasskeyLogin { __typename ... on PasskeyChallenge { challenge options } } }"
        return await self.run(query, self.auth.client)

    async def step_up(self, **proof: str) -> dict[str, Any]:
        query = (
            "mutation ($input: StepUpInput!) { stepUp(input: $input) { __typename"
            " ... on StepUpSuccess { accessToken refreshToken tokenType expiresIn acr authenticatedAt }"
            f" {PROBLEM} }} }}"
        )
        stepped = await self.run(query, input=proof)
        if stepped["__typename"] == "StepUpSuccess":
            self.token, self.refresh_token = stepped["accessToken"], stepped["refreshToken"]
        return stepped

    async def change(self, mutation: str, **given: object) -> dict[str, Any]:
        """The result of a mutation with an input."""
        kind = f"{mutation[0].upper()}{mutation[1:]}Input"
        query = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ __typename {PROBLEM} }} }}"
        return await self.run(query, input=given)

    async def factors(self) -> dict[str, Any]:
        return await self.run(
            "{ secondFactors { enrolled authenticatorApp recoveryCodesLeft passkeys { id name lastUsedAt } } }"
        )


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


@pytest.fixture
def settings(tmp_path: Path) -> AuthSettings:
    variables = {"AUTH_ISSUER": "http://auth.test", "AUTH_PUBLIC_URL": "http://127.0.0.1:3001"}
    environ = {"MOSAFE_ENV": "development", "MOSAFE_DATA_DIR": str(tmp_path), "SUBGRAPH_SIGNATURES": "off"}
    return load(AuthSettings, {**environ, **variables})


@pytest.fixture
async def desk(settings: AuthSettings) -> AsyncIterator[Desk]:
    desks: list[Desk] = []
    app = create_app(settings, lambda: desks[0].now if desks else values.now() - BEGIN)
    async with running(app) as http:
        desks.append(Desk(Auth(GraphQLClient(http)), settings))
        await desks[0].sign_up()
        yield desks[0]
