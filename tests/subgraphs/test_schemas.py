"""The schemas of the three subgraphs together.

Covers `subgraphs/kit/descriptions.py`.
"""

from __future__ import annotations

from collections import defaultdict

from graphql import TypeDefinitionNode, parse

from subgraphs.account import schema as account
from subgraphs.auth import schema as auth
from subgraphs.transaction import schema as transaction


def test_types_of_several_subgraphs_have_one_description() -> None:
    descriptions: dict[str, list[str]] = defaultdict(list)
    for module in (auth, account, transaction):
        for definition in parse(module.sdl()).definitions:
            if isinstance(definition, TypeDefinitionNode) and definition.description is not None:
                descriptions[definition.name.value].append(definition.description.value)
    shared = {name: set(texts) for name, texts in descriptions.items() if len(texts) > 1}
    assert shared.keys() >= {"Query", "Mutation", "User", "Account", "InvalidAccount", "PageInfo"}
    assert {name: texts for name, texts in shared.items() if len(texts) > 1} == {}
