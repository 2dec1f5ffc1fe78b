"""Generated sets of one to five subgraphs with all directives of federation, correct and slightly broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition import Subgraph
from tests.router.composition.generation.drawing import draw_sketch
from tests.router.composition.generation.mutations import mutated
from tests.router.composition.generation.writing import Writer
from tests.router.oracle.choices import chance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.router.oracle.choices import Choices


def subgraph_set(choices: Choices, always: Iterable[str] = ()) -> list[Subgraph]:
    """One set with these features among others; two in five are mutated, once or a few times, after they were drawn."""
    mutations = choices.number(1, 3) if chance(choices, 40) else 0
    sketch = draw_sketch(choices, always)
    if mutations:
        # What servers print for the gateway is not read but taken out, broken or not.
        sketch.features.discard("printed")
    writer = Writer(choices, sketch)
    texts = {dialect.name: writer.sdl(dialect) for dialect in sketch.dialects}
    for _ in range(mutations):
        texts = mutated(choices, texts)
    return [Subgraph(name, f"http://{name}.test", sdl) for name, sdl in texts.items()]
