"""Writes the pages about the Federation capabilities of the router, from the cases of tests/cases/federation.

`docs/federation.md` has a row for each capability; `docs/federation/<suite>.md` lists the cases behind it.
`python -m tests.docs.federation` runs every case and writes the pages; a test checks that they are up to date.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from tests.router.oracle.cases import ROOT, Case, cases
from tests.router.oracle.http_federation import serve_federation

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = ROOT / "federation"
PAGE: Final = Path(__file__).parents[2] / "docs" / "federation.md"
SUITES: Final = PAGE.with_suffix("")

# Suite: the capability that its cases show.
CAPABILITIES: Final[Mapping[str, Mapping[str, str]]] = {
    "Entities and keys": {
        "simple-entity-call": "Fields of an object come from another subgraph by its key",
        "complex-entity-call": "Keys with nested objects and lists, collected from several subgraphs",
        "keys-mashup": "Resolvable, non-resolvable and overlapping composite keys on one type",
        "parent-entity-call": "A nested object without a key is reached through its parent's key",
        "parent-entity-call-complex": "The same over several subgraphs, with a key that only one of them has",
        "shared-root": "A type without a key is merged from several root fields, objects and lists",
        "null-keys": "Nothing is fetched for objects that are null",
        "mysterious-external": "An external key field that its subgraph nevertheless resolves",
        "fed1-external-extends": "Federation 1: `@extends`, external keys, `@provides`",
        "fed1-external-extends-resolvable": "Federation 1: several keys on an extension, one of them composite",
        "fed1-external-extension": "Federation 1: `extend type` with external fields and `@provides`",
        "fed2-external-extends": "Federation 2: `@extends` with external fields and `@provides`",
        "fed2-external-extension": "Federation 2: `extend type` with external fields and `@provides`",
    },
    "`@requires` and `@provides`": {
        "simple-requires-provides": "Required fields are fetched first, provided fields where they are provided",
        "requires-requires": "A required field requires other fields, hidden ones among them",
        "requires-circular": "Two subgraphs require each other's fields",
        "requires-interface": "Requirements through an interface, or for some of its types",
        "requires-with-fragments": "Requirements with nested fragments on interfaces",
        "requires-with-argument": "Requirements with arguments, beside the client's arguments for the same field",
        "requires-with-argument-conflict": "Two fields require one field with different arguments",
        "nested-provides": "`@provides` below nested lists",
        "provides-on-interface": "`@provides` through an interface, by type",
        "provides-on-union": "`@provides` for one member of a union",
        "include-skip": "A condition on a field also holds for the fields that it requires",
    },
    "`@override`": {
        "simple-override": "A field moves to another subgraph",
        "override-with-requires": "An overridden field that other fields require",
        "override-type-interface": "A field is overridden on one implementation of an interface",
        "unavailable-override": "Overriding a subgraph that does not exist has no effect",
    },
    "Interfaces and unions": {
        "abstract-types": "Fields of interfaces: requirements, conditions, nested interfaces, aliases",
        "circular-reference-interface": "An interface with a field of its own type, and `@provides`",
        "child-type-mismatch": "One response key with different types on different concrete types",
        "node": "A `Node` interface that one subgraph returns and others have the fields of",
        "union-intersection": "Members of a union that not every subgraph knows",
        "union-interface-distributed": "An interface that another subgraph implements",
        "partial-union": "A subgraph with fewer members does not count if it cannot return the field",
        "partial-union-complex": "Of several subgraphs that can return a field, the common members count",
        "corrupted-supergraph-node-id": "An operation that no fetches can resolve is refused before any fetch",
        "typename": "`__typename` everywhere, with and without alias, on interface objects too",
    },
    "`@interfaceObject`": {
        "simple-interface-object": "A subgraph adds fields to all implementations of an interface",
        "interface-object-with-requires": "The same with requirements",
        "interface-object-indirect-extension": "A subgraph extends an implementation without knowing the interface",
        "non-resolvable-interface-object": "Interface objects whose key is not resolvable in one direction",
    },
    "Merge, visibility, mutations": {
        "enum-intersection": "Enum values that clients do not see, as input and as output",
        "input-object-intersection": "Input fields that some subgraphs lack are not in the API",
        "simple-inaccessible": "`@inaccessible` on arguments, values and types",
        "mutations": "Mutations run in document order, each once, over several subgraphs",
    },
    "Other": {
        "progressive-override": "`@override` with a label, for all requests or for none",
        "contextual-arguments": "Arguments from an ancestor object (`@context`, `@fromContext`)",
        "introspection": "Introspection of the API schema, without a subgraph request",
        "defer": "`@defer`: the complete response at once",
    },
}

_HEAD = """# Federation

