"""docs/federation.md: what of a federation this router can do, shown by the cases of tests/cases/federation.

`python -m tests.docs.federation` runs every case and writes the page; a test finds it stale.
"""

from __future__ import annotations

import asyncio
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.router.oracle.cases import ROOT, Case, cases
from tests.router.oracle.served import served

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = ROOT / "federation"
PAGE: Final = Path(__file__).parents[2] / "docs" / "federation.md"

# Suite: what it takes to pass it.
CAPABILITIES: Final[Mapping[str, Mapping[str, str]]] = {
    "Entities and keys": {
        "simple-entity-call": "An object is continued in another subgraph by its key",
        "complex-entity-call": "Keys of nested objects and lists, gathered over several hops",
        "keys-mashup": "Resolvable and non-resolvable keys on one type, overlapping composite keys",
        "parent-entity-call": "A nested object without a key is reached through its parent's entity",
        "parent-entity-call-complex": "The same, over several subgraphs, with a key that only one of them takes",
        "shared-root": "A type without a key is put together from several roots, objects and lists",
        "null-keys": "Where an object on the way is null, nothing is asked about it further on",
        "mysterious-external": "A key field marked external that is there all the same",
        "fed1-external-extends": "Federation 1: `@extends`, external keys, `@provides`",
        "fed1-external-extends-resolvable": "Federation 1: several keys on an extension, one of them composite",
        "fed1-external-extension": "Federation 1: `extend type` with external fields and `@provides`",
        "fed2-external-extends": "Federation 2: `@extends` with external fields and `@provides`",
        "fed2-external-extension": "Federation 2: `extend type` with external fields and `@provides`",
    },
    "`@requires` and `@provides`": {
        "simple-requires-provides": "Required fields are fetched first, provided ones where they are provided",
        "requires-requires": "A required field requires others, over several subgraphs, inaccessible ones among them",
        "requires-circular": "Two subgraphs require each other's fields, back and forth",
        "requires-interface": "Requirements through an interface, or of some of its types only",
        "requires-with-fragments": "Requirements with nested fragments over an interface hierarchy",
        "requires-with-argument": "Requirements with arguments, beside the client's own arguments for the same field",
        "requires-with-argument-conflict": "Two fields require one field with different arguments",
        "nested-provides": "`@provides` below nested lists",
        "provides-on-interface": "`@provides` through an interface, per type",
        "provides-on-union": "`@provides` for one member of a union",
        "include-skip": "A condition on a field holds for the fetches of what it requires too",
    },
    "`@override`": {
        "simple-override": "A field moves to another subgraph",
        "override-with-requires": "An overridden field that others require",
        "override-type-interface": "A field overridden on one implementation of an interface",
        "unavailable-override": "Overriding a subgraph that does not exist changes nothing",
    },
    "Interfaces and unions": {
        "abstract-types": "Fields of interfaces, requirements, conditions, nested interfaces, aliases",
        "circular-reference-interface": "An interface that refers to itself, with `@provides`",
        "child-type-mismatch": "One response key with different types under different concrete types",
        "node": "A `Node` interface that one subgraph returns and others have the fields of",
        "union-intersection": "Members of a union that not every subgraph knows",
        "union-interface-distributed": "An interface implemented elsewhere than where the object comes from",
        "partial-union": "A smaller union in a subgraph that cannot be asked leaves the larger one as it is",
        "partial-union-complex": "Of several subgraphs that could answer, only common members count",
        "corrupted-supergraph-node-id": "What no fetch can answer is refused before any fetch",
        "typename": "`__typename` anywhere, aliased or not, on interface objects too",
    },
    "`@interfaceObject`": {
        "simple-interface-object": "Fields for all implementations of an interface from a subgraph that knows none",
        "interface-object-with-requires": "The same, with requirements",
        "interface-object-indirect-extension": "An implementation extended where the interface is not known",
        "non-resolvable-interface-object": "Interface objects whose key cannot be used in one direction",
    },
    "Merging, visibility, mutations": {
        "enum-intersection": "Enum values hidden from the client, as input and as output",
        "input-object-intersection": "Input fields that not all subgraphs have are not in the API",
        "simple-inaccessible": "`@inaccessible` on arguments, values and types",
        "mutations": "Mutations in document order, each done once, over several subgraphs",
    },
    "More": {
        "progressive-override": "`@override` with a label, for all requests or for none",
        "contextual-arguments": "Arguments from an object around (`@context`, `@fromContext`)",
        "introspection": "Introspection of what clients may see, answered without a subgraph",
        "defer": "`@defer`: the whole answer for a client that takes one",
    },
}

