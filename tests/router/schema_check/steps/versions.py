"""Versions of a schema for tests of steps."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from graphql import parse

from router.composition import Subgraph, compose
from router.schema_check.judge_changes import CheckInput
from router.schema_check.operations.known_operations import KnownOperation
from router.schema_check.schema_sources import SchemaSource
from router.schema_check.schema_versions import build_version

if TYPE_CHECKING:
    from router.schema_check.schema_versions import SchemaVersion

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", '
    'import: ["@key", "@tag", "@shareable", "@provides", "@external"])\n'
)


def version(label: str, **sdl: str) -> SchemaVersion:
    subgraphs = tuple(Subgraph(name, f"http://{name}.example/", f"{LINK}{text}") for name, text in sdl.items())
    return build_version(SchemaSource(label, subgraphs=subgraphs), compose(subgraphs))


def operation(text: str) -> KnownOperation:
    return KnownOperation(text, "client.graphql:1", parse(text))


def compared(base: SchemaVersion, proposed: SchemaVersion, *operations: str) -> CheckInput:
    known = [operation(each) for each in operations] or None
    return CheckInput(base, proposed, known, (), date(2026, 1, 1))
