"""Compares the versions of public schemas with @graphql-inspector/core: each version with the one before it.

npm packages ship such histories, for example all versions of `@octokit/graphql-schema`:

    python -m tests.router.schema_check.schema_histories 14.0.0.graphql 14.1.0.graphql 15.0.0.graphql

Some published versions are not valid schemas: in 8.0.0 of `@octokit/graphql-schema`, default values contain a field
that their type no longer has. `router check` refuses such a version, and the inspector does not. Differences of these
versions are counted apart.
"""

from __future__ import annotations

import argparse
from collections import Counter
from itertools import pairwise
from pathlib import Path

import click
from graphql import build_schema

from router.federation.sdl.parse_sdl import parse_sdl
from router.schema_check.diff.compare_schemas import compare_schemas
from router.schema_check.plain_schemas import build_plain_schema
from router.schema_check.schema_sources import UnreadableSchema
from tests.peers.peers import Peers
from tests.peers.schema_difference import differences

SECONDS = 600.0


def problem_of(text: str) -> str | None:
    """Return the first reason why `router check` refuses a schema, or None if the schema is valid."""
    try:
        build_plain_schema("schema", parse_sdl(text))
    except UnreadableSchema as error:
        return str(error).splitlines()[0]
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("versions", type=Path, nargs="+", help="SDL files, the oldest first")
    options = parser.parse_args()
    texts = {path: path.read_text(encoding="utf-8") for path in options.versions}
    invalid = {path: problem for path, text in texts.items() if (problem := problem_of(text)) is not None}
    for path, problem in invalid.items():
        click.echo(f"{path.name} is not a valid schema: {problem}")
    total: Counter[str] = Counter()
    with Peers() as peers:
        for old, new in pairwise(options.versions):
            before, after = (build_schema(texts[each], assume_valid_sdl=True) for each in (old, new))
            changes = compare_schemas(before, after)
            problems = list(differences(changes, peers.diff(texts[old], texts[new], SECONDS)))
            counts = Counter(str(change.severity) for change in changes)
            click.echo(f"{old.name} -> {new.name}: {dict(counts)}, {len(problems)} differences")
            for problem in problems:
                click.echo(f"  {problem}")
            kind = "differences of invalid versions" if {old, new} & invalid.keys() else "differences"
            total.update({"pairs": 1, **counts, kind: len(problems)})
    click.echo(str(dict(total)))


if __name__ == "__main__":
    main()
