"""Generated federations: a merged schema, its data, and a split of it over subgraphs.

The merged schema is drawn first, then for each field the subgraphs that resolve it, then what follows from that: which
types a subgraph must know, under which keys, what is external, shareable, provided. So every drawn federation can be
composed and every field reached, and what its fields mean is known without the composition.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.router.oracle.choices import often
from tests.router.oracle.drawing import draw_world
from tests.router.oracle.filling import Filling
from tests.router.oracle.split import Split

if TYPE_CHECKING:
    from tests.router.oracle.choices import Choices
    from tests.router.oracle.store import Data

DATASETS = 2


@dataclass(frozen=True, slots=True)
class Generated:
    """A federation ready to be composed and run. `labels` are those of its progressive overrides that hold."""

    merged: str
    subgraphs: dict[str, str]
    datasets: tuple[Data, ...]
    labels: frozenset[str] = frozenset()

    @property
    def data(self) -> Data:
        return self.datasets[0]


def federation(choices: Choices) -> Generated:
    """One federation, from the choices."""
    world = draw_world(choices)
    split = Split(world)
    labels = frozenset(label for label in sorted(world.labels) if often(choices, 50))
    datasets = tuple(Filling(world, random.Random(choices.number(0, 65535))).data() for _ in range(DATASETS))
    return Generated(split.merged(), split.sdls(), datasets, labels)
