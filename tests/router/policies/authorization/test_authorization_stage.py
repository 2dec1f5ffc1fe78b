"""What clients with different credentials get of one supergraph. The oracle has generated schemas and operations.

Covers `router/policies/authorization/filter_operation.py`, `router/policies/authorization/policy_decisions.py`,
`router/policies/authorization/paths_of_refused_fields.py`, `router/policies/authorization/required_clauses.py`,
`router/policies/authorization/requirements.py`, `router/policies/authorization/selection_conditions.py`,
`router/request/withheld_fields.py` and `router/executor/graphql/withheld_field_error_paths.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from graphql import parse
from structlog.testing import capture_logs

from router import supergraph
from router.executor.compiled.client_shape import client_shape
from router.executor.compiled.response_shape import NotCompilable
from router.get_operation import get_operation
from router.policies.authorization.authorization_stage import MAX_VERSIONS, Authorization
from router.policies.authorization.filter_operation import filter_operation
from router.policies.authorization.required_clauses import required_clauses
from router.policies.authorization.requirements import SchemaRequirements
from router.policies.load_operator_functions import PolicySetupError
from router.settings import InvalidSettings, read
from tests.router.policies.authentication.issuer import ISSUER, token
from tests.router.policies.authorization.clinic import SDL, SUBGRAPH, Clinic, places, sdl

if TYPE_CHECKING:
    from router.policies.authorization.policy_decisions import PolicyQuestion
    from router.request.request_and_response import GraphQLResponse


@pytest.fixture(scope="module")
def clinic() -> Clinic:
    return Clinic(f"introspection: true\nauthorization: {{policies: {{function: '{__name__}:decide'}}}}")


def decide(question: PolicyQuestion) -> list[str]:
    """For the setting `policies.function`: the header names what holds."""
    if "fail" in question.headers:
        raise RuntimeError("no answer")
    return [*question.headers.get("holds", "").split(), "unasked"]


REFUSED_ME = [("me", "email")]


@pytest.mark.parametrize(
    ("query", "scopes", "data", "errors"),
    [
        ("{ me { name email } }", None, {"me": {"name": "Ada", "email": None}}, REFUSED_ME),
        ("{ me { name email } }", "", {"me": {"name": "Ada", "email": "a@x.example"}}, []),
        ("{ me { name e: email } }", None, {"me": {"name": "Ada", "e": None}}, [("me", "e")]),
        # A type that requires scopes requires them wherever it is selected; "or" outside, "and" inside.
        ("{ me { name record { text } } }", "staff", {"me": {"name": "Ada", "record": None}}, [("me", "record")]),
        ("{ me { record { text } } }", "staff read:records", {"me": {"record": {"text": "healthy"}}}, []),
        ("{ me { record { text } } }", "admin", {"me": {"record": {"text": "healthy"}}}, []),
        # A null in a non-null position propagates: `id` is ID!.
        ("{ public me { id name } }", None, {"public": "hours", "me": None}, [("me", "id")]),
        ("{ patients { name email } }", None, {"patients": [{"name": "Ada", "email": None}] * 2},
         [("patients", 0, "email"), ("patients", 1, "email")]),
        # Nothing remains of a selection.
        ("{ public me { email } }", None, {"public": "hours", "me": None}, [("me", "email")]),
        ("{ me { doctor { name } email } }", None, {"me": {"doctor": {"name": "Bo"}, "email": None}}, REFUSED_ME),
        ("{ patients { email } }", None, None, [("patients",)]),
        ("{ public me { notes { text } } }", None, {"public": "hours", "me": None}, [("me", "notes")]),
        # Fragments, of the client and of types.
        ("{ ...A } fragment A on Query { me { ...B } } fragment B on Patient { name email }", None,
         {"me": {"name": "Ada", "email": None}}, REFUSED_ME),
        ("{ search { __typename ... on Patient { name } ... on Note { text } } }", None,
         {"search": None}, [("search", 1, "text")]),
        ("{ search { __typename ... on Patient { name } ... on Note { text } } }", "",
         {"search": [{"__typename": "Patient", "name": "Ada"}, {"__typename": "Note", "text": "n"}]}, []),
        ("{ search { __typename ... on Note { __typename } } }", None,
         {"search": [{"__typename": "Patient"}, {"__typename": "Note"}]}, []),
        # An interface requires what every implementation requires, a fragment only its own.
        ("{ contact { name phone } }", "", {"contact": {"name": "Bo", "phone": None}}, [("contact", "phone")]),
        ("{ contact { name ... on Patient { phone } } }", None, {"contact": {"name": "Bo"}}, []),
        # Conditions.
        ("{ me { name email @skip(if: true) } }", None, {"me": {"name": "Ada"}}, []),
        ("{ me { email @include(if: false) } }", None, {"me": {}}, []),
        ("{ me { name } public } ", None, {"me": {"name": "Ada"}, "public": "hours"}, []),
        ("{ __typename a: __typename me { __typename email } }", None,
         {"__typename": "Query", "a": "Query", "me": {"__typename": "Patient", "email": None}}, REFUSED_ME),
        # A scalar.
        ("{ diagnosis public }", "admin", {"diagnosis": None, "public": "hours"}, [("diagnosis",)]),
    ],
)  # fmt: skip
async def test_a_client_gets_what_it_may_read(
    clinic: Clinic, query: str, scopes: str | None, data: object, errors: list[tuple[object, ...]]
) -> None:
    response = await clinic.run(query, scopes)
    assert response.body["data"] == data
    assert places(response) == errors


async def test_introspection_shows_everything(clinic: Clinic) -> None:
    response = await clinic.run('{ __type(name: "Record") { name } me { email } }')
    assert response.body["data"] == {"__type": {"name": "Record"}, "me": None}
    assert places(response) == REFUSED_ME


async def test_nothing_refused_is_fetched(clinic: Clinic) -> None:
    await clinic.run("{ me { name email record { text } } }")
    assert clinic.sent == ["{me{name}}"]
    await clinic.run("{ me { email record { text } } }")
    assert clinic.sent == []


async def test_plans_are_shared_by_clients_for_which_the_same_clauses_fail(clinic: Clinic) -> None:
    query = "query Shared { me { name email record { text } } }"
    plans = clinic.gateway.preparation.plans
    for scopes, count in (("a", 1), ("b c", 1), (None, 2), ("admin", 3), ("admin x", 3), ("staff read:records", 3)):
        await clinic.run(query, scopes)
        assert sum("Shared" in key.document for key, _ in plans.most_used(len(plans))) == count


async def test_a_mutation_is_refused_as_a_whole(clinic: Clinic) -> None:
    query = 'mutation ($no: Boolean = false) { rename(name: "x") { name email } discharge @include(if: $no) }'
    for scopes, status in ((None, 401), ("write", 200)):
        response = await clinic.run(query, scopes)
        assert (response.status or 200) == status
        assert bool(clinic.sent) is (status == 200)
    refused = await clinic.run(query, "read", {"no": True})
    assert (places(refused), refused.status) == ([("discharge",)], 403)
    assert dict(refused.headers)["www-authenticate"] == 'Bearer error="insufficient_scope"'
    assert "data" not in refused.body
    assert clinic.sent == []


async def test_an_operation_is_refused_as_a_whole_in_the_mode_reject() -> None:
    strict = Clinic("authorization: {mode: reject}")
    response = await strict.run(
        "query ($v: Boolean!) { public me { email @skip(if: $v) } patients { email } }", None, {"v": False}
    )
    assert places(response) == [("me", "email"), ("patients", "email")]
    assert ("data" in response.body, response.status, strict.sent) == (False, 401, [])
    served = await strict.run("query ($v: Boolean = true) { public me { name email @skip(if: $v) } }")
    assert served.body == {"data": {"public": "hours", "me": {"name": "Ada"}}}


async def test_a_key_that_the_client_may_not_read_still_joins_subgraphs(clinic: Clinic) -> None:
    """The raw response has the value of `id`; the client must not get it."""
    response = await clinic.run("{ me { name id } }")
    assert "1" not in str(response.body["data"])


def test_an_operation_with_refused_fields_is_left_to_the_interpreter() -> None:
    """Compiled code would return the values that fetches bring as inputs."""
    graph = supergraph.load(SDL)
    operation = get_operation(graph.api_schema, parse("{ me { name id } }"))
    requirements = SchemaRequirements(graph)
    split = filter_operation(operation, requirements, required_clauses(operation, requirements))
    client_shape(graph.schema, split.planned, {})
    with pytest.raises(NotCompilable):
        client_shape(graph.schema, split.client, {})


async def test_the_settings_choose_the_errors() -> None:
    own = Clinic(
        "authorization: {unauthenticated: {code: UNAUTHENTICATED, message: Log in},"
        " forbidden: {code: FORBIDDEN, message: Not yours}}"
    )

    def shown(response: GraphQLResponse) -> tuple[str, str]:
        errors: Any = response.body["errors"]
        (error,) = errors
        return error["extensions"]["code"], error["message"]

    assert shown(await own.run("{ me { name email } }")) == ("UNAUTHENTICATED", "Log in")
    assert shown(await own.run("{ me { name record { text } } }", "x")) == ("FORBIDDEN", "Not yours")
    assert shown(await own.run("mutation { discharge }")) == ("UNAUTHENTICATED", "Log in")


async def test_refused_fields_are_logged_unless_the_settings_forbid_it(clinic: Clinic) -> None:
    with capture_logs() as logs:
        await clinic.run("query Q { me { name record { text } email } }")
    assert [line for line in logs if line["event"] == "access refused"] == [
        {
            "event": "access refused",
            "log_level": "warning",
            "operation": "Q",
            "kind": "query",
            "fields": ("Patient.record", "Patient.email"),
            "requirements": ["@authenticated", "@requiresScopes(admin or read:records and staff)"],
        }
    ]
    silent = Clinic("authorization: {log_refusals: false}")
    with capture_logs() as logs:
        await silent.run("{ me { name email } }")
    assert logs == []


@pytest.mark.parametrize(
    ("holds", "may_read"),
    [("", False), ("treating", True), ("chief", False), ("on_duty chief", True), ("unasked", False)],
)
async def test_a_function_decides_about_policies(clinic: Clinic, holds: str, *, may_read: bool) -> None:
    response = await clinic.run("{ diagnosis }", None, None, holds=holds)
    assert (response.body["data"] == {"diagnosis": "flu"}) is may_read


async def test_a_function_that_fails_grants_nothing(clinic: Clinic) -> None:
    with capture_logs() as logs:
        assert places(await clinic.run("{ diagnosis public }", None, None, fail="1", holds="treating")) == [
            ("diagnosis",)
        ]
    assert logs[0]["event"] == "policy decision unavailable"
    assert logs[0]["reason"] == "RuntimeError"


def test_a_supergraph_is_never_served_unprotected() -> None:
    with capture_logs() as logs:
        unconfigured = Clinic()
    assert unconfigured.gateway.stages.find(Authorization) is not None
    assert [line["event"] for line in logs] == [
        "the supergraph restricts fields, but no authentication is configured",
        "no function or server decides about policies, so none holds",
    ]
    assert logs[1]["policies"] == ["chief", "on_duty", "treating"]


def test_directives_are_found_under_the_names_of_the_links() -> None:
    graph = supergraph.load(SDL)
    assert set(graph.restrictions) == {"authenticated", "requiresScopes", "policy"}
    shown = {str(clause) for clause in SchemaRequirements(graph).of_field("Patient", "record")}
    assert shown == {"@requiresScopes(admin or read:records and staff)"}
    assert '@scopes(scopes: [["read:records", "staff"], ["admin"]])' in SDL
    assert graph.restrictions["requiresScopes"] == "scopes"


async def test_the_versions_of_an_operation_are_bounded() -> None:
    names = [f"s{each}" for each in range(MAX_VERSIONS + 5)]
    fields = " ".join(f'{name}: String @scopes(scopes: [["{name}"]])' for name in names)
    many = Clinic(text=sdl(SUBGRAPH.replace("  public: String", f"  public: String {fields}")))
    query = f"{{ public {' '.join(names)} }}"
    for name in names:
        await many.run(query, name)
    document = many.gateway.preparation.documents.get(query)
    stage = many.gateway.stages.find(Authorization)
    assert document is not None
    (known,) = document.notes[stage].values()  # type: ignore[attr-defined]  # a dictionary
    assert len(known.versions) == MAX_VERSIONS


def test_functions_and_servers_that_cannot_be_used_are_named() -> None:
    with pytest.raises(PolicySetupError, match=r"authorization\.policies\.function"):
        Clinic("authorization: {policies: {function: 'no_such_module:f'}}")
    with pytest.raises(InvalidSettings, match="either `function` or `server`"):
        read("authorization: {policies: {function: 'a:b', server: {url: 'http://a'}}}", {})


async def test_a_client_whose_credential_cannot_be_checked_is_not_called_unauthorized() -> None:
    """With `invalid_credentials: ignore`, the request goes on without an identity. A 401 would end the session."""
    keys = "url: 'http://127.0.0.1:9/keys', timeout: 1s"
    issuer = f"{{issuer: '{ISSUER}', audiences: null, keys: {{{keys}}}}}"
    clinic = Clinic(f"authentication: {{invalid_credentials: ignore, jwt: {{issuers: [{issuer}]}}}}")
    credential = f"Bearer {token()}"
    assert (await clinic.run("{ public }", authorization=credential)).body == {"data": {"public": "hours"}}
    clinic.sent.clear()
    for query in ("{ public me { email } }", "mutation { discharge }"):
        response = await clinic.run(query, authorization=credential)
        errors: Any = response.body["errors"]
        assert (response.status, errors[0]["extensions"]["code"]) == (503, "AUTHENTICATION_UNAVAILABLE")
    assert clinic.sent == []
