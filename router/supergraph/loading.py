"""Load a `Supergraph` from supergraph SDL, and check the specifications that the SDL links."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    build_ast_schema,
)

from router.errors import InvalidSupergraph
from router.federation.field_sets import FieldSetSyntaxError
from router.federation.link_directives import LinkError, directives_on_schema, read_links
from router.federation.rewrite_definitions import without_null_reasons
from router.federation.sdl.parse_sdl import parse_sdl_with_starts
from router.federation.spec_versions import APOLLO
from router.supergraph.join_directives import JoinVocabulary
from router.supergraph.merged_and_api_schema import build_api_schema, merged_definitions
from router.supergraph.model import Supergraph
from router.supergraph.subgraph_extraction import extract_subgraphs
from servicekit import garbage_collection

if TYPE_CHECKING:
    from router.federation.linked_specs import Link, Links
    from router.federation.sdl.parse_sdl import DefinitionsWithStarts

# The specifications that the router supports. Other specifications are ignored, unless their link has the argument
# `for` (`SECURITY` or `EXECUTION`). Such a link is an error, because a router must not ignore the specification.
_UNDERSTOOD = frozenset(
    f"{APOLLO}/{name}"
    for name in (
        "link",
        "core",
        "join",
        "tag",
        "inaccessible",
        "authenticated",
        "requiresScopes",
        "policy",
        "context",
        "cost",
        "cacheTag",
    )
)
_RESTRICTIONS = ("authenticated", "requiresScopes", "policy")
_LINK_ARGUMENTS = frozenset({"url", "feature", "as", "for", "import"})
_JOIN_VERSIONS = frozenset({(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)})


class SupergraphHeader(NamedTuple):
    """The links of a supergraph, and the names of its join directives.

    `list_size_directive` and `cost_directive` are attributes of `Supergraph`.
    """

    links: Links
    join: JoinVocabulary

    @property
    def restrictions(self) -> dict[str, str]:
        """Map each linked authorization directive, such as `authenticated`, to its name in the schema."""
        found = ((name, self.links.get(f"{APOLLO}/{name}")) for name in _RESTRICTIONS)
        return {name: link.directive_name(name) for name, link in found if link is not None}

    @property
    def list_size_directive(self) -> str | None:
        return self._cost_directive("listSize")

    @property
    def cost_directive(self) -> str | None:
        return self._cost_directive("cost")

    def _cost_directive(self, name: str) -> str | None:
        cost = self.links.get(f"{APOLLO}/cost")
        return cost.directive_name(name) if cost is not None else None


def read_header(document: DocumentNode) -> SupergraphHeader:
    """Read the links of a supergraph.

    Raises:
        InvalidSupergraph: A link is not valid, or the router does not support a specification that the supergraph needs
            (a link with the argument `for`).
    """
    try:
        links = read_links(directives_on_schema(document))
    except LinkError as error:
        raise InvalidSupergraph(f"A link of the supergraph is not valid: {error.message}") from None
    _check_arguments(links)
    _check_purposes(links)
    return SupergraphHeader(links, JoinVocabulary.of(_join_link(links), links.get(f"{APOLLO}/context")))


@garbage_collection.paused()
def parse_supergraph(sdl: str) -> DefinitionsWithStarts:
    """Parse the SDL of a supergraph.

    Raises:
        InvalidSupergraph: The text is not GraphQL.
    """
    try:
        return parse_sdl_with_starts(sdl)
    except GraphQLSyntaxError as error:
        line, column = error.locations[0] if error.locations else (1, 1)
        place = f"line {line}, column {column}"
        raise InvalidSupergraph(f"The supergraph is not GraphQL: {error.message} ({place})") from None


def load(sdl: str) -> Supergraph:
    """Load a supergraph (join specification v0.1 to v0.5; composition §8.6).

    Raises:
        InvalidSupergraph: The text is not a valid supergraph, or the router does not support a specification that the
            supergraph needs (a link with the argument `for`).
    """
    return load_document(sdl, parse_supergraph(sdl).document)


@garbage_collection.paused()
def load_document(sdl: str, document: DocumentNode) -> Supergraph:
    """Load a supergraph from its parsed SDL (`parse_supergraph`).

    Raises:
        InvalidSupergraph: As for `load`.
    """
    header = read_header(document)
    links, join = header
    merged = list(without_null_reasons(merged_definitions(document, links)))
    try:
        subgraphs = extract_subgraphs(document, merged, join)
        schema = build_ast_schema(DocumentNode(definitions=tuple(merged)), assume_valid=True, assume_valid_sdl=True)
        api_schema = build_api_schema(schema, merged, links)
    except FieldSetSyntaxError as error:
        raise InvalidSupergraph(f"A field set of the supergraph is malformed: {error}") from None
    except (TypeError, GraphQLError) as error:
        raise InvalidSupergraph(f"The supergraph is not a valid schema: {_message(error)}") from None
    if schema.query_type is None:
        raise InvalidSupergraph("The supergraph has no query type.")
    return Supergraph(
        sdl,
        schema,
        api_schema,
        subgraphs,
        header.restrictions,
        header.list_size_directive,
        header.cost_directive,
    )


def _message(error: TypeError | GraphQLError) -> str:
    # Do not use `str(error)` for a GraphQLError, because it quotes several lines of the supergraph.
    return error.message if isinstance(error, GraphQLError) else str(error)


def _check_arguments(links: Links) -> None:
    """Raise an error if a link has an unknown argument.

    The unknown argument could be a misspelt `for`. The argument `for` says that a router must not ignore the
    specification.
    """
    for link in links:
        given = {argument.name.value for argument in link.node.arguments or ()} if link.node else set()
        if unknown := given - _LINK_ARGUMENTS:
            raise InvalidSupergraph(
                f"The supergraph links {link.url} with unknown arguments: {', '.join(sorted(unknown))}."
            )


def _check_purposes(links: Links) -> None:
    for link in links:
        if link.purpose is not None and link.url.identity not in _UNDERSTOOD:
            raise InvalidSupergraph(
                f"The supergraph needs {link.url} for {link.purpose}, which this router does not support.",
                code="UNSUPPORTED_LINKED_FEATURE",
            )


def _join_link(links: Links) -> Link:
    link = links.get(f"{APOLLO}/join")
    if link is None:
        raise InvalidSupergraph(f"The schema does not link {APOLLO}/join: it is not a supergraph.")
    if (link.url.version.major, link.url.version.minor) not in _JOIN_VERSIONS:
        raise InvalidSupergraph(
            f"{link.url} is not a version of the join specification that this router supports.",
            code="UNSUPPORTED_LINKED_FEATURE",
        )
    return link