What this router can do with a federation: {cases} cases in {suites} suites. Each row is a suite of
[tests/cases/federation](../tests/cases/federation); its page lists the cases. A case is a folder with an operation, the
expected response and, where it matters, the number of requests that each subgraph gets. Beside it are the subgraphs'
schemas and data.

A case passes when:

- A client that sends the operation to the router over HTTP gets exactly this response. Each subgraph is a separate
  server; the supergraph is composed, and the router started, as in production.
- The response equals the response of one server with all schemas and all data, including the order of mutations. The
  cases that differ are [listed at the end](#differences-from-one-server), each with its reason.
- No subgraph gets an invalid request. The subgraphs of the tests refuse a document that is not valid, a key that does
  not exist, an `@external` field that is not provided, a field that was overridden, and a missing required field.

The files of a case are described in [cases.py](../tests/router/oracle/cases.py), the data in
[data_store.py](../tests/router/oracle/data_store.py). `python -m tests.docs.federation` runs the cases and writes these
pages; a test fails when one is stale.
"""

_DIFFERENCES = """## Differences from one server

If subgraphs know less than all of them together, a response differs from the response of one server with all the data:

| capability | cases | reason |
|---|---|---|"""


async def pages() -> dict[Path, str]:
    """The text of every page, by running every case."""
    by_suite: dict[str, list[Case]] = {}
    for case in cases("federation"):
        by_suite.setdefault(case.folder.relative_to(FOLDER).parts[0], []).append(case)
    described = {name: capability for suites in CAPABILITIES.values() for name, capability in suites.items()}
    assert sorted(by_suite) == sorted(described), "every suite has a row, every row a suite"
    failing = {name: await _failing(cases_of_suite) for name, cases_of_suite in by_suite.items()}
    head = _HEAD.format(cases=len(cases("federation")), suites=len(by_suite))
    sections = [_section(title, suites, by_suite, failing) for title, suites in CAPABILITIES.items()]
    main = "\n".join([head, *sections, _DIFFERENCES, *_differences(described, by_suite), ""])
    own_pages = {
        SUITES / f"{name}.md": _suite_page(name, capability, by_suite[name], failing[name])
        for name, capability in described.items()
    }
    return {PAGE: main, **own_pages}


def _section(
    title: str, suites: Mapping[str, str], by_suite: Mapping[str, list[Case]], failing: Mapping[str, list[Case]]
) -> str:
    lines = [f"## {title}", "", "| capability | cases |", "|---|---|"]
    for name, capability in suites.items():
        count, failed = len(by_suite[name]), len(failing[name])
        state = f"**{failed} of {count} fail**" if failed else f"{count} of {count} pass"
        lines.append(f"| [{capability}](federation/{name}.md) | {state} |")
    return "\n".join([*lines, ""])


def _differences(described: Mapping[str, str], by_suite: Mapping[str, list[Case]]) -> list[str]:
    rows: list[str] = []
    for name, capability in described.items():
        reasons = Counter(case.unlike_one_server for case in by_suite[name] if case.unlike_one_server)
        rows += [f"| [{capability}](federation/{name}.md) | {count} | {reason} |" for reason, count in reasons.items()]
    return rows


def _suite_page(name: str, capability: str, cases_of_suite: list[Case], failing: list[Case]) -> str:
    lines = [
        f"# {capability}",
        "",
        f"The cases of [tests/cases/federation/{name}](../../tests/cases/federation/{name});",
        "what a case is, and when it passes, is explained in [Federation](../federation.md).",
        "",
    ]
    for case in cases_of_suite:
        failed = " **fails**" if case in failing else ""
        differs = f" (differs from one server: {case.unlike_one_server})" if case.unlike_one_server else ""
        lines.append(f"- {_link(case)}{failed}{differs}")
    return "\n".join([*lines, ""])


async def _failing(row: list[Case]) -> list[Case]:
    """The cases whose response is not the expected one."""
    failing: list[Case] = []
    for _, suite in groupby(row, key=lambda case: case.suite):
        cases_of_suite = list(suite)
        async with serve_federation(cases_of_suite[0].subgraphs) as running:
            failing += [case for case in cases_of_suite if await running.differences(case)]
    return failing


def _link(case: Case) -> str:
    path = case.folder.relative_to(FOLDER)
    name = " / ".join(path.parts[1:]).replace("-", " ")
    return f"[{name}](../../tests/cases/federation/{path.as_posix()})"


def main() -> None:
    # Without the log lines of all requests.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    written = asyncio.run(pages())
    SUITES.mkdir(exist_ok=True)
    for stale in set(SUITES.glob("*.md")) - written.keys():
        stale.unlink()
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
