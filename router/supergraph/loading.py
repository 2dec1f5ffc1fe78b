"""Load a `Supergraph` from supergraph SDL, and check the specifications that the SDL links."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from router.federation.sdl.parse_sdl import parse_sdl
from router.federation.spec_versions import APOLLO
from router.supergraph.join_directives import JoinVocabulary
from router.supergraph.merged_and_api_schema import build_api_schema, merged_definitions
from router.supergraph.model import Supergraph
from router.supergraph.pause_garbage_collection import paused_garbage_collection
from router.supergraph.subgraph_extraction import extract_subgraphs

if TYPE_CHECKING:
    from router.federation.linked_specs import Link, Links

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


@paused_garbage_collection()
def load(sdl: str) -> Supergraph:
    """Load a supergraph (join specification v0.1 to v0.5; composition §8.6).

    Raises:
        InvalidSupergraph: The text is not a valid supergraph, or the router does not support a specification that the
            supergraph needs (a link with the argument `for`).
    """
    try:
        document = parse_sdl(sdl, no_location=True)
        links = read_links(directives_on_schema(document))
    except GraphQLSyntaxError as error:
        line, column = error.locations[0] if error.locations else (1, 1)
        place = f"line {line}, column {column}"
        raise InvalidSupergraph(f"The supergraph is not GraphQL: {error.message} ({place})") from None
    except LinkError as error:
        raise InvalidSupergraph(f"A link of the supergraph is not valid: {error.message}") from None
    _check_arguments(links)
    _check_purposes(links)
    merged = list(without_null_reasons(merged_definitions(document, links)))
    join = JoinVocabulary.of(_join_link(links), links.get(f"{APOLLO}/context"))
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
    cost = links.get(f"{APOLLO}/cost")
    names = tuple(cost.directive_name(name) if cost is not None else None for name in ("listSize", "cost"))
    return Supergraph(sdl, schema, api_schema, subgraphs, _restrictions(links), *names)


def _restrictions(links: Links) -> dict[str, str]:
    """Map each linked authorization directive, such as `authenticated`, to its name in the schema."""
    found = ((name, links.get(f"{APOLLO}/{name}")) for name in _RESTRICTIONS)
    return {name: link.directive_name(name) for name, link in found if link is not None}


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
