"""Random operations, generated from the schema, against the router and against each subgraph's own port.

`--graphql-fuzz-requests` sets their number for each port: small in an ordinary run, 5,000 in `make fuzz-graphql`.
Each run uses one seed. Errors that a client causes are expected, because the schema allows more than the bank accepts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_client_schema,
    get_introspection_query,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    parse,
    type_from_ast,
)

from tests.e2e.platform import PASSWORD, ROOT

if TYPE_CHECKING:
    from tests.e2e.platform import Platform

pytestmark = pytest.mark.xdist_group("bank")

SEED = 20261129
# Root fields of the largest schema, among which Schemathesis divides its examples.
ROOT_FIELDS = {"router": 16, "auth": 6, "account": 6, "transaction": 7}
# The errors that a client causes with operations that fit the schema.
CLIENT_CODES = {
    "BAD_USER_INPUT",
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "RATE_LIMITED",
    "QUERY_TOO_EXPENSIVE",
    "MAX_ALIASES_LIMIT",
    "MAX_DEPTH_LIMIT",
    "MAX_FIELDS_LIMIT",
    "GRAPHQL_VALIDATION_FAILED",
}


def misfits(schema: GraphQLSchema, type_: GraphQLOutputType, node: FieldNode, value: Any) -> list[str]:
    """The places where a value is not of its type in the schema."""
    name = node.name.value
    if is_non_null_type(type_):
        return [f"{name} is null"] if value is None else misfits(schema, type_.of_type, node, value)
    if value is None:
        return []
    if is_list_type(type_):
        items = value if isinstance(value, list) else []
        found = [misfit for item in items for misfit in misfits(schema, type_.of_type, node, item)]
        return found if isinstance(value, list) else [f"{name} is not a list"]
    if is_leaf_type(type_):
        return leaf_misfits(type_, name, value)
    return object_misfits(schema, type_, node, value) if isinstance(value, dict) else [f"{name} is not an object"]


def leaf_misfits(type_: GraphQLScalarType | GraphQLEnumType, name: str, value: Any) -> list[str]:
    try:
        type_.parse_value(value)
    except GraphQLError as error:
        return [f"{name}: {error}"]
    return []


def object_misfits(schema: GraphQLSchema, type_: Any, node: FieldNode, value: dict[str, Any]) -> list[str]:
    selected: dict[str, list[tuple[Any, FieldNode]]] = {}
    collect(schema, type_, node.selection_set, selected)
    found: list[str] = []
    for key, item in value.items():
        if key == "__typename":
            continue
        # Without `__typename` in the operation, the object may be of any type that has the field.
        options = [(parent.fields[field.name.value].type, field) for parent, field in selected.get(key, [])]
        verdicts = [misfits(schema, option, field, item) for option, field in options]
        if not verdicts:
            found.append(f"{key} was not selected")
        elif all(verdicts):
            found += verdicts[0]
    return found


def collect(schema: GraphQLSchema, type_: Any, selections: SelectionSetNode | None, into: dict[str, list[Any]]) -> None:
    """Response key -> the fields with it, and the type that each was selected on."""
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            if node.name.value != "__typename":
                into.setdefault((node.alias or node.name).value, []).append((type_, node))
        else:
            condition = getattr(node, "type_condition", None)
            inner = type_from_ast(schema, condition) if condition else type_
            collect(schema, inner, getattr(node, "selection_set", None), into)


def outside_the_schema(schema: GraphQLSchema, document: str, data: dict[str, Any] | None) -> list[str]:
    (operation,) = (node for node in parse(document).definitions if isinstance(node, OperationDefinitionNode))
    root = schema.get_root_type(operation.operation)
    assert root is not None
    whole = FieldNode(name=NameNode(value="data"), selection_set=operation.selection_set)
    return [] if data is None else misfits(schema, root, whole, data)


def environment(bank: Platform) -> dict[str, str]:
    person = bank.register("Grace")
    bank.open_account(person, deposit="1000.00")
    return {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.e2e.graphql_fuzz_hooks",
        "FUZZ_REST_URL": bank.rest_url,
        "FUZZ_CREDENTIALS": json.dumps({"email": person.email, "password": PASSWORD}),
    }


def send(bank: Platform, url: str, count: int, tmp_path: Path) -> list[tuple[str, int, dict[str, Any]]]:
    """(document, status, response) of each request that Schemathesis generates for the schema at `url`."""
    report = tmp_path / "fuzz.har"
    command = [
        str(Path(sys.executable).with_name("st")),
        *("run", url, "--seed", str(SEED), "--max-examples", str(count), "--mode", "positive"),
        *("--phases", "fuzzing", "--checks", "response_schema_conformance", "--exclude-name", "Mutation.logout"),
        *("--report", "har", "--report-har-path", str(report), "--continue-on-failure", "--no-color", "--no-shrink"),
    ]
    run = subprocess.run(command, cwd=ROOT, env=environment(bank), capture_output=True, text=True, check=False)
    assert "is not recognized" not in run.stdout, run.stdout[-5_000:]
    assert report.exists(), run.stdout[-20_000:] + run.stderr[-5_000:]
    entries = json.loads(report.read_text(encoding="utf-8"))["log"]["entries"]
    return [
        (
            json.loads(entry["request"]["postData"]["text"])["query"],
            entry["response"]["status"],
            json.loads(entry["response"]["content"]["text"]),
        )
        for entry in entries
        if entry["request"].get("postData")
    ]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("service", ["router", "auth", "account", "transaction"])
def test_each_response_fits_the_schema_and_no_error_is_the_servers(
    bank: Platform, service: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Fields with an argument of one of five scalars were never reached."""
    budget: int = request.config.getoption("--graphql-fuzz-requests")
    url = bank.router_url if service == "router" else bank.subgraph_url(service)
    exchanges = send(bank, url, ceil(budget / ROOT_FIELDS[service]), tmp_path)
    introspection = httpx.post(url, json={"query": get_introspection_query()}, timeout=30).json()
    schema = build_client_schema(introspection["data"])

    codes = Counter(
        error.get("extensions", {}).get("code") for _, _, body in exchanges for error in body.get("errors", [])
    )
    print(f"{service}: {len(exchanges)} requests, seed {SEED}, {dict(codes)}")  # noqa: T201 - the count of a long run
    assert len(exchanges) >= budget / 2, len(exchanges)
    assert not {status for _, status, _ in exchanges if status >= 500}
    assert codes.keys() <= CLIENT_CODES, codes
    for document, _, body in exchanges:
        assert not outside_the_schema(schema, document, body.get("data")), (document, body)
