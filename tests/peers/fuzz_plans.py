"""Differential fuzzing of planning: `make fuzz-plans`, `python -m tests.peers.fuzz_plans --count 1000 --seed 1`.

Every seed is one federation of the oracle with operations, so its number reproduces it. The run prints each operation
for which our plan has more fetches or a greater depth than Apollo's; `--show` prints the subgraphs and both plans. More
`--operations` for fewer federations take less time: `make fuzz-plans COUNT=200 SEED=7 ARGS="--operations 50"`.
"""

from __future__ import annotations

import json
import random
import re
import sys
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import click

from router.planner import plan
from tests.peers.apollo_plan import read_plan
from tests.peers.peers import INSTALLED, PeerCrash, Peers, PeerTimeout
from tests.peers.plan_difference import compare_plans, is_apollos_plan_right, is_comparable
from tests.router.oracle.choices import SeededChoices
from tests.router.oracle.comparison import ComposedFederation
from tests.router.oracle.data_generator import DataGenerator
from tests.router.oracle.federation_generator import generate_federation
from tests.router.oracle.model_generator import generate_model
from tests.router.oracle.operation_generator import generate_operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.peers.plan_difference import PlanComparison
    from tests.router.oracle.data_store import Data
    from tests.router.oracle.federation_model import FederationModel
    from tests.router.oracle.operation_generator import Operation

# Several operations for each federation, because composition and the start of Apollo's planner take long.
OPERATIONS = 4
# Enough for a wrong plan to give a wrong response.
DATASETS = 40
LARGE_DATASETS = 10
MANY_OBJECTS = 16
# Apollo's planner enumerates combinations, and takes far longer than this for some operations.
TIMEOUT_SECONDS = 10.0
# The minimum share of operations for which our plan is not worse.
FLOOR = 0.995
# The first seed of a run is its own seed times this, so that runs do not overlap.
_STRIDE = 1_000_000


@dataclass(frozen=True, slots=True)
class FederationSample:
    """A federation of the oracle, with operations and data for it."""

    seed: int
    subgraphs: dict[str, str]
    federation: ComposedFederation
    operations: list[Operation]

    @classmethod
    def of(cls, seed: int, operations: int = OPERATIONS) -> FederationSample:
        """Return the sample of a seed. With more operations, the first ones stay the same."""
        choices = SeededChoices(seed)
        # Apollo's planner gets no override labels, so none is active.
        generated = replace(generate_federation(choices), labels=frozenset())
        federation = ComposedFederation.of(generated)
        drawn = [one for _ in range(operations) if (one := generate_operation(choices, federation.merged)) is not None]
        return cls(seed, generated.subgraphs, federation, [one for one in drawn if is_comparable(one.query)])

    def comparisons(self, peers: Peers, seconds: float = TIMEOUT_SECONDS) -> Iterator[PlanComparison]:
        return compare_plans(peers, self.federation.supergraph, self.operations, seconds)

    def is_apollos_plan_right(self, comparison: PlanComparison) -> bool:
        return is_apollos_plan_right(self.federation, self.datasets(comparison.their_plan), comparison)

    def datasets(self, their_plan: dict[str, Any]) -> Iterator[Data]:
        """Data sets, enough for most fields of the operations to have objects.

        In further ones, a non-null field that `their_plan` selects fails for all objects of a type, for each half of
        them, or for one object. For one object there are data sets with many objects: then it is seldom above or beside
        itself in a response.
        """
        model = generate_model(SeededChoices(self.seed))
        small = [
            self.federation.data,
            *(DataGenerator(model, random.Random(number)).data() for number in range(DATASETS)),
        ]
        yield from small
        selected = set(re.findall(r"\w+", json.dumps(their_plan)))
        fields = [one for one in _non_null_fields(model) if one[1] in selected]
        for (type_name, name), data in product(fields, small):
            objects = [one for one in data if one.startswith(f"{type_name}:")]
            for some in (objects, objects[::2], objects[1::2]):
                yield _failing(data, some, name)
        large = [DataGenerator(model, random.Random(number), MANY_OBJECTS).data() for number in range(LARGE_DATASETS)]
        for data, (type_name, name) in product(large, fields):
            for single in (one for one in data if one.startswith(f"{type_name}:")):
                yield _failing(data, [single], name)


def _non_null_fields(model: FederationModel) -> Iterator[tuple[str, str]]:
    """The types and names of the non-null fields of interface objects, entities and value types."""
    for interface_object in model.interface_objects:
        for type_name in model.abstract[interface_object.interface].members:
            yield from ((type_name, one.name) for one in interface_object.fields.values() if one.wrapping.endswith("!"))
    for type_name in (*model.entities, *model.values):
        fields = model.fields_of(type_name).values()
        yield from ((type_name, one.name) for one in fields if one.wrapping.endswith("!"))


