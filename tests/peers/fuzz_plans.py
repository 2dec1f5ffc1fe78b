"""Differential fuzzing of planning: `make fuzz-plans`, `python -m tests.peers.fuzz_plans --count 1000 --seed 1`.

Every seed is one federation with its operations, those of the oracle, so any of a run can be had again by its number.
An operation for which our plan has more fetches than Apollo's, or more of them in a row, is told with what it takes to
see it: `--show` prints the subgraphs and both plans.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING

import click

from router.planner import plan
from tests.peers.apollo_plan import read_plan
from tests.peers.peers import INSTALLED, PeerCrash, Peers, PeerTimeout
from tests.peers.plan_difference import compare_plans, is_comparable, is_theirs_right
from tests.router.oracle.choices import SeededChoices
from tests.router.oracle.comparison import ComposedFederation
from tests.router.oracle.data_generator import DataGenerator
from tests.router.oracle.federation_generator import generate_federation
from tests.router.oracle.model_generator import generate_model
from tests.router.oracle.operation_generator import generate_operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.peers.plan_difference import Comparison
    from tests.router.oracle.data_store import Data
    from tests.router.oracle.operation_generator import Operation

# Several operations share the cost of composing one federation.
OPERATIONS = 4
# Enough that a wrong plan meets an object it is wrong for.
DATASETS = 40
# Apollo's planner enumerates combinations: for a few operations it would not end today.
SECONDS = 10.0
# The share of operations for which our plan may not be worse that the project holds itself to.
FLOOR = 0.995
# The first seed of a run is this times the run's seed, so that runs do not overlap.
_STRIDE = 1_000_000


@dataclass(frozen=True, slots=True)
class FederationSample:
    """A federation of the oracle and operations on it, and more data for it."""

    seed: int
    subgraphs: dict[str, str]
    subject: ComposedFederation
    operations: list[Operation]

    @classmethod
    def of(cls, seed: int) -> FederationSample:
        choices = SeededChoices(seed)
        # Apollo's planner is told of no label of a progressive override, so none holds.
        generated = replace(generate_federation(choices), labels=frozenset())
        subject = ComposedFederation.of(generated)
        operations = [
            one for _ in range(OPERATIONS) if (one := generate_operation(choices, subject.merged)) is not None
        ]
        return cls(seed, generated.subgraphs, subject, [one for one in operations if is_comparable(one.query)])

    def comparisons(self, peers: Peers) -> Iterator[Comparison]:
        return compare_plans(peers, self.subject.supergraph, self.operations, SECONDS)

    def datasets(self) -> Iterator[Data]:
        """Data sets, one of which likely has objects wherever the operations look.

        Each comes again for every non-null field of an interface object and every object type it may have: the field
        fails for all objects of the type, for the one half of them and for the other.
        """
        model = generate_model(SeededChoices(self.seed))
        drawn = [self.subject.data, *(DataGenerator(model, random.Random(number)).data() for number in range(DATASETS))]
        yield from drawn
        for extended in model.interface_objects.values():
            failing = [
                own.name for own in extended.fields.values() if own.wrapping.endswith("!") and not own.is_dependency
            ]
            for type_name, name, data in product(model.abstract[extended.interface].members, failing, drawn):
                entities = [entity for entity in data if entity.startswith(f"{type_name}:")]
                for failed in (entities, entities[::2], entities[1::2]):
                    yield _failing(data, failed, name)


def _failing(data: Data, entities: Iterable[str], name: str) -> Data:
    return data | {entity: data[entity] | {name: "!broken"} for entity in entities if name in data[entity]}


@dataclass
class Tally:
    """What became of the operations of a run; `worse` and `explained` are ours, by the number of the federation.

    `explained` are those where Apollo's cheaper plan does not give the monolith's answer.
    """

    compared: int = 0
    better: int = 0
    unanswered: int = 0
    worse: dict[int, list[Comparison]] = field(default_factory=dict)
    explained: dict[int, list[Comparison]] = field(default_factory=dict)
    fetches: int = 0
    their_fetches: int = 0

    @property
    def share_not_worse(self) -> float:
        """Of the operations for which Apollo's cheaper plan is no wrong one."""
        right = self.compared - sum(map(len, self.explained.values()))
        return 1 - sum(map(len, self.worse.values())) / max(right, 1)

    def add(self, federation: FederationSample, comparison: Comparison) -> None:
        self.compared += 1
        self.better += comparison.is_better
        if comparison.is_worse and not is_theirs_right(federation.subject, federation.datasets(), comparison):
            self.explained.setdefault(federation.seed, []).append(comparison)
            return
        self.fetches += comparison.ours.fetches
        self.their_fetches += comparison.theirs.fetches
        if comparison.is_worse:
            self.worse.setdefault(federation.seed, []).append(comparison)

    def __str__(self) -> str:
        return (
            f"{self.compared} operations compared; {self.unanswered} federations that Apollo's planner did not answer\n"
            f"ours is better in {self.better}; worse in {sum(map(len, self.worse.values()))}; in "
            f"{sum(map(len, self.explained.values()))} more Apollo's is cheaper and wrong; "
            f"not worse {self.share_not_worse:.2%}; fetches {self.fetches}, Apollo's {self.their_fetches}"
        )


def run(peers: Peers, first: int, count: int) -> Tally:
    """Compare the plans on so many federations."""
    tally = Tally()
    for seed in range(first, first + count):
        federation = FederationSample.of(seed)
        try:
            for comparison in federation.comparisons(peers):
                tally.add(federation, comparison)
        except (PeerCrash, PeerTimeout):
            tally.unanswered += 1
    return tally


def show(peers: Peers, seed: int) -> None:
    """Print a federation, and for each operation on which we are worse both plans."""
    federation = FederationSample.of(seed)
    for name, sdl in federation.subgraphs.items():
        click.echo(f"# {name}\n{sdl}")
    for comparison in federation.comparisons(peers):
        if comparison.is_worse:
            verdict = is_theirs_right(federation.subject, federation.datasets(), comparison)
            click.echo(f"\n{comparison} {comparison.operation.variables}")
            click.echo(f"\n{plan(federation.subject.supergraph, comparison.operation.query).to_text()}")
            click.echo(f"\nApollo's, {'right' if verdict else 'wrong'}:\n{read_plan(comparison.their_plan).to_text()}")


@click.command()
@click.option("--count", default=1000, show_default=True, help="How many federations.")
@click.option("--seed", default=1, show_default=True, help="Which federations.")
@click.option("--show", "shown", type=int, help="Print one federation and where our plans are worse.")
def main(count: int, seed: int, shown: int | None) -> None:
    """Plan generated operations on generated federations with Apollo's planner and with ours, and compare."""
    if not (INSTALLED / ".installed").exists():
        raise click.ClickException("the peers are not installed: make peers")
    with Peers() as peers:
        if shown is not None:
            show(peers, shown)
            return
        tally = run(peers, seed * _STRIDE, count)
    for number, comparisons in tally.worse.items():
        for comparison in comparisons:
            click.echo(f"seed {number}: {comparison}")
    click.echo(f"seed {seed}, count {count}: {tally}")
    sys.exit(1 if tally.share_not_worse < FLOOR else 0)


if __name__ == "__main__":
    main()
