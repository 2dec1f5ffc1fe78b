from __future__ import annotations

import pytest
from graphql import build_schema as graphql_schema
from graphql import get_named_type, parse
from graphql.language import ast

from subgraphs.auth.password_rules import MAX_LENGTH, MIN_LENGTH
from subgraphs.auth.schema import build_schema, sdl
from subgraphs.kit.once_per_operation import single_fields

DOCUMENT = parse(sdl())


def directives(node: ast.Node) -> set[str]:
    return {directive.name.value for directive in getattr(node, "directives", ())}


def definition(name: str) -> ast.ObjectTypeDefinitionNode:
    (found,) = (
        node
        for node in DOCUMENT.definitions
        if isinstance(node, ast.ObjectTypeDefinitionNode) and node.name.value == name
    )
    return found


def field(type_name: str, name: str) -> ast.FieldDefinitionNode:
    (found,) = (node for node in definition(type_name).fields or () if node.name.value == name)
    return found


def test_every_type_and_field_has_a_description() -> None:
    schema = build_schema()
    federation = ("_Any", "_Entity", "_Service", "_entities", "_service", "__")
    undescribed: list[str] = []
    for name, kind in graphql_schema(sdl(), assume_valid=True).type_map.items():
        if name.startswith(federation) or name in {"ID", "String", "Int", "Boolean", "Float", "FieldSet"}:
            continue
        if not kind.description:
            undescribed.append(name)
        for member, node in {**getattr(kind, "fields", {}), **getattr(kind, "values", {})}.items():
            if not node.description and not member.startswith(federation):
                undescribed.append(f"{name}.{member}")
            undescribed += [
                f"{name}.{member}({argument})"
                for argument, value in getattr(node, "args", {}).items()
                if not value.description and not member.startswith(federation)
            ]
    assert undescribed == []
    assert schema.as_str() == sdl()


def test_user_is_an_entity_by_its_id() -> None:
    assert "key" in directives(definition("User"))


@pytest.mark.parametrize("name", ["name", "email"])
def test_personal_data_is_tagged(name: str) -> None:
    assert "tag" in directives(field("User", name))


@pytest.mark.parametrize("name", ["register", "login", "stepUp", "changePassword", "resetPassword", "changeEmail"])
def test_mutations_that_hash_a_password_have_a_cost(name: str) -> None:
    assert "cost" in directives(field("Mutation", name))


def test_every_field_that_takes_a_password_may_stand_once_in_an_operation() -> None:
    """Holds issue 12, number 3, for fields of later releases too."""
    schema = build_schema().graphql
    assert schema.mutation_type is not None
    with_a_password = {
        name
        for name, mutation in schema.mutation_type.fields.items()
        for argument in mutation.args.values()
        if any("password" in given.lower() for given in getattr(get_named_type(argument.type), "fields", {}))
    }
    assert with_a_password <= single_fields(schema)
    assert with_a_password == {"register", "login", "stepUp", "changePassword", "resetPassword", "changeEmail"}


def test_fields_that_may_be_refused_are_nullable() -> None:
    for name in ("email", "emailVerified", "roles", "createdAt"):
        assert not isinstance(field("User", name).type, ast.NonNullTypeNode)
    for name in ("register", "login", "refresh", "logout"):
        assert not isinstance(field("Mutation", name).type, ast.NonNullTypeNode)


def test_the_description_of_a_password_names_the_limits() -> None:
    assert f"{MIN_LENGTH} to {MAX_LENGTH} characters" in sdl()
