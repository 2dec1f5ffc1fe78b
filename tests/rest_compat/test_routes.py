"""The table of routes, the operation files, the refusals and the OpenAPI document are consistent."""

from __future__ import annotations

import re

import pytest
from graphql import (
    FieldNode,
    GraphQLInterfaceType,
    GraphQLUnionType,
    OperationDefinitionNode,
    get_named_type,
    parse,
    print_type,
)

from rest_compat import error_translation, openapi, operations
from rest_compat.errors import NotFound
from rest_compat.operations import Operation, OperationMismatch
from rest_compat.route import Route
from rest_compat.route_matching import RouteMatcher
from rest_compat.routes import ROUTES
from router import supergraph
from tests.rest_compat.fake_bank import SCHEMA, SUPERGRAPH

DOCUMENTED = """\
POST   /api/auth/login
POST   /api/auth/register
POST   /api/auth/refresh
DELETE /api/auth/logout
GET    /api/auth/me
GET    /api/accounts
POST   /api/accounts
GET    /api/accounts/:id
PUT    /api/accounts/:id
DELETE /api/accounts/:id
GET    /api/accounts/:id/balance
GET    /api/accounts/:id/statement
GET    /api/transactions
POST   /api/transactions
GET    /api/transactions/:id
GET    /api/transactions/account/:accountId
POST   /api/transactions/transfer
"""
# Two types of the bank share a code, because they are the same refusal in HTTP.
SHARED_CODES = {"VERSION_CONFLICT": "CONFLICT", "STATE_CONFLICT": "CONFLICT"}


def ids(value: object) -> str:
    return value.operation if isinstance(value, Route) else str(value)


def test_table_has_the_documented_routes() -> None:
    rows = {f"{route.method:7}{route.path}" for route in ROUTES}
    assert rows == set(DOCUMENTED.splitlines())


def test_each_operation_file_belongs_to_one_row() -> None:
    assert sorted(route.operation for route in ROUTES) == sorted(operations.load())


def test_openapi_has_the_tables_operations() -> None:
    documented = {
        (method.upper(), re.sub(r"\{(\w+)\}", r":\1", path))
        for path, methods in openapi.document()["paths"].items()
        for method in methods
    }
    assert documented == {(route.method, route.path) for route in ROUTES}


def test_api_schema_is_the_routers() -> None:
    """This layer may not import the router, so it derives the API schema itself; the result must be the same.

    The directives of incremental delivery differ, because this layer never defers.
    """
    theirs = supergraph.load(SUPERGRAPH.read_text(encoding="utf-8")).api_schema
    assert [directive.name for directive in theirs.directives if SCHEMA.get_directive(directive.name) is None] == [
        "defer"
    ]
    printed, expected = (
        {name: print_type(type_) for name, type_ in schema.type_map.items()} for schema in (SCHEMA, theirs)
    )
    assert printed == expected


@pytest.mark.parametrize("file", sorted(operations.load()))
def test_operation_fits_the_supergraph(file: str) -> None:
    for operation in operations.load()[file]:
        operations.check(operation, SCHEMA)


def test_operation_that_does_not_fit_is_named() -> None:
    wrong = Operation("me", "Me", "query Me { result: me { shoeSize } }")
    with pytest.raises(OperationMismatch, match=r"me\.graphql, Me: .*shoeSize"):
        operations.check(wrong, SCHEMA)


@pytest.mark.parametrize("route", ROUTES, ids=ids)
def test_row_names_the_problems_that_its_operations_may_return(route: Route) -> None:
    problem = SCHEMA.get_type("Problem")
    assert isinstance(problem, GraphQLInterfaceType)
    codes = set()
    for operation in operations.load()[route.operation]:
        result = _result_type(operation)
        members = SCHEMA.get_possible_types(result) if isinstance(result, GraphQLUnionType) else []
        codes |= {_code(member.name) for member in members if SCHEMA.is_sub_type(problem, member)}
    assert codes == set(route.refusals)


def _result_type(operation: Operation) -> object:
    (definition,) = (
        node for node in parse(operation.document).definitions if isinstance(node, OperationDefinitionNode)
    )
    root = SCHEMA.get_root_type(definition.operation)
    (selected,) = definition.selection_set.selections
    assert isinstance(selected, FieldNode)
    assert selected.alias
    assert selected.alias.value == "result"
    assert root
    return get_named_type(root.fields[selected.name.value].type)


def _code(type_name: str) -> str:
    code = re.sub(r"(?<=.)(?=[A-Z])", "_", type_name).upper()
    return SHARED_CODES.get(code, code)


def test_each_refusal_of_the_table_is_used_by_a_route() -> None:
    assert {code for route in ROUTES for code in route.refusals} == set(error_translation.REFUSALS)


def test_operation_that_reads_a_version_selects_it() -> None:
    for route in ROUTES:
        if route.version_from:
            (operation,) = operations.load()[route.version_from]
            assert re.search(r"\bversion\b", operation.document)


def test_duplicate_route_is_an_error() -> None:
    with pytest.raises(ValueError, match="twice"):
        RouteMatcher([*ROUTES, ROUTES[0]])


@pytest.mark.parametrize("order", [1, -1])
def test_literal_paths_have_priority_in_any_order(order: int) -> None:
    matcher = RouteMatcher(ROUTES[::order])
    assert set(matcher.resource("/api/transactions/transfer").routes) == {"POST"}
    assert matcher.resource("/api/transactions/%74ransfer").values == ()
    assert matcher.resource("/api/transactions/transfe").values == ("transfe",)
    assert matcher.resource("/api/accounts/a%2Fbalance").values == ("a/balance",)
    assert matcher.resource("/api/transactions/account/transfer").values == ("transfer",)
    with pytest.raises(NotFound):
        matcher.resource("/api/accounts//balance")
