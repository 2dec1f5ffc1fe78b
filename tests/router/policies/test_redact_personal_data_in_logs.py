"""Personal data does not reach the log, by whatever way it could."""

from __future__ import annotations

import io
import json
import logging
from contextlib import redirect_stdout
from typing import Any

import pytest

from router.gateway import Gateway
from router.pipeline import Operation, RequestContext, Stage
from router.request.request_and_response import GraphQLRequest, GraphQLResponse
from router.settings import read
from router.transport.interface import SubgraphResponse
from servicekit import logging as service_logging
from servicekit import settings as process
from tests.reference_cycles import reference_cycles
from tests.router.shop import SDL, Shop, failing

TAGGED = (
    SDL.replace(
        "scalar join__FieldSet",
        """
directive @tag(name: String!) repeatable on FIELD_DEFINITION | ARGUMENT_DEFINITION | SCALAR | INPUT_FIELD_DEFINITION
scalar Phone @join__type(graph: PEOPLE) @tag(name: "pii")
input Person @join__type(graph: PEOPLE) { email: String @tag(name: "pii") friends: [Person!] note: String phone: Phone }
scalar join__FieldSet""",
        1,
    )
    .replace(
        "  greet(name: String!): String",
        '  greet(name: String! @tag(name: "pii") loud: Boolean): String\n  find(person: Person, id: ID): User',
        1,
    )
    .replace(
        "  name: String @join__field(graph: PEOPLE)", '  name: String @tag(name: "pii") @join__field(graph: PEOPLE)'
    )
)


KEYED = TAGGED.replace("  id: ID!\n  name: String", '  id: ID! @tag(name: "pii")\n  name: String', 1)


