"""Operations that need a more recent or a stronger login (RFC 9470).

Covers `router/settings/sections/step_up.py`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from structlog.testing import capture_logs

from router.policies.authorization.step_up_stage import Login, challenge, combined
from router.policies.load_operator_functions import PolicySetupError
from router.request.identity import Identity
from router.request.request_and_response import GraphQLRequest
from router.settings import InvalidSettings, read
from tests.router.policies.authorization.clinic import Clinic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.request.request_and_response import GraphQLResponse

RULES = """
authentication: {jwt: {clock_skew: 100s}}
authorization:
  step_up:
    - {fields: [Mutation.rename], acr_values: ["urn:mfa", "urn:key"]}
    - {fields: [Patient.phone], max_age: 5m}
    - {fields: [Contact.name], acr_values: ["urn:key"], max_age: 1m}
    - {operations: [mutation], max_age: 1m}
"""


async def run(
    query: str, claims: dict[str, object] | None, variables: dict[str, object] | None = None
) -> GraphQLResponse:
    clinic = Clinic(RULES)
    clinic.identity = client(claims)
    return await clinic.gateway.execute(GraphQLRequest(query=query, variables=variables or {}))


def outcome(response: GraphQLResponse) -> tuple[object, ...]:
    errors: Any = response.body.get("errors", [])
    own = [each for each in errors if each["extensions"]["code"] == "INSUFFICIENT_USER_AUTHENTICATION"]
    if not own:
        return ()
    assert (response.status, "data" in response.body) == (401, False)
    return own[0]["extensions"].get("acrValues"), own[0]["extensions"].get("maxAge")


def client(claims: Mapping[str, object] | None) -> Identity | None:
    """The client with these claims. A negative `auth_time` is that many seconds ago."""
    if claims is None:
        return None
    login = claims.get("auth_time")
    if isinstance(login, int) and login < 0:
        return Identity({**claims, "auth_time": int(time.time()) + login})
    return Identity(claims)


RENAME = 'mutation { rename(name: "x") { id } }'
IN_FRAGMENTS = "{ me { ...A } } fragment A on Patient { ...B } fragment B on Patient { phone }"
CONDITIONAL = "query ($with: Boolean = false) { me { email ...A @include(if: $with) } } fragment A on Patient { phone }"


@pytest.mark.parametrize(
    ("query", "claims", "expected"),
    [
        ("{ public }", {}, ()),
        ("{ public }", None, ()),
        ("{ me { email } }", {}, ()),
        ("{ __typename __schema { __typename } }", {}, ()),
        # A time limit.
        ("{ me { phone } }", {}, (None, 300)),
        ("{ me { phone } }", {"auth_time": -3600}, (None, 300)),
        ("{ me { phone } }", {"auth_time": -100}, ()),
        ("{ me { phone } }", {"auth_time": -350}, ()),  # within the clock skew
        ("{ me { phone } }", {"auth_time": "-1"}, (None, 300)),
        ("{ me { phone } }", {"auth_time": True}, (None, 300)),
        # A class of login, and a kind of operation. One challenge names both.
        (RENAME, {"auth_time": -1}, (["urn:mfa", "urn:key"], None)),
        (RENAME, {"acr": "urn:mfa"}, (None, 60)),
        (RENAME, {"acr": ["urn:mfa"], "auth_time": -1}, (["urn:mfa", "urn:key"], None)),
        (RENAME, {}, (["urn:mfa", "urn:key"], 60)),
        (RENAME, {"acr": "urn:key", "auth_time": -1}, ()),
        # Wherever the field is: aliases, fragments, interfaces, the implementation of an interface.
        ("{ me { x: phone } }", {}, (None, 300)),
        (IN_FRAGMENTS, {}, (None, 300)),
        ("{ search { ... on Patient { phone } } }", {}, (None, 300)),
        ("{ contact { ... on Patient { phone } } }", {"acr": "urn:key", "auth_time": -400}, (None, 300)),
        ("{ contact { name } }", {"acr": "urn:key", "auth_time": -30}, ()),
        ("{ contact { name } }", {}, (["urn:key"], 60)),
        ("{ me { name } }", {}, (["urn:key"], 60)),
        ("{ me { doctor { name } phone } }", {}, (["urn:key"], 60)),
    ],
)
async def test_a_rule_applies_where_its_field_is_selected(
    query: str, claims: dict[str, object] | None, expected: tuple[object, ...]
) -> None:
    clinic = Clinic(RULES + "introspection: true\n")
    clinic.identity = client(claims)
    assert outcome(await clinic.gateway.execute(GraphQLRequest(query=query))) == expected
    assert not (expected and clinic.sent), "nothing is fetched for a refused operation"


@pytest.mark.parametrize(("given", "expected"), [({}, ()), ({"with": False}, ()), ({"with": True}, (None, 300))])
async def test_a_field_that_is_not_included_needs_no_login(
    given: dict[str, object], expected: tuple[object, ...]
) -> None:
    assert outcome(await run(CONDITIONAL, {}, given)) == expected


async def test_each_request_with_a_cached_document_is_checked() -> None:
    clinic = Clinic(RULES)
    for claims, expected in (({"auth_time": -1}, ()), ({}, (None, 300)), ({"auth_time": -1}, ())) * 2:
        clinic.identity = client(claims)
        assert outcome(await clinic.gateway.execute(GraphQLRequest(query="{ me { phone } }"))) == expected


async def test_a_field_that_the_client_may_not_read_needs_no_login() -> None:
    """Without the scopes, the field is not fetched, so a new login would be of no use."""
    text = 'authorization: {step_up: [{fields: ["Record.*"], max_age: 1m}]}'
    clinic = Clinic(text)
    clinic.identity = Identity({}, frozenset())
    refused = await clinic.gateway.execute(GraphQLRequest(query="{ me { email record { text } } }"))
    assert outcome(refused) == ()
    assert refused.body["data"] == {"me": {"email": "a@x.example", "record": None}}
    clinic.identity = Identity({}, frozenset({"admin"}))
    assert outcome(await clinic.gateway.execute(GraphQLRequest(query="{ me { record { text } } }"))) == (None, 60)


async def test_a_client_without_a_credential_gets_a_challenge_without_an_error() -> None:
    response = await run("{ me { phone } }", None)
    assert outcome(response) == (None, 300)
    assert response.headers == (("www-authenticate", 'Bearer max_age="300"'),)


async def test_the_log_names_the_fields_and_the_login() -> None:
    with capture_logs() as logs:
        await run("query Q { me { phone doctor { name } } }", {"sub": "ada"})
    assert [{**line} for line in logs if line["event"] == "step-up required"] == [
        {
            "event": "step-up required",
            "operation": "Q",
            "kind": "query",
            "fields": ["Doctor.name", "Patient.phone"],
            "acr_values": ("urn:key",),
            "max_age": 60.0,
            "log_level": "warning",
        }
    ]


async def test_http_has_the_status_and_the_challenge() -> None:
    clinic = Clinic(RULES)
    clinic.identity = Identity({"acr": "urn:pwd"})
    transport = httpx.ASGITransport(clinic.gateway.asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://router") as client:
        for media_type in ("application/json", "application/graphql-response+json"):
            response = await client.post("/graphql", json={"query": RENAME}, headers={"accept": media_type})
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == (
                'Bearer error="insufficient_user_authentication", acr_values="urn:mfa urn:key", max_age="60"'
            )


@pytest.mark.parametrize(
    ("claims", "expected"),
    [({"auth_time": 940}, True), ({"auth_time": 939}, False), ({"auth_time": 940.5}, True), ({}, False)],
)
def test_the_login_may_be_as_old_as_the_limit(claims: dict[str, object], *, expected: bool) -> None:
    assert Login((), 60.0).is_met(Identity(claims), now=1000.0) is expected


def test_one_challenge_meets_several_rules_if_one_login_can() -> None:
    assert combined([Login(("a", "b"), None), Login((), 60.0), Login(("b", "c"), 30.0)]) == Login(("b",), 30.0)
    assert combined([Login(("a",), None), Login(("c",), None)]) == Login(("a",), None)
    assert combined([Login((), 5.0)]) == Login((), 5.0)


def test_a_client_with_a_bound_token_is_challenged_in_its_scheme() -> None:
    bound = Identity({"cnf": {"jkt": "x"}})
    assert challenge(Login(("a",), None), bound) == 'DPoP error="insufficient_user_authentication", acr_values="a"'


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{acr_values: [a]}", "give `fields` or `operations`"),
        ("{fields: [Query.me]}", "give `acr_values` or `max_age`"),
        ("{fields: [me], acr_values: [a]}", "step_up"),
        ("{fields: [Query.me], acr_values: ['a b']}", "step_up"),
        ("{fields: [Query.me], acr_values: ['a\"b']}", "step_up"),
        ("{operations: [mutate], max_age: 1m}", "step_up"),
    ],
)
def test_a_rule_without_an_effect_is_refused(rule: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        read(f"authorization: {{step_up: [{rule}]}}", {})


@pytest.mark.parametrize("field", ["Query.you", "Nothing.*", "Found.text", "Diagnosis.x"])
def test_a_rule_for_a_field_that_does_not_exist_stops_the_start(field: str) -> None:
    with pytest.raises(PolicySetupError, match=r"authorization\.step_up\[0\]\.fields"):
        Clinic(f"authorization: {{step_up: [{{fields: ['{field}'], max_age: 1m}}]}}")


def test_without_rules_there_is_no_stage() -> None:
    assert "StepUp" not in {type(stage).__name__ for stage in Clinic().gateway.stages.stages}
