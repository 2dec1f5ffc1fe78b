"""The explorer's modules find completions and lay out plans; `explorer.test.mjs` runs in Node.js."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from graphql import build_schema, graphql_sync

import router.server.pages
from router.gateway import Gateway
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from tests.router.shop import SDL, Shop

HERE = Path(__file__).parent
EXPLORER = Path(router.server.pages.__file__).parent / "explorer"
SCHEMA = """
type Query { me: User search(text: String, filter: Filter, kind: Kind = USER): [Result] node: Node }
type Mutation { rename(name: String!): User }
interface Node { name: String! }
type User implements Node { name: String! friends: [User!]! old: Int @deprecated(reason: "Use name.") }
type Book { title: String }
union Result = User | Book
enum Kind { USER BOOK }
input Filter { kinds: [Kind!] exact: Boolean inner: Filter }
"""


def introspection() -> str:
    """Return the query of the explorer, which a module has as text."""
    module = (EXPLORER / "schema_model.mjs").read_text()
    match = re.search(r"INTROSPECTION = `([^`]+)`", module)
    assert match is not None
    return match[1]


def test_the_logic_holds_in_node(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    result = graphql_sync(build_schema(SCHEMA), introspection())
    assert result.errors is None
    (tmp_path / "schema.json").write_text(json.dumps(result.data))
    environ = {**os.environ, "EXPLORER": str(EXPLORER), "INTROSPECTION": str(tmp_path / "schema.json")}
    command = [node, "--test", "--test-reporter=tap", str(HERE / "explorer.test.mjs")]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_the_router_answers_the_query_for_the_schema() -> None:
    """Introspection has its own limits; the page's query is within them."""
    gateway = Gateway.from_supergraph(SDL, read("", {"MOSAFE_ENV": "development"}), send=Shop())
    response = await gateway.execute(GraphQLRequest(query=introspection()))
    assert "errors" not in response.body
    assert json.loads(json.dumps(response.body["data"]))["__schema"]["queryType"] == {"name": "Query"}
