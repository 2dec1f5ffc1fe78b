"""Reads case folders: subgraphs, data, an operation, and the expected response.

    <suite>/subgraphs/*.graphql     one file per subgraph
    <suite>/data.json               as `tests.router.oracle.data_store` reads it
    <suite>/[<case>/]query.graphql  [variables.json]  response.json  [plan.txt]  [requests.json]

`response.json` is {"data": ..., "errors": [path, ...]}: the data exactly, the errors by path (null for one without); or
{"refused": code} for a request error. The data equal those of one server with all the data, unless "unlike_one_server"
gives the reason for a difference. `plan.txt` is the text of the plan, `requests.json` the number of requests to each
subgraph; a subgraph that is not listed gets none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from graphql import parse, validate

from router.errors import RequestError
from router.json_codec import decode, encode
from router.planner import plan
from tests.router.oracle.comparison import composed, run_operation
from tests.router.oracle.data_store import Store
from tests.router.oracle.operation_generator import Operation
from tests.router.oracle.strict_subgraphs import InProcessSubgraphs
from tests.router.oracle.subgraph_rules import FederationRules

if TYPE_CHECKING:
    from router.executor.context_and_result import ExecutionResult
    from router.supergraph import Supergraph

ROOT = Path(__file__).parents[2] / "cases"


@dataclass(frozen=True, slots=True)
class Case:
    """One operation on the federation of a suite."""

    folder: Path

    @property
    def name(self) -> str:
        return str(self.folder.relative_to(ROOT))

    @property
    def suite(self) -> Path:
        return self.folder if (self.folder / "subgraphs").is_dir() else self.folder.parent

    @property
    def subgraphs(self) -> dict[str, str]:
        return {file.stem: file.read_text() for file in sorted((self.suite / "subgraphs").glob("*.graphql"))}

    @property
    def operation(self) -> Operation:
        variables = self._json("variables.json")
        return Operation((self.folder / "query.graphql").read_text(), variables if isinstance(variables, dict) else {})

    @property
    def expected(self) -> dict[str, object]:
        response = self._json("response.json")
        assert isinstance(response, dict)
        return {key: value for key, value in response.items() if key != "unlike_one_server"}

    @property
    def unlike_one_server(self) -> str | None:
        """Why the data differ from those of one server with all the data, if they do."""
        response = self._json("response.json")
        reason = response.get("unlike_one_server") if isinstance(response, dict) else None
        return None if reason is None else str(reason)

    @property
    def expected_requests(self) -> dict[str, int] | None:
        requests = self._json("requests.json")
        return requests if isinstance(requests, dict) else None

    @property
    def expected_plan(self) -> str | None:
        file = self.folder / "plan.txt"
        return file.read_text() if file.exists() else None

    @property
    def labels(self) -> frozenset[str]:
        """The active override labels."""
        labels = self._json("labels.json")
        return frozenset(map(str, labels)) if isinstance(labels, list) else frozenset()

    def store(self) -> Store:
        data = decode((self.suite / "data.json").read_bytes())
        assert isinstance(data, dict)
        return Store(data, FederationRules.of(self.subgraphs).semantics)

    def _json(self, name: str) -> object:
        file = self.folder / name
        return json.loads(file.read_text()) if file.exists() else None

    async def response(self) -> object:
        """The router's response in the format of `response.json`."""
        supergraph = self.supergraph()
        if validate(supergraph.api_schema, parse(self.operation.query)):
            return {"refused": "GRAPHQL_VALIDATION_FAILED"}
        transport = InProcessSubgraphs.over(FederationRules.of(self.subgraphs, self.labels), self.store())
        try:
            result = await run_operation(supergraph, transport, self.operation, override_labels=self.labels)
        except RequestError as refusal:
            return {"refused": refusal.code}
        return _as_json(result)

    def plan(self) -> str:
        return plan(self.supergraph(), parse(self.operation.query)).to_text() + "\n"

    def supergraph(self) -> Supergraph:
        return _composed(tuple(self.subgraphs.items()))


@lru_cache(maxsize=8)
def _composed(subgraphs: tuple[tuple[str, str], ...]) -> Supergraph:
    """The supergraph of a suite. Its cases follow each other, so that a small cache is enough."""
    return composed(dict(subgraphs))


def _as_json(result: ExecutionResult) -> object:
    data = json.loads(encode(result.data))
    paths = sorted({json.dumps(error.path) for error in result.errors})
    return {"data": data} | ({"errors": [json.loads(path) for path in paths]} if paths else {})


def cases(area: str) -> list[Case]:
    """All cases in tests/cases/<area>."""
    return [Case(file.parent) for file in sorted((ROOT / area).rglob("query.graphql"))]
