"""The links of the OpenAPI document. A link says that a value in a response is an input of another operation.

If the input is an id in a path, or a cursor, the link is derived from the table of routes. An order names accounts in
its body, so links to orders are listed in this module. Each of these links has the complete body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from rest_compat import scalars
from rest_compat.representations import ACCOUNT, SESSION, TRANSACTION
from rest_compat.route import PARAMETER_MARK, DocumentPage, OneDocument
from rest_compat.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rest_compat.representations import Representation
    from rest_compat.route import Route

Link = Mapping[str, Any]

_BODY: Final = "$response.body#"
# Maps the name of a resource to its path. In the paths of other resources, the parameter for its id has a name such as
# `accountId`.
_PLACES: Final[Mapping[str, str]] = {
    ACCOUNT.name: f"/api/accounts/{PARAMETER_MARK}id",
    TRANSACTION.name: f"/api/transactions/{PARAMETER_MARK}id",
}
# Schemathesis would merge the body of a link into a generated body. This would mix the fields of two kinds of orders,
# so this extension prevents it.
_WHOLE_BODY: Final = {"x-schemathesis": {"merge_body": False}}
_MONEY: Final = {"amount": scalars.AMOUNT.example, "currency": scalars.CURRENCY.example}


def operation_id(route: Route) -> str:
    head, *rest = route.operation.split("_")
    return head + "".join(word.capitalize() for word in rest)


def links(route: Route) -> dict[str, Link]:
    """Return the links of the successful responses of `route`, by name."""
    success = route.success
    if isinstance(success, DocumentPage):
        found = dict(_to_resource(success.representation, f"{_BODY}/data/0"))
        found["nextPage"] = {
            "operationId": operation_id(route),
            "parameters": {
                **{name: f"$request.path.{name}" for name in route.path_parameters},
                "cursor": f"{_BODY}/pagination/nextCursor",
            },
        }
        return found
    if not isinstance(success, OneDocument):
        return {}
    if success.representation is SESSION:
        return {
            "refresh": {
                "operationId": "refresh",
                "requestBody": {"refreshToken": f"{_BODY}/refreshToken"},
                **_WHOLE_BODY,
            }
        }
    return dict(_to_resource(success.representation, _BODY)) if success.location else {}


def _to_resource(representation: Representation, resource: str) -> Iterator[tuple[str, Link]]:
    """Yield links to the operations on a resource.

    The expression `resource` is the place of the resource in the response, such as `$response.body#/data/0`.
    """
    place = _PLACES[representation.name]
    named = f"{representation.name.lower()}Id"
    for route in ROUTES:
        if route.path == place or route.path.startswith(f"{place}/"):
            yield operation_id(route), {"operationId": operation_id(route), "parameters": {"id": f"{resource}/id"}}
        elif named in route.path_parameters:
            yield operation_id(route), {"operationId": operation_id(route), "parameters": {named: f"{resource}/id"}}
    if representation is ACCOUNT:
        yield from _orders(f"{resource}/id")


def _orders(account_id: str) -> Iterator[tuple[str, Link]]:
    """Yield links from an account to the orders that move its money."""
    for name, operation, body in (
        ("deposit", "createTransaction", {"type": "DEPOSIT", "destinationAccountId": account_id}),
        ("withdraw", "createTransaction", {"type": "WITHDRAWAL", "sourceAccountId": account_id}),
        (
            "pay",
            "createTransaction",
            {"type": "PAYMENT", "sourceAccountId": account_id, "payee": scalars.PAYEE.example},
        ),
        (
            "transfer",
            "transfer",
            {"sourceAccountId": account_id, "destinationAccountNumber": scalars.ACCOUNT_NUMBER.example},
        ),
    ):
        yield name, {"operationId": operation, "requestBody": {**body, **_MONEY}, **_WHOLE_BODY}
