"""Compares the versions of public schemas with @graphql-inspector/core: each version with the one before it.

npm packages ship such histories, for example all versions of `@octokit/graphql-schema`:

    python -m tests.router.schema_check.schema_histories 14.0.0.graphql 14.1.0.graphql 15.0.0.graphql
"""

from __future__ import annotations

import argparse
from collections import Counter
from itertools import pairwise
from pathlib import Path

import click
from graphql import build_schema

from router.schema_check.diff.compare_schemas import compare_schemas
from tests.peers.peers import Peers
from tests.peers.schema_difference import differences

SECONDS = 600.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("versions", type=Path, nargs="+", help="SDL files, the oldest first")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    with Peers() as peers:
        for old, new in pairwise(options.versions):
            before, after = old.read_text(encoding="utf-8"), new.read_text(encoding="utf-8")
            changes = compare_schemas(build_schema(before), build_schema(after))
            problems = list(differences(changes, peers.diff(before, after, SECONDS)))
            counts = Counter(str(change.severity) for change in changes)
            click.echo(f"{old.name} -> {new.name}: {dict(counts)}, {len(problems)} differences")
            for problem in problems:
                click.echo(f"  {problem}")
            total.update(["pairs"])
            total.update(counts)
            total.update({"differences": len(problems)})
    click.echo(str(dict(total)))


if __name__ == "__main__":
    main()
