"""Fields for keys and requirements get response keys that the client does not use for something else."""

from __future__ import annotations

from router.planner.walk.internal_aliases import InternalAliases
from tests.router.planner.walk.walking import Walk


def test_a_free_response_key_is_the_name() -> None:
    assert InternalAliases().key_for((), "price", "price") == "price"


def test_the_same_field_of_an_object_has_the_same_key() -> None:
    aliases = InternalAliases()
    assert aliases.key_for(("item",), "price", "price(unit:1)") == "price"
    assert aliases.key_for(("item",), "price", "price(unit:2)") == "price__alias_0"
    assert aliases.key_for(("item",), "price", "price(unit:3)") == "price__alias_1"
    assert aliases.key_for(("item",), "price", "price(unit:2)") == "price__alias_0"


def test_objects_at_other_paths_do_not_matter() -> None:
    aliases = InternalAliases()
    assert aliases.key_for(("one",), "price", "price(unit:1)") == "price"
    assert aliases.key_for(("two",), "price", "price(unit:2)") == "price"


def test_the_response_keys_of_the_client_are_reserved() -> None:
    a = 'type Query { item: Item } type Item @key(fields: "id") { id: ID! name: String }'
    b = 'type Item @key(fields: "id") { id: ID! price: Int }'
    walk = Walk.over("{ item { id: name price } }", a=a, b=b)
    (option,) = walk.leaf("item.price").options
    (leaf,) = option.key_choices[0].leaves
    assert (leaf.selection.name, leaf.selection.key) == ("id", "id__alias_0")


def test_a_key_that_the_client_selects_has_no_alias() -> None:
    a = 'type Query { item: Item } type Item @key(fields: "id") { id: ID! name: String }'
    b = 'type Item @key(fields: "id") { id: ID! price: Int }'
    walk = Walk.over("{ item { id price } }", a=a, b=b)
    (leaf,) = walk.leaf("item.price").options[0].key_choices[0].leaves
    assert leaf.selection.key == "id"
