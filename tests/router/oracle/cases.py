"""Cases in folders: subgraphs, data, an operation, and what must come of it.

    <suite>/subgraphs/*.graphql     one file per subgraph
    <suite>/data.json               as `tests.router.oracle.store` reads it
    <suite>/[<case>/]query.graphql  [variables.json]  response.json  [plan.txt]  [requests.json]

`response.json` is {"data": ..., "errors": [path, ...]}: the data exactly, the errors by path (null for one without); or
{"refused": code} for an operation that never starts. The data are what one server with all of it would answer, unless
"unlike_one_server" says why not. `plan.txt`, where present, is the plan's text, `requests.json` how many requests each
subgraph gets (none, if it is not named).
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
from tests.router.oracle.comparison import answer, composed
from tests.router.oracle.operations import Operation
from tests.router.oracle.rules import Federation
from tests.router.oracle.services import InProcess
from tests.router.oracle.store import Store

if TYPE_CHECKING:
    from router.executor.context import ExecutionResult
    from router.supergraph import Supergraph

ROOT = Path(__file__).parents[2] / "cases"


@dataclass(frozen=True, slots=True)
class Case:
    """One operation on one suite's federation."""

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
        """Why the data are not those of a single server with all of it, where they are not."""
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
        """The labels of progressive overrides that hold."""
        labels = self._json("labels.json")
        return frozenset(map(str, labels)) if isinstance(labels, list) else frozenset()

    def store(self) -> Store:
        data = decode((self.suite / "data.json").read_bytes())
        assert isinstance(data, dict)
        return Store(data, Federation.of(self.subgraphs).meaning)

    def _json(self, name: str) -> object:
        file = self.folder / name
        return json.loads(file.read_text()) if file.exists() else None

    async def response(self) -> object:
        """What the router makes of it, in the form of `response.json`."""
        supergraph = self.supergraph()
        if validate(supergraph.api_schema, parse(self.operation.query)):
            return {"refused": "GRAPHQL_VALIDATION_FAILED"}
        transport = InProcess.over(Federation.of(self.subgraphs, self.labels), self.store())
        try:
            result = await answer(supergraph, transport, self.operation, override_labels=self.labels)
        except RequestError as refusal:
            return {"refused": refusal.code}
        return _as_json(result)

    def plan(self) -> str:
        return plan(self.supergraph(), parse(self.operation.query)).to_text() + "\n"

    def supergraph(self) -> Supergraph:
        return _composed(tuple(self.subgraphs.items()))


@lru_cache(maxsize=8)
def _composed(subgraphs: tuple[tuple[str, str], ...]) -> Supergraph:
    """The cases of a suite follow each other and share its supergraph."""
    return composed(dict(subgraphs))


def _as_json(result: ExecutionResult) -> object:
    data = json.loads(encode(result.data))
    paths = sorted({json.dumps(error.path) for error in result.errors})
    return {"data": data} | ({"errors": [json.loads(path) for path in paths]} if paths else {})


def cases(area: str) -> list[Case]:
    """Every case below tests/cases/<area>."""
    return [Case(file.parent) for file in sorted((ROOT / area).rglob("query.graphql"))]