_HEAD = """# Federation

What this router can do with a federation, and what shows it: {cases} cases in {suites} suites. Each row is a suite in
[tests/cases/federation](../tests/cases/federation), each name in it a case: a folder with an operation, the answer and,
where it matters, how many requests the subgraphs get for it; beside it lie the subgraphs' schemas and their data.

A case passes when

- a client that sends the operation to the router over HTTP gets exactly this answer. Each subgraph is a server of its
  own, at the address that the supergraph says; the router is composed, started and asked as in production;
- the answer is that of one server with all the schemas and all the data, mutations in the same order included; the
  cases where a federation has to answer differently are [listed at the end](#unlike-one-server), each with its reason;
- no subgraph was sent anything it refuses. They are strict: a document that is not valid there, an object by a key that
  is not there, an `@external` field that is not provided, a field that was overridden, a field without what it
  requires are errors, whatever the data.

The files of a case and how data are written are told in [cases.py](../tests/router/oracle/cases.py) and
[store.py](../tests/router/oracle/store.py). This page is generated: `python -m tests.docs.federation` runs the cases
and writes it; a test fails when it is stale.
"""

_UNLIKE = """## Unlike one server

Where subgraphs know less than all of them together, an answer differs from that of one server with all the data:

| case | why |
|---|---|"""


async def page() -> str:
    """The text of the page, by running every case."""
    by_row: dict[str, list[Case]] = {}
    for case in cases("federation"):
        by_row.setdefault(case.folder.relative_to(FOLDER).parts[0], []).append(case)
    told = [name for suites in CAPABILITIES.values() for name in suites]
    assert sorted(by_row) == sorted(told), "every suite has a row, every row a suite"
    sections = [await _section(title, suites, by_row) for title, suites in CAPABILITIES.items()]
    unlike = [f"| {_link(case)} | {case.unlike_one_server} |" for case in cases("federation") if case.unlike_one_server]
    head = _HEAD.format(cases=len(cases("federation")), suites=len(by_row))
    return "\n".join([head, *sections, _UNLIKE, *unlike, ""])


async def _section(title: str, suites: Mapping[str, str], by_row: Mapping[str, list[Case]]) -> str:
    lines = [f"## {title}", "", "| capability | cases | state |", "|---|---|---|"]
    for name, capability in suites.items():
        row = by_row[name]
        failing = await _failing(row)
        state = f"**fails: {', '.join(map(_link, failing))}**" if failing else f"{len(row)} of {len(row)} pass"
        suite = f"[{capability}](../tests/cases/federation/{name})"
        lines.append(f"| {suite} | {', '.join(map(_link, row))} | {state} |")
    return "\n".join([*lines, ""])


async def _failing(row: list[Case]) -> list[Case]:
    """The cases that are not answered as they say."""
    failing: list[Case] = []
    for _, suite in groupby(row, key=lambda case: case.suite):
        own = list(suite)
        async with served(own[0].subgraphs) as running:
            failing += [case for case in own if await running.differences(case)]
    return failing


def _link(case: Case) -> str:
    path = case.folder.relative_to(FOLDER)
    name = " / ".join(path.parts[1:]).replace("-", " ")
    return f"[{name}](../tests/cases/federation/{path.as_posix()})"


def main() -> None:
    PAGE.write_text(asyncio.run(page()), encoding="utf-8")


if __name__ == "__main__":
    main()
