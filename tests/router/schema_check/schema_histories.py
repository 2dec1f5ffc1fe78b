"""Compares the versions of public schemas with @graphql-inspector/core: each version with the one before it.

npm packages ship such histories, for example all versions of `@octokit/graphql-schema`:

    python -m tests.router.schema_check.schema_histories 14.0.0.graphql 14.1.0.graphql 15.0.0.graphql

Some published versions are not valid schemas: in 8.0.0 of `@octokit/graphql-schema`, default values contain a field
that their type no longer has. The inspector takes such a default value for none. Differences of these versions are
counted apart, and a version that the inspector refuses is left out.
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
from tests.peers.peers import PeerCrash, Peers
from tests.peers.schema_difference import differences

SECONDS = 600.0


def problem_of(text: str) -> str | None:
    """Return the first problem of a schema, or None if the schema is valid."""
    _, problems = build_plain_schema("schema", parse_sdl(text))
    return str(problems[0]) if problems else None


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
            try:
                theirs = peers.diff(texts[old], texts[new], SECONDS)
            except PeerCrash as error:
                click.echo(f"{old.name} -> {new.name}: the inspector refuses it: {str(error).splitlines()[0]}")
                total.update({"refused": 1})
                continue
            problems = list(differences(changes, theirs))
            counts = Counter(str(change.severity) for change in changes)
            click.echo(f"{old.name} -> {new.name}: {dict(counts)}, {len(problems)} differences")
            for problem in problems:
                click.echo(f"  {problem}")
            kind = "differences of invalid versions" if {old, new} & invalid.keys() else "differences"
            total.update({"pairs": 1, **counts, kind: len(problems)})
    click.echo(str(dict(total)))


if __name__ == "__main__":
    main()
