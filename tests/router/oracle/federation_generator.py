"""Generates federations: a merged schema, its subgraphs, and data.

The merged schema comes first, then the subgraphs that resolve each field, then what each subgraph must therefore
declare: types, keys, and external, shareable and provided fields. So every generated federation composes, every field
can be resolved, and the expected values follow from the merged schema without composition.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.router.oracle.choices import chance
from tests.router.oracle.data_generator import DataGenerator
from tests.router.oracle.model_generator import generate_model
from tests.router.oracle.schema_writer import SchemaWriter

if TYPE_CHECKING:
    from tests.router.oracle.choices import Choices
    from tests.router.oracle.data_store import Data

DATASETS = 2


@dataclass(frozen=True, slots=True)
class GeneratedFederation:
    """A federation ready to be composed and run. `labels` are the override labels that are active."""

    merged: str
    subgraphs: dict[str, str]
    datasets: tuple[Data, ...]
    labels: frozenset[str] = frozenset()

    @property
    def data(self) -> Data:
        return self.datasets[0]


def generate_federation(choices: Choices) -> GeneratedFederation:
    model = generate_model(choices)
    writer = SchemaWriter(model)
    labels = frozenset(label for label in sorted(model.override_labels) if chance(choices, 50))
    datasets = tuple(DataGenerator(model, random.Random(choices.number(0, 65535))).data() for _ in range(DATASETS))
    return GeneratedFederation(writer.merged(), writer.sdls(), datasets, labels)
