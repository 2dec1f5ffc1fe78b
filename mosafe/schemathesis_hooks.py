"""Strategies for the scalars of the bank's GraphQL schemas: `SCHEMATHESIS_HOOKS=mosafe.schemathesis_hooks st run URL`.

A strategy generates literals for test requests. Schemathesis does not test a field if it has no strategy for the scalar
type of an argument. All literals of these strategies are valid for their scalar. But an amount may have too many
decimals for the currency in the same request. The services then refuse the request.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

import schemathesis
from graphql import ConstObjectFieldNode, ConstObjectValueNode, NameNode, StringValueNode
from hypothesis import strategies as st

from bank import values

if TYPE_CHECKING:
    from collections.abc import Mapping

# The keys of metadata. In a GraphQL literal, a key must be a GraphQL name, so only letters are used.
_NAMES: Final = st.text(string.ascii_letters, min_size=1, max_size=8)
_MAX_ENTRIES: Final = 4
_AMOUNTS: Final = st.builds(
    lambda units, decimals: f"{values.format_amount(values.from_minor_units(units, decimals), decimals)}",
    st.integers(min_value=1, max_value=10**12),
    st.sampled_from(["EUR", "JPY", "KWD"]),
)
_TIMES: Final = st.datetimes(min_value=values.parse_timestamp("1970-01-01T00:00:00Z").replace(tzinfo=None)).map(
    lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z"
)


def _object(entries: Mapping[str, str]) -> ConstObjectValueNode:
    return ConstObjectValueNode(
        fields=tuple(
            ConstObjectFieldNode(name=NameNode(value=name), value=StringValueNode(value=text))
            for name, text in entries.items()
        )
    )


def _entity(type_name: str, entity_id: str) -> ConstObjectValueNode:
    return _object({"__typename": type_name, "id": entity_id})


_TEXTS: Final = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
_IDS: Final = st.from_regex(r"[0-9a-f]{24}", fullmatch=True)

SCALARS: Final[Mapping[str, st.SearchStrategy[StringValueNode] | st.SearchStrategy[ConstObjectValueNode]]] = {
    "Decimal": _AMOUNTS.map(lambda text: StringValueNode(value=text)),
    "Currency": st.sampled_from(sorted(values.EXPONENTS)).map(lambda text: StringValueNode(value=text)),
    "DateTime": _TIMES.map(lambda text: StringValueNode(value=text)),
    "Metadata": st.dictionaries(_NAMES, _TEXTS, max_size=_MAX_ENTRIES).map(_object),
    # `_Any` is the type of the argument of `_entities`. Only the schema of a subgraph has the field `_entities`.
    "_Any": st.builds(_entity, st.sampled_from(["User", "Account", "Transaction"]), _IDS),
}

for _name, _strategy in SCALARS.items():
    schemathesis.graphql.scalar(_name, _strategy)