def _failing(data: Data, entities: Iterable[str], name: str) -> Data:
    return data | {entity: data[entity] | {name: "!broken"} for entity in entities if name in data[entity]}


@dataclass
class PlanTally:
    """The results of a run.

    `worse` and `explained` have the operations with a worse plan of ours, by the number of the federation. Those with a
    wrong plan of Apollo's are `explained`. `without_plan` counts federations for which Apollo's planner failed, and
    `unplanned` operations.
    """

    compared: int = 0
    better: int = 0
    without_plan: int = 0
    unplanned: int = 0
    worse: dict[int, list[PlanComparison]] = field(default_factory=dict)
    explained: dict[int, list[PlanComparison]] = field(default_factory=dict)
    fetches: int = 0
    their_fetches: int = 0

    @property
    def share_not_worse(self) -> float:
        """The share of operations with a plan of ours that is not worse; `explained` ones do not count."""
        right = self.compared - sum(map(len, self.explained.values()))
        return 1 - sum(map(len, self.worse.values())) / max(right, 1)

    def add(self, sample: FederationSample, comparison: PlanComparison) -> None:
        self.compared += 1
        self.better += comparison.is_better
        if comparison.is_worse and not is_apollos_plan_right(
            sample.federation, sample.datasets(comparison.their_plan), comparison
        ):
            self.explained.setdefault(sample.seed, []).append(comparison)
            return
        self.fetches += comparison.ours.fetches
        self.their_fetches += comparison.theirs.fetches
        if comparison.is_worse:
            self.worse.setdefault(sample.seed, []).append(comparison)

    def __str__(self) -> str:
        return (
            f"{self.compared} operations compared; Apollo's planner did not plan {self.unplanned} operations and "
            f"{self.without_plan} federations\n"
            f"ours is better in {self.better}; worse in {sum(map(len, self.worse.values()))}; in "
            f"{sum(map(len, self.explained.values()))} more Apollo's plan is cheaper, but wrong; "
            f"not worse {self.share_not_worse:.2%}; fetches {self.fetches}, Apollo's {self.their_fetches}"
        )


def run(
    peers: Peers, first: int, count: int, operations: int = OPERATIONS, seconds: float = TIMEOUT_SECONDS
) -> PlanTally:
    """Compare the plans of so many federations, and of so many operations for each."""
    tally = PlanTally()
    for seed in range(first, first + count):
        sample = FederationSample.of(seed, operations)
        before = tally.compared
        try:
            for comparison in sample.comparisons(peers, seconds):
                tally.add(sample, comparison)
            tally.unplanned += len(sample.operations) - (tally.compared - before)
        except (PeerCrash, PeerTimeout):
            tally.without_plan += 1
    return tally


def show(peers: Peers, seed: int, operations: int) -> None:
    """Print a federation, and both plans of each operation for which ours is worse."""
    sample = FederationSample.of(seed, operations)
    for name, sdl in sample.subgraphs.items():
        click.echo(f"# {name}\n{sdl}")
    for comparison in sample.comparisons(peers):
        if comparison.is_worse:
            verdict = sample.is_apollos_plan_right(comparison)
            click.echo(f"\n{comparison} {comparison.operation.variables}")
            click.echo(f"\n{plan(sample.federation.supergraph, comparison.operation.query).to_text()}")
            click.echo(f"\nApollo's, {'right' if verdict else 'wrong'}:\n{read_plan(comparison.their_plan).to_text()}")


@click.command()
@click.option("--count", default=1000, show_default=True, help="Number of federations.")
@click.option("--seed", default=1, show_default=True, help="Number of the run; it determines the federations.")
@click.option("--operations", default=OPERATIONS, show_default=True, help="Number of operations for each federation.")
@click.option(
    "--timeout", default=TIMEOUT_SECONDS, show_default=True, help="Seconds for Apollo's plan of an operation."
)
@click.option("--show", "shown", type=int, help="Print one federation, and the operations for which our plan is worse.")
def main(count: int, seed: int, operations: int, timeout: float, shown: int | None) -> None:
    """Plan generated operations with Apollo's planner and with ours, and compare the plans."""
    if not (INSTALLED / ".installed").exists():
        raise click.ClickException("the peers are not installed: make peers")
    with Peers() as peers:
        if shown is not None:
            show(peers, shown, operations)
            return
        tally = run(peers, seed * _STRIDE, count, operations, timeout)
    for number, comparisons in tally.worse.items():
        for comparison in comparisons:
            click.echo(f"seed {number}: {comparison}")
    click.echo(f"seed {seed}, count {count}: {tally}")
    sys.exit(1 if tally.share_not_worse < FLOOR else 0)


if __name__ == "__main__":
    main()
