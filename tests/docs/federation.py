"""docs/federation.md: what of a federation this router can do, shown by the cases of tests/cases/federation.

`python -m tests.docs.federation` runs every case and writes the page; a test finds it stale.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.router.oracle.cases import ROOT, Case, cases

if TYPE_CHECKING:
    from collections.abc import Mapping

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
}

_HEAD = """# Federation

What this router can do with a federation. Each row is a suite of cases in
[tests/cases/federation](../tests/cases/federation): subgraph schemas, data, operations and the answers a single server
with all the data would give. The subgraphs are strict: they fail when they are asked for anything a correct plan would
not ask them.

This page is generated: `python -m tests.docs.federation` runs the cases and writes it.
"""


async def outcome(case: Case) -> bool:
    """Whether the router answers as the case says."""
    return json.dumps(await case.response()) == json.dumps(case.expected)


async def page() -> str:
    """The text of the page, by running every case."""
    by_suite: dict[str, list[Case]] = {}
    for case in cases("federation"):
        by_suite.setdefault(case.suite.relative_to(ROOT / "federation").as_posix(), []).append(case)
    sections = [await _section(title, suites, by_suite) for title, suites in CAPABILITIES.items()]
    told = [name for suites in CAPABILITIES.values() for name in suites]
    assert sorted(by_suite) == sorted(told), "every suite has a row, every row a suite"
    return "\n".join([_HEAD, *sections])


async def _section(title: str, suites: Mapping[str, str], by_suite: Mapping[str, list[Case]]) -> str:
    lines = [f"## {title}", "", "| capability | cases | state |", "|---|---|---|"]
    for name, capability in suites.items():
        passed = [await outcome(case) for case in by_suite[name]]
        state = "passes" if all(passed) else f"**{passed.count(False)} of {len(passed)} fail**"
        lines.append(f"| {capability} | [{name}](../tests/cases/federation/{name}) ({len(passed)}) | {state} |")
    return "\n".join([*lines, ""])


def main() -> None:
    PAGE.write_text(asyncio.run(page()), encoding="utf-8")


if __name__ == "__main__":
    main()
