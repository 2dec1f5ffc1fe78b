"""A supergraph with restrictions, and its only subgraph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from graphql import graphql_sync

from router import Gateway, supergraph
from router.composition import Subgraph, compose
from router.pipeline import RequestContext, Stage
from router.request.identity import Identity
from router.request.request_and_response import GraphQLRequest, GraphQLResponse
from router.settings import read
from router.transport.interface import SubgraphRequest, SubgraphResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBGRAPH: Final = """
extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.9"
  import: ["@key", "@authenticated", "@policy", { name: "@requiresScopes", as: "@scopes" }]
)
type Query {
  me: Patient
  patients: [Patient!]!
  search: [Found!]
  contact: Contact
  diagnosis: Diagnosis
  public: String
}
type Mutation {
  rename(name: String!): Patient
  discharge: Boolean @scopes(scopes: [["write"]])
}
type Patient implements Contact @key(fields: "id") {
  id: ID! @authenticated
  name: String
  email: String @authenticated
  phone: String
  record: Record
  notes: [Note!]
  doctor: Doctor
}
type Doctor implements Contact { name: String phone: String @policy(policies: [["on_duty"]]) }
interface Contact { name: String phone: String }
type Record @scopes(scopes: [["read:records", "staff"], ["admin"]]) { text: String! }
type Note @authenticated { text: String! }
union Found = Patient | Note
scalar Diagnosis @policy(policies: [["treating"], ["chief", "on_duty"]])
"""
PATIENT: Final = {
    "__typename": "Patient",
    "id": "1",
    "name": "Ada",
    "email": "a@x.example",
    "phone": "1",
    "record": {"text": "healthy"},
    "notes": [{"text": "n"}],
    "doctor": {"__typename": "Doctor", "name": "Bo", "phone": "2"},
}
DATA: Final[Mapping[str, Any]] = {
    "me": PATIENT,
    "patients": [PATIENT, PATIENT],
    "search": [PATIENT, {"__typename": "Note", "text": "n"}],
    "contact": {"__typename": "Doctor", "name": "Bo", "phone": "2"},
    "diagnosis": "flu",
    "public": "hours",
    "rename": lambda _info, name: {**PATIENT, "name": name},
    "discharge": True,
}


def sdl(text: str = SUBGRAPH) -> str:
    composed = compose([Subgraph("clinic", "http://127.0.0.1:9/graphql", text)])
    assert composed.supergraph_sdl is not None, composed.errors
    return composed.supergraph_sdl


SDL: Final = sdl()


@dataclass
class Clinic:
    """A gateway in front of the subgraph. `sent` are the documents of its fetches."""

    settings: str = ""
    text: str = SDL
    sent: list[str] = field(default_factory=list)
    identity: Identity | None = None

    def __post_init__(self) -> None:
        schema = supergraph.load(self.text).subgraphs["clinic"].schema

        async def send(request: SubgraphRequest, /) -> SubgraphResponse:
            self.sent.append(request.operation)
            result = graphql_sync(schema, request.operation, DATA, variable_values=dict(request.variables))
            return SubgraphResponse.of({**result.formatted})

        outer = self

        class Known(Stage):
            async def on_request(self, context: RequestContext) -> None:
                context.identity = outer.identity

        self.gateway = Gateway.from_supergraph(self.text, read(self.settings, {}), send=send, stages=[Known()])

    async def run(
        self, query: str, scopes: str | None = None, variables: Mapping[str, object] | None = None, **headers: str
    ) -> GraphQLResponse:
        """Run an operation for a client with these scopes; None is a client without a credential."""
        self.identity = None if scopes is None else Identity({"sub": "x"}, frozenset(scopes.split()))
        self.sent.clear()
        return await self.gateway.execute(GraphQLRequest(query=query, variables=variables or {}, headers=headers))


def places(response: GraphQLResponse) -> list[tuple[object, ...]]:
    """The paths of the errors for refused fields, in order."""
    errors: Any = response.body.get("errors", [])
    assert {error["extensions"]["code"] for error in errors} <= {"UNAUTHORIZED_FIELD_OR_TYPE"}
    return [tuple(error["path"]) for error in errors]
