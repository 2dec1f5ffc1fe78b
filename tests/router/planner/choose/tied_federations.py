"""Small federations in which plans with equally many fetches differ in the fields of later fetches.

Several subgraphs have the same root field; each provides other fields of the objects below. Further subgraphs have the
rest by a key. The objects below have no key, so a fetch for one of their fields passes through their parent.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.router.planner.federation import composed

if TYPE_CHECKING:
    from router.supergraph import Supergraph

FIELDS = ("f0", "f1", "f2", "f3")
ORDER_FIELDS = ("total", "note")


@dataclass(frozen=True, slots=True)
class TiedFederation:
    """A supergraph and an operation on it."""

    supergraph: Supergraph
    query: str

    @classmethod
    def of(cls, seed: int) -> TiedFederation:
        """The federation of a seed."""
        drawn = _Drawn(seed)
        subgraphs = {f"r{number}": drawn.root_subgraph() for number in range(drawn.random.randint(2, 3))}
        subgraphs |= {f"c{number}": drawn.key_subgraph(number) for number in range(drawn.random.randint(1, 2))}
        return cls(composed(**subgraphs), drawn.query())


class _Drawn:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._is_abstract = self.random.random() < 0.5
        self._is_list = self.random.random() < 0.5
        self._has_second_key = self.random.random() < 0.4
        self._operation = self.random.choice(("query", "query", "mutation"))

    def query(self) -> str:
        lines = " ".join(self._some(FIELDS, 1))
        if self._is_abstract:
            lines += f" ... on Box {{ own {' '.join(self._some(FIELDS, 0))} }}"
        order = f"{{ {' '.join(self._some(('id', *ORDER_FIELDS), 0))} lines {{ {lines} }} }}"
        if self._operation == "mutation":
            return f"mutation {{ first: order {order} second: order {{ id total }} }}"
        if self.random.random() < 0.4:
            return f"{{ customer {{ name order {order} }} }}"
        return f"{{ order {order} }}"

    def root_subgraph(self) -> str:
        """Has the root field, and provides some fields of lines on it."""
        provided = self._some(FIELDS, 0)
        provides = f'@provides(fields: "lines {{ {" ".join(provided)} }}")' if provided else ""
        field = f"order: {self._order} @shareable {provides}"
        mutation = f"type Mutation {{ {field} }}" if self._operation == "mutation" else ""
        lines = "lines: [Line] @external" if provided else ""
        return f"""
          type Query {{ {field} customer: Customer @shareable }}
          {mutation}
          type Customer @shareable {{ name: String order: {self._order} {provides} }}
          {self._order_type(self._some(ORDER_FIELDS, 0), lines)}
          {self._line_types(provided, "@external", "") if provided else ""}
        """

    def key_subgraph(self, number: int) -> str:
        """Has orders behind a key, with all fields of lines or some; the first one has all."""
        fields = self._some(FIELDS, 1) if number else FIELDS
        order_fields = self._some(ORDER_FIELDS, 0) if number else ORDER_FIELDS
        own = "own: Int @shareable" if self._is_abstract else ""
        return f"""
          {self._order_type(order_fields, "lines: [Line] @shareable")}
          {self._line_types(fields, "@shareable", own)}
        """

    @property
    def _order(self) -> str:
        return "[Order]" if self._is_list else "Order"

    def _order_type(self, names: tuple[str, ...], lines: str) -> str:
        keys = ['@key(fields: "number")', '@key(fields: "id")'] if self._has_second_key else ['@key(fields: "id")']
        number = "number: ID! @shareable" if self._has_second_key else ""
        fields = " ".join(f"{name}: String @shareable" for name in names)
        return f"type Order {' '.join(keys)} {{ id: ID! {number} {fields} {lines} }}"

    def _line_types(self, fields: tuple[str, ...], directive: str, own: str) -> str:
        written = " ".join(f"{name}: String {directive}" for name in fields)
        if not self._is_abstract:
            return f"type Line {{ {written} {own} }}"
        plain = " ".join(f"{name}: String" for name in fields)
        return f"""
          interface Line {{ {plain} }}
          type Box implements Line {{ {written} {own} }}
          type Bag implements Line {{ {written} }}
        """

    def _some(self, names: tuple[str, ...], least: int) -> tuple[str, ...]:
        count = self.random.randint(least, len(names))
        chosen = set(self.random.sample(names, count))
        return tuple(name for name in names if name in chosen)
