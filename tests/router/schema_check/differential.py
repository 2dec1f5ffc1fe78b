"""Compares many generated pairs of schemas with @graphql-inspector/core, and with generated operations.

python -m tests.router.schema_check.differential --count 10000 --seed 1

For each pair, operations and variables are generated that are valid with the old schema. A client that sends one of
them must not break, unless a change that is not safe affects the operation.
"""

from __future__ import annotations

import argparse
import gc
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import click
from graphql import parse

from router.schema_check.changes import Severity
from router.schema_check.diff.compare_schemas import compare_schemas
from router.usage.used_coordinates import used_coordinates
from tests.peers.peers import Peers
from tests.peers.schema_difference import differences
from tests.router.oracle.choices import SeededChoices
from tests.router.oracle.operation_generator import generate_operation
from tests.router.schema_check.answer_types import reasons_to_break
from tests.router.schema_check.generate_schemas import generate_pair, generate_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql import DocumentNode

    from router.schema_check.changes import Change
    from tests.router.schema_check.generate_schemas import GeneratedPair

# How many operations are generated on a schema. One of four is not valid, and left out.
OPERATIONS = 3
# Numbers of fields. The schemas are small, so that a few fields reach most of their types.
SIZES = (5, 10, 20)
PROGRESS = 500


@dataclass(frozen=True, slots=True)
class GeneratedOperation:
    """An operation that is valid with an old schema, and the coordinates of the schema that it uses."""

    text: str
    document: DocumentNode
    variables: dict[str, object]
    used: frozenset[str]


@lru_cache(maxsize=1)
def operations_on(old_seed: int) -> tuple[GeneratedOperation, ...]:
    """Valid operations on the generated schema of a seed."""
    schema = generate_schema(old_seed).schema
    found = []
    for number in range(OPERATIONS):
        operation = generate_operation(SeededChoices(old_seed * 100 + number), schema, SIZES)
        if operation is not None:
            document = parse(operation.query)
            used = frozenset(used_coordinates(schema, document))
            found.append(GeneratedOperation(operation.query, document, operation.variables, used))
    return tuple(found)


def missed(pair: GeneratedPair, changes: Sequence[Change], counts: Counter[str] | None = None) -> Iterator[str]:
    """Operations whose clients break, although no change that is not safe affects them."""
    unsafe = [change for change in changes if change.severity is not Severity.SAFE]
    for operation in operations_on(pair.old_seed):
        is_affected = any(not operation.used.isdisjoint(change.used_coordinates) for change in unsafe)
        if counts is not None:
            counts.update(["operations", *(["affected"] if is_affected else [])])
        if not is_affected:
            for reason in reasons_to_break(pair.old, pair.new, operation.document, operation.variables):
                yield f"{operation.text}\n{reason}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--skip", type=int, default=0, help="how many pairs of an earlier run are left out")
    parser.add_argument("--inspector-only", action="store_true", help="no operations are generated")
    parser.add_argument("--operations-only", action="store_true")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    # Documents and schemas are many small objects. With the default threshold, a tenth of the time goes to collections.
    gc.set_threshold(100_000)
    with nullcontext() if options.operations_only else Peers() as peers:
        first = options.seed * 1_000_000
        for seed in range(first + options.skip, first + options.count):
            pair = generate_pair(seed)
            changes = compare_schemas(pair.old, pair.new)
            counts.update(["pairs", *(str(change.severity) for change in changes)])
            problems = [] if options.inspector_only else list(missed(pair, changes, counts))
            if peers is not None:
                problems += differences(changes, peers.diff(pair.before, pair.after, seconds=600))
            for problem in problems:
                click.echo(f"seed {seed}: {problem}")
            counts.update(["differences"] * len(problems))
            if counts["pairs"] % PROGRESS == 0:
                click.echo(f"until seed {seed}: {dict(counts)}")
    click.echo(str(dict(counts)))
    if counts["differences"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
