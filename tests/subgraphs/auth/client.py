"""Operations that tests of the auth service often send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.subgraphs.support import GraphQLClient, GraphQLResponse

PASSWORD = "correct horse battery"

SESSION = "user { id name email roles createdAt } accessToken refreshToken tokenType expiresIn"
PROBLEM = "... on Problem { code message }"


@dataclass(frozen=True)
class Auth:
    """A client of the running service."""

    client: GraphQLClient

    def bearing(self, token: str | None) -> GraphQLClient:
        return self.client.bearing(token)

    async def mutate(self, mutation: str, /, **fields: object) -> GraphQLResponse:
        """Run `mutation` with an input of `fields`; selects all fields of the Session or the Problem."""
        kind = f"{mutation[0].upper()}{mutation[1:]}Input"
        query = (
            f"mutation ($input: {kind}!) {{ {mutation}(input: $input)"
            f" {{ __typename ... on Session {{ {SESSION} }} {PROBLEM} }} }}"
        )
        return await self.client.execute(query, {"input": fields})

    async def sign_up(self, name: str = "Ann", email: str | None = None) -> dict[str, Any]:
        """The Session of a new customer."""
        response = await self.mutate(
            "register", email=email or f"{name.lower()}@example.com", password=PASSWORD, name=name
        )
        session: dict[str, Any] = response.ok()["register"]
        assert session["__typename"] == "Session", session
        return session
