"""A federation of books and reviews with `@cost` and `@listSize`, in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from graphql import graphql_sync

from router import supergraph
from router.composition import Subgraph, compose
from router.transport.interface import SubgraphResponse

if TYPE_CHECKING:
    from router.transport.interface import SubgraphRequest

_LINK: Final = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",
  import: ["@key", "@shareable", {name: "@cost", as: "@price"}, "@listSize"])
"""
BOOKS: Final = (
    _LINK
    + """
type Query {
  book: Book
  title: String
  report: String @price(weight: 7)
  books(first: Int, last: Int): [Book!] @listSize(slicingArguments: ["first", "last"], assumedSize: 4)
  plain: [Book!]
  page(first: Int = 3): Page @listSize(slicingArguments: ["first"], sizedFields: ["nodes"])
  search(input: Search, n: Int, words: [String!] @price(weight: 2)): [Book!]
    @listSize(slicingArguments: ["n"], requireOneSlicingArgument: false, assumedSize: 5)
  thing: Thing
  cover: Cover
}
type Mutation { add(input: Search): Book }
input Search { paging: Paging, word: String @price(weight: 5), others: [Search!] }
input Paging { first: Int }
type Page { nodes: [Book!] total: Int }
interface Thing { id: ID }
type Book implements Thing @key(fields: "id") { id: ID title: String author: Author authors: [Author] }
type Author @price(weight: 3) { name: String born: Date }
scalar Date @price(weight: 2)
union Cover = Book | Author
"""
)
REVIEWS: Final = (
    _LINK
    + """
type Book @key(fields: "id") {
  id: ID
  reviews(first: Int): [Review!]
    @listSize(slicingArguments: ["first"], assumedSize: 2, requireOneSlicingArgument: false)
}
type Review { text: String }
"""
)


def composed() -> str:
    """Return the supergraph of the two subgraphs."""
    composition = compose(
        [Subgraph("books", "http://books/graphql", BOOKS), Subgraph("reviews", "http://reviews/graphql", REVIEWS)]
    )
    assert composition.supergraph_sdl is not None, composition.errors
    return composition.supergraph_sdl


# Composition accepts only arguments here; supergraphs of Federation 2.12 have paths.
SDL: Final = composed().replace('slicingArguments: ["n"]', 'slicingArguments: ["input.paging.first"]')
_AUTHOR: Final = {"name": "Ada", "born": "1815"}


def book(number: int) -> dict[str, Any]:
    """Return one book."""
    return {"__typename": "Book", "id": str(number), "title": "t", "author": _AUTHOR, "authors": [_AUTHOR, None]}


@dataclass
class Library:
    """Both subgraphs. Each list has two books, whatever the client asks for. `fetches` counts requests by subgraph."""

    fetches: list[str] = field(default_factory=list)

    async def __call__(self, request: SubgraphRequest) -> SubgraphResponse:
        """Respond like the subgraph that the request is for."""
        self.fetches.append(request.subgraph)
        schema = supergraph.load(SDL).subgraphs[request.subgraph].schema
        two = [book(1), book(2)]
        reviews = [{"text": "r"}] * 3
        root = {
            "book": book(1),
            "books": two,
            "plain": two,
            "search": two,
            "page": {"nodes": two, "total": 2},
            "title": "x",
            "report": "y",
            "add": book(3),
            "thing": book(1),
            "cover": None,
            "_entities": [
                {"__typename": "Book", "reviews": reviews}
                for _ in list(request.variables.get("representations", ()))  # type: ignore[call-overload]
            ],
        }
        result = graphql_sync(schema, request.operation, root, variable_values=dict(request.variables))
        return SubgraphResponse.of(dict(result.formatted))
