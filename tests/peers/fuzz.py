"""Differential fuzzing of composition: `make fuzz-composition`, `python -m tests.peers.fuzz --count 10000 --seed 1`.

Every seed is one set of subgraphs, so its number reproduces it. A set for which Apollo's and our composition differ is
reduced and, with `--keep`, written as a case folder.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tests.peers.composition_difference import CompositionDifference, Deviation, compare
from tests.peers.peers import INSTALLED, PeerCrash, Peers, PeerTimeout
from tests.router.composition.generation.model_generator import FEATURES
from tests.router.composition.generation.reduction import reduced
from tests.router.composition.generation.subgraph_sets import subgraph_set
from tests.router.oracle.choices import SeededChoices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from router.composition import Subgraph

# The seeds of two runs do not overlap.
_STRIDE = 1_000_000
# A small set that takes longer counts as a hang.
SLOW_SECONDS = 2.0


@dataclass
class CompositionTally:
    """The results of a run."""

    compared: int = 0
    composed: int = 0
    without_result: int = 0
    slow: list[int] = field(default_factory=list)
    differences: dict[int, CompositionDifference] = field(default_factory=dict)
    deviations: dict[int, Deviation] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)

    def agreeing(self, *kinds: str) -> float:
        """The share of the compared sets without a difference of these kinds; intended differences do not count."""
        unexplained = (one for seed, one in self.differences.items() if seed not in self.deviations)
        differing = sum(difference.kind in kinds for difference in unexplained)
        return 1.0 if self.compared == 0 else 1 - differing / self.compared

    def __str__(self) -> str:
        counts = Counter(difference.kind for difference in self.differences.values())
        verdicts = ("verdict", "unplannable")
        return (
            f"{self.compared} sets compared, {self.composed} composed; "
            f"{self.without_result} without a result of Apollo's\n"
            f"verdicts equal {self.agreeing(*verdicts):.2%}, code sets {self.agreeing(*verdicts, 'codes'):.2%}, "
            f"with hints {self.agreeing(*verdicts, 'codes', 'hints'):.2%}, "
            f"with supergraphs {self.agreeing(*verdicts, 'codes', 'hints', 'supergraph'):.2%}\n"
            f"differences {dict(counts)}, {len(self.deviations)} of them intended; "
            f"slower than {SLOW_SECONDS:.0f} s: {self.slow}"
        )


def seeds(seed: int, count: int) -> Iterator[int]:
    return iter(range(seed * _STRIDE, seed * _STRIDE + count))


def generated(seed: int, always: Sequence[str] = ()) -> list[Subgraph]:
    return subgraph_set(SeededChoices(seed), always)


def run(peers: Peers, seed: int, count: int, always: Sequence[str] = ()) -> CompositionTally:
    """Compare this many sets; each of them has the features in `always`."""
    tally = CompositionTally()
    for one in seeds(seed, count):
        try:
            comparison = compare(peers, generated(one, always))
        except (PeerCrash, PeerTimeout):
            tally.without_result += 1
            continue
        tally.compared += 1
        tally.composed += comparison.apollo.ok
        tally.seen.update(comparison.apollo.codes | comparison.apollo.hints)
        if comparison.seconds > SLOW_SECONDS:
            tally.slow.append(one)
        if difference := comparison.difference():
            tally.differences[one] = difference
        if deviation := comparison.deviation():
            tally.deviations[one] = deviation
    return tally


def smallest(peers: Peers, subgraphs: Sequence[Subgraph], attempts: int = 1500) -> list[Subgraph]:
    """The smallest set found that still has the difference."""

    def signature(candidate: Sequence[Subgraph]) -> object:
        try:
            difference = compare(peers, candidate).difference()
        except (PeerCrash, PeerTimeout):
            return None
        return difference and difference.signature

    wanted = signature(subgraphs)
    return reduced(subgraphs, lambda candidate: signature(candidate) == wanted, attempts=attempts)


def write_case(peers: Peers, folder: Path, subgraphs: Sequence[Subgraph]) -> None:
    """A case folder: subgraphs/*.graphql, and expect.json with the result of Apollo's composition."""
    verdict = peers.compose(subgraphs)
    (folder / "subgraphs").mkdir(parents=True, exist_ok=True)
    for subgraph in subgraphs:
        (folder / "subgraphs" / f"{subgraph.name}.graphql").write_text(subgraph.sdl, encoding="utf-8")
    expected = {"ok": verdict.ok, "codes": sorted(verdict.codes), "hints": sorted(verdict.hints)}
    (folder / "expect.json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")
    if verdict.supergraph is not None:
        (folder / "supergraph.graphql").write_text(verdict.supergraph + "\n", encoding="utf-8")


@click.command()
@click.option("--count", default=1000, show_default=True, help="How many sets.")
@click.option("--seed", default=1, show_default=True, help="Which sets.")
@click.option("--keep", type=click.Path(path_type=Path), help="Reduce differences and write them to this folder.")
@click.option("--limit", default=3, show_default=True, help="How many differences of one kind are reduced.")
@click.option("--feature", "features", multiple=True, type=click.Choice(FEATURES), help="Every set has this feature.")
def main(count: int, seed: int, keep: Path | None, limit: int, features: tuple[str, ...]) -> None:
    """Compose generated sets of subgraphs with Apollo's composition and with ours, and compare."""
    if not (INSTALLED / ".installed").exists():
        raise click.ClickException("the peers are not installed: make peers")
    with Peers() as peers:
        tally = run(peers, seed, count, features)
        for number, deviation in tally.deviations.items():
            click.echo(f"intended, as {deviation.case}: {tally.differences[number]}  (seed {number})")
        grouped: dict[object, list[int]] = {}
        for number, difference in tally.differences.items():
            if number not in tally.deviations:
                grouped.setdefault(difference.signature, []).append(number)
        for numbers in sorted(grouped.values(), key=len, reverse=True):
            click.echo(f"{len(numbers)} x {tally.differences[numbers[0]]}  (seeds {numbers[:5]})")
            for number in numbers[:limit] if keep else ():
                write_case(peers, Path(str(keep)) / str(number), smallest(peers, generated(number, features)))
    click.echo(f"seed {seed}, count {count}: {tally}")
    sys.exit(1 if tally.agreeing("verdict", "unplannable") < 1 or tally.slow else 0)


if __name__ == "__main__":
    main()
