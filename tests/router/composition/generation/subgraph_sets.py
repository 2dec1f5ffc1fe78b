"""Generates sets of one to five subgraphs with all Federation directives, valid and slightly invalid ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition import Subgraph
from tests.router.composition.generation.model_generator import generate_model
from tests.router.composition.generation.mutations import mutated
from tests.router.composition.generation.sdl_writer import SdlWriter
from tests.router.oracle.choices import chance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.router.oracle.choices import Choices


def subgraph_set(choices: Choices, always: Iterable[str] = ()) -> list[Subgraph]:
    """Generate a set with the features in `always` and others. Two in five sets are mutated, one to three times."""
    mutations = choices.number(1, 3) if chance(choices, 40) else 0
    model = generate_model(choices, always)
    if mutations:
        # Composition ignores the definitions that servers print for gateways, so their mutations test nothing.
        model.features.discard("printed")
    writer = SdlWriter(choices, model)
    texts = {dialect.name: writer.sdl(dialect) for dialect in model.dialects}
    for _ in range(mutations):
        texts = mutated(choices, texts)
    return [Subgraph(name, f"http://{name}.test", sdl) for name, sdl in texts.items()]
