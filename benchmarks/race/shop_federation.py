"""The shop: accounts, products, reviews and inventory, with data that numbers determine.

There are 100 users, 10,000 products and 600 reviews: three of each of the first 200 products, six of each user. The
inventory fails to read the last audit of every tenth product.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError

from benchmarks.race.federation import ExecutableSubgraph, Federation, Object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLResolveInfo

    from benchmarks.race.federation import Resolvers

    Info = GraphQLResolveInfo[Any]

FOLDER: Final = Path(__file__).parent / "shop"
USERS: Final = 100
PRODUCTS: Final = 10_000
REVIEWS: Final = 600
REVIEWED_PRODUCTS: Final = 200
AUDIT_FAILS_EVERY: Final = 10
_CATEGORIES: Final = ("BOOKS", "GARDEN", "KITCHEN", "TOYS")
_CITIES: Final = ("Aachen", "Bergen", "Cádiz", "Derby", "Évora")
_WORDS: Final = ("plain", "heavy", "light", "round", "quiet", "warm", "narrow", "green")


def price(product: int) -> int:
    return 100 + product * 37 % 9_900


def weight(product: int) -> int:
    return 50 + product * 13 % 4_950


class Accounts:
    """Users."""

    def root(self, _kind: str) -> Object:
        return {
            "me": self.user(7),
            "user": lambda _info, id: self.user(int(id[1:])),  # noqa: A006 - the schema's name
            "users": lambda _info, first: [self.user(each) for each in range(min(first, USERS))],
        }

    def entity(self, representation: Mapping[str, Any]) -> Object | None:
        return self.user(int(representation["id"][1:]))

    def user(self, number: int) -> Object:
        street = f"{number + 1} {_WORDS[number % 8].title()} Street"
        return {
            "__typename": "User",
            "id": f"u{number}",
            "name": f"{_WORDS[number % 8].title()} Person {number}",
            "username": f"person.{number}",
            "email": f"person.{number}@shop.example",
            "address": {"street": street, "city": _CITIES[number % 5], "country": "EU"},
        }


class Products:
    """Products, without reviews and stocks."""

    def root(self, _kind: str) -> Object:
        def first_products(_info: Info, first: int) -> list[Object]:
            return [self.product(each) for each in range(min(first, PRODUCTS))]

        return {
            "product": lambda _info, upc: self.product(int(upc[1:])),
            "products": first_products,
            "topProducts": first_products,
            "productsNamed": lambda _info, names: len(names),
        }

    def entity(self, representation: Mapping[str, Any]) -> Object | None:
        return self.product(int(representation["upc"][1:]))

    def product(self, number: int) -> Object:
        return {
            "__typename": "Product",
            "upc": f"p{number}",
            "name": f"{_WORDS[number % 8].title()} thing {number}",
            "price": price(number),
            "weight": weight(number),
            "description": f"A {_WORDS[number * 3 % 8]} and {_WORDS[number * 5 % 8]} thing: number {number}.",
            "category": _CATEGORIES[number % 4],
        }


class Reviews:
    """Reviews of products by users."""

    def root(self, kind: str) -> Object:
        if kind == "Mutation":
            return {"addReview": self.add}
        return {"review": lambda _info, id: self.review(int(id[1:]))}  # noqa: A006 - the schema's name

    def entity(self, representation: Mapping[str, Any]) -> Object | None:
        match representation["__typename"]:
            case "User":
                return self.user(int(representation["id"][1:]))
            case "Product":
                return self.product(int(representation["upc"][1:]))
            case _:
                return self.review(int(representation["id"][1:]))

    def add(self, _info: Info, input: Object) -> Object:  # noqa: A002 - the schema's name
        return {
            "__typename": "Review",
            "id": "new",
            "body": input["body"],
            "rating": input["rating"],
            "author": self.user(int(input["author"][1:])),
            "product": self.product(int(input["upc"][1:])),
        }

    def review(self, number: int) -> Object:
        return {
            "__typename": "Review",
            "id": f"r{number}",
            "body": f'It is {_WORDS[number % 8]}, but less {_WORDS[number * 3 % 8]} than "number {number}" promised.',
            "rating": 1 + number % 5,
            "author": lambda _info: self.user(number * 7 % USERS),
            "product": lambda _info: self.product(number % REVIEWED_PRODUCTS),
        }

    def user(self, number: int) -> Object:
        own = [each for each in range(REVIEWS) if each * 7 % USERS == number]
        return {
            "__typename": "User",
            "id": f"u{number}",
            "reviews": lambda _info: [self.review(each) for each in own],
        }

    def product(self, number: int) -> Object:
        own = range(number, REVIEWS, REVIEWED_PRODUCTS) if number < REVIEWED_PRODUCTS else range(0)
        return {
            "__typename": "Product",
            "upc": f"p{number}",
            "reviews": lambda _info: [self.review(each) for each in own],
        }


class Inventory:
    """Stocks of products. The shipping estimate needs the price and the weight of the products subgraph."""

    def root(self, _kind: str) -> Object:
        return {"warehouse": lambda _info, id: self.warehouse(int(id[1:]))}  # noqa: A006 - the schema's name

    def entity(self, representation: Mapping[str, Any]) -> Object | None:
        number = int(representation["upc"][1:])

        def shipping_estimate(_info: Info) -> int:
            return int(representation["price"]) // 100 + int(representation["weight"]) // 2

        def last_audit(_info: Info) -> Object:
            if number % AUDIT_FAILS_EVERY == AUDIT_FAILS_EVERY - 1:
                raise GraphQLError("the audits of this product cannot be read")
            return {"by": f"auditor {number % 3}", "quantity": number % 50}

        return {
            "__typename": "Product",
            "upc": f"p{number}",
            "inStock": number % 3 > 0,
            "quantity": number * 11 % 400,
            "shippingEstimate": shipping_estimate,
            "warehouse": self.warehouse(number % 5),
            "lastAudit": last_audit,
        }

    def warehouse(self, number: int) -> Object:
        return {"id": f"w{number}", "city": _CITIES[number % 5]}


def shop() -> Federation:
    resolvers: dict[str, Resolvers] = {
        "accounts": Accounts(),
        "products": Products(),
        "reviews": Reviews(),
        "inventory": Inventory(),
    }
    return Federation.of(
        "shop",
        [
            ExecutableSubgraph(name, (FOLDER / f"{name}.graphql").read_text("utf-8"), each)
            for name, each in resolvers.items()
        ],
    )