@pytest.fixture
def lines() -> Any:
    """Runs an operation whose every fetch fails with `message`; gives the text of the log, as JSON lines."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level

    async def run(
        query: str,
        message: str,
        settings: str = "",
        *,
        stage: Stage | None = None,
        sdl: str = TAGGED,
        me: str | None = None,
        **variables: object,
    ) -> str:
        output = io.StringIO()
        with redirect_stdout(output):
            service_logging.configure("router", process.load(process.ProcessSettings, {"MOSAFE_LOG_FORMAT": "json"}))
            user = SubgraphResponse.of({"data": {"me": {"__typename": "User", "id": me}}})
            responses = people(message) if me is None else lambda _request: user
            shop = Shop(before={"orders": failing(message), "people": responses})
            gateway = Gateway.from_supergraph(sdl, read(settings, {}), send=shop, stages=[stage] if stage else [])
            await gateway.execute(GraphQLRequest(query=query, variables=variables))
        return output.getvalue()

    def people(message: str) -> Any:
        failed = failing(message)
        return lambda request: None if "me{" in "".join(request.operation.split()) else failed(request)

    yield run
    root.handlers, root.level = handlers, level


@pytest.mark.parametrize(
    ("query", "variables", "secret", "shown"),
    [
        ("query($n: String!) { greet(name: $n) }", {"n": "Ada Lovelace"}, "Ada Lovelace", "boolean"),
        ('{ greet(name: "Ada Lovelace") }', {}, "Ada Lovelace", "boolean"),
        (
            "query($p: Person) { find(person: $p) { id } }",
            {"p": {"email": "a@b.c", "note": "shown"}},
            "a@b.c",
            "shown",
        ),
        ("query($p: Person) { find(person: $p) { id } }", {"p": {"friends": [{"email": "a@b.c"}]}}, "a@b.c", "x"),
        ("query($p: Person) { find(person: $p) { id } }", {"p": {"phone": "555 1234"}}, "555 1234", "x"),
        ('{ find(person: {email: "a@b.c", note: "shown"}) { id } }', {}, "a@b.c", "shown"),
        ("query($e: String) { find(person: {email: $e}) { id } }", {"e": "a@b.c"}, "a@b.c", "x"),
        ("query($i: ID) { find(id: $i) { id } }", {"i": "id-7"}, "nobody", "id-7"),
        ("{ me { alias: name orders { id } } }", {}, "Ada", "x"),
        ("{ me { ...F orders { id } } } fragment F on User { name }", {}, "Ada", "x"),
    ],
)
async def test_an_error_that_quotes_it_is_logged_without_it(
    lines: Any, query: str, variables: dict[str, object], secret: str, shown: str
) -> None:
    text = await lines(query, f"<{secret}> and <{shown}> are not wanted", **variables)
    causes = [json.loads(line)["cause"] for line in text.splitlines() if "cause" in line]
    assert causes == [f"<{'nobody' if secret == 'nobody' else '[redacted]'}> and <{shown}> are not wanted"]
    assert secret == "nobody" or secret not in text


async def test_the_tag_is_a_setting(lines: Any) -> None:
    text = await lines('{ greet(name: "Ada Lovelace") }', "no Ada Lovelace", "logging: {redact_tag: secret}")
    assert "no Ada Lovelace" in text


async def test_a_traceback_that_quotes_it_is_logged_without_it(lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_arguments: object) -> None:
        raise KeyError("Ada Lovelace")

    monkeypatch.setattr("router.pipeline.plan_execution.execute", broken)
    text = await lines('{ greet(name: "Ada Lovelace") }', "")
    assert "KeyError" in text
    assert "Lovelace" not in text


class Telling(Stage):
    """Breaks at one stage, with all it knows in the exception."""

    def __init__(self, stage: str) -> None:
        self._stage = stage

    async def on_request(self, context: RequestContext) -> GraphQLRequest:
        self._tell("request", context.request)
        return context.request

    async def on_operation(self, context: RequestContext, operation: Operation) -> None:
        self._tell("operation", context.request, operation)

    async def on_plan(self, context: RequestContext, plan: object) -> None:
        self._tell("plan", context.request, plan)

    async def on_response(self, context: RequestContext, response: GraphQLResponse) -> GraphQLResponse:
        self._tell("response", context.request, response)
        return response

    def _tell(self, stage: str, *known: object) -> None:
        if stage == self._stage:
            raise ValueError(str(known))


@pytest.mark.parametrize("stage", ["request", "operation", "plan", "response"])
async def test_a_stage_that_quotes_it_is_logged_without_it(lines: Any, stage: str) -> None:
    query = 'query Q($n: String!) { greet(name: $n) find(person: {email: "a@b.c"}) { id } me { name } }'
    text = await lines(query, "", stage=Telling(stage), n="Grace Hopper")
    assert "ValueError" in text
    assert not [secret for secret in ("Hopper", "a@b.c", "Ada") if secret in text]


async def test_an_error_that_quotes_a_key_the_client_did_not_ask_for_is_logged_without_it(lines: Any) -> None:
    text = await lines("{ me { orders { id } } }", "no orders of <user-1>", sdl=KEYED, me="user-1")
    assert "no orders of <[redacted]>" in text
    assert "user-1" not in text


def test_values_under_the_names_of_tagged_fields_are_blanked() -> None:
    class Emails:
        names = frozenset({"email"})

        def values(self) -> tuple[str, ...]:
            return ()

    with service_logging.hide_personal_values(Emails()):
        event = service_logging.scrub(None, "info", {"body": [{"email": "a@b.c", "id": 1}]})
    assert event == {"body": [{"email": "[redacted]", "id": 1}]}


async def test_a_request_leaves_no_reference_cycles() -> None:
    gateway = Gateway.from_supergraph(TAGGED, read("", {}), send=Shop(before={"orders": failing("no orders")}))

    async def send_each_kind() -> None:
        for query in ("{ me { name } }", "{ me { orders { id } } }", 'mutation { rename(name: "A") { id } }'):
            await gateway.execute(GraphQLRequest(query=query))

    await send_each_kind()  # the first requests fill caches
    with reference_cycles("router.") as left:
        await send_each_kind()
    assert left == {}
    await gateway.aclose()
