"""Prints the plans of every operation in the tree: the cases', the bank's, the recorded ones beside the checkout.

Run as a program, so that a test can start it with different hash seeds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from graphql import parse, validate

from router.errors import RequestError
from router.planner import plan
from router.supergraph import load
from tests.router.oracle.cases import cases
from tests.router.planner.test_corpus import CASES, supergraph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.supergraph import Supergraph

ROOT = Path(__file__).parents[3]


def operations() -> Iterator[tuple[str, Supergraph, str]]:
    bank = load((ROOT / "supergraph.graphql").read_text())
    fragments = (ROOT / "rest_compat/operations/fragments.graphql").read_text()
    for file in sorted((ROOT / "rest_compat/operations").glob("*.graphql")):
        if file.name != "fragments.graphql":
            yield file.name, bank, f"{file.read_text()}\n{fragments}"
    for recorded in CASES:
        yield recorded["id"], supergraph(recorded["supergraph"]), recorded["query"]
    for case in cases("federation"):
        yield case.name, case.supergraph(), case.operation.query


def main() -> None:
    for name, graph, document in operations():
        if validate(graph.api_schema, parse(document)):
            continue
        try:
            planned = plan(graph, document)
            sys.stdout.write(f"{name}\n{planned.to_text()}\n{json.dumps(planned.to_json())}\n")
        except RequestError as refusal:
            sys.stdout.write(f"{name}\n{refusal.message}\n")


if __name__ == "__main__":
    main()
