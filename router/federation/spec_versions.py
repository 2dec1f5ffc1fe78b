"""The directives and types that each version of each Apollo specification defines.

`_ROWS` has one row for each version, with only the definitions that are new or changed in that version. All names are
the names in the specification. The `@link` of a schema can give the elements other names (see `linked_specs`).
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING

import msgspec
from graphql.language import DirectiveDefinitionNode, DocumentNode, TypeDefinitionNode

from router.federation.sdl.parse_sdl import parse_sdl
from router.federation.version_numbers import Version

if TYPE_CHECKING:
    from collections.abc import Mapping

APOLLO = "https://specs.apollo.dev"

_ALL_ELEMENTS = (
    "FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE"
    " | INPUT_OBJECT | INPUT_FIELD_DEFINITION"
)
_AUTH_LOCATIONS = "FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM"
_COST = """
  directive @cost(weight: Int!) on
    ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
  directive @listSize(
    assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true
  ) on FIELD_DEFINITION
"""
_TAG_0_2 = f"directive @tag(name: String!) repeatable on {_ALL_ELEMENTS}"
_TAG_0_3 = f"directive @tag(name: String!) repeatable on {_ALL_ELEMENTS} | SCHEMA"
_INACCESSIBLE = f"directive @inaccessible on {_ALL_ELEMENTS}"
_CACHE_TAG = "directive @cacheTag(format: String!) repeatable on OBJECT | FIELD_DEFINITION"

_CONNECT = """
  scalar JSONSelection
  scalar URLPathTemplate
  input HTTPHeaderMapping { name: String!, from: String, value: String }
  input ConnectorErrors { message: JSONSelection, extensions: JSONSelection }
  input ConnectBatch { maxSize: Int }
  input SourceHTTP {
    baseURL: String!, headers: [HTTPHeaderMapping!], path: JSONSelection, queryParams: JSONSelection
  }
  input ConnectHTTP {
    GET: URLPathTemplate, POST: URLPathTemplate, PUT: URLPathTemplate, PATCH: URLPathTemplate, DELETE: URLPathTemplate,
    body: JSONSelection, headers: [HTTPHeaderMapping!], path: JSONSelection, queryParams: JSONSelection
  }
  directive @source(name: String!, http: SourceHTTP!, errors: ConnectorErrors, isSuccess: JSONSelection)
    repeatable on SCHEMA
  directive @connect(
    source: String, id: String, http: ConnectHTTP, batch: ConnectBatch, errors: ConnectorErrors,
    isSuccess: JSONSelection, selection: JSONSelection!, entity: Boolean = false
  ) repeatable on FIELD_DEFINITION | OBJECT
"""


class SpecVersion(msgspec.Struct, frozen=True, dict=True):
    """One version of a specification.

    `sdl` has the definitions of all earlier versions, then the definitions of this version. If a name is defined
    twice, the last definition counts.
    """

    name: str
    version: Version
    sdl: str

    @cached_property
    def _document(self) -> DocumentNode:
        return parse_sdl(self.sdl, no_location=True)

    @cached_property
    def directives(self) -> Mapping[str, DirectiveDefinitionNode]:
        """The definitions of the directives in this version, by name."""
        return {
            node.name.value: node for node in self._document.definitions if isinstance(node, DirectiveDefinitionNode)
        }

    @cached_property
    def types(self) -> Mapping[str, TypeDefinitionNode]:
        """The definitions of the types in this version, by name."""
        return {node.name.value: node for node in self._document.definitions if isinstance(node, TypeDefinitionNode)}

    @property
    def url(self) -> str:
        """The URL of this version."""
        return f"{APOLLO}/{self.name}/{self.version}"


_ROWS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "federation": (
        (
            "v2.0",
            f"""
            scalar FieldSet
            directive @key(fields: FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
            directive @requires(fields: FieldSet!) on FIELD_DEFINITION
            directive @provides(fields: FieldSet!) on FIELD_DEFINITION
            directive @external(reason: String) on OBJECT | FIELD_DEFINITION
            directive @extends on OBJECT | INTERFACE
            directive @shareable on OBJECT | FIELD_DEFINITION
            directive @override(from: String!) on FIELD_DEFINITION
            {_TAG_0_2}
            {_INACCESSIBLE}
            """,
        ),
        ("v2.1", "directive @composeDirective(name: String) repeatable on SCHEMA"),
        ("v2.2", "directive @shareable repeatable on OBJECT | FIELD_DEFINITION"),
        ("v2.3", f"directive @interfaceObject on OBJECT {_TAG_0_3}"),
        ("v2.4", ""),
        (
            "v2.5",
            f"""
            scalar Scope
            directive @authenticated on {_AUTH_LOCATIONS}
            directive @requiresScopes(scopes: [[Scope!]!]!) on {_AUTH_LOCATIONS}
            """,
        ),
        ("v2.6", f"scalar Policy directive @policy(policies: [[Policy!]!]!) on {_AUTH_LOCATIONS}"),
        ("v2.7", "directive @override(from: String!, label: String) on FIELD_DEFINITION"),
        (
            "v2.8",
            """
            scalar ContextFieldValue
            directive @context(name: String!) repeatable on INTERFACE | OBJECT | UNION
            directive @fromContext(field: ContextFieldValue) on ARGUMENT_DEFINITION
            """,
        ),
        ("v2.9", _COST),
        ("v2.10", ""),
        ("v2.11", ""),
        ("v2.12", _CACHE_TAG),
        ("v2.13", ""),
        ("v2.14", ""),
    ),
    "link": (
        (
            "v1.0",
            """
            enum Purpose { SECURITY EXECUTION }
            scalar Import
            directive @link(url: String, as: String, for: Purpose, import: [Import]) repeatable on SCHEMA
            """,
        ),
    ),
    "core": (
        (
            "v0.1",
            "directive @core(feature: String!, as: String) repeatable on SCHEMA",
        ),
        (
            "v0.2",
            """
            enum Purpose { SECURITY EXECUTION }
            directive @core(feature: String!, as: String, for: Purpose) repeatable on SCHEMA
            """,
        ),
    ),
    "tag": (
        (
            "v0.1",
            "directive @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE | UNION",
        ),
        ("v0.2", _TAG_0_2),
        ("v0.3", _TAG_0_3),
    ),
    "inaccessible": (
        ("v0.1", "directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION"),
        ("v0.2", _INACCESSIBLE),
    ),
    "authenticated": (("v0.1", f"directive @authenticated on {_AUTH_LOCATIONS}"),),
    "requiresScopes": (("v0.1", f"scalar Scope directive @requiresScopes(scopes: [[Scope!]!]!) on {_AUTH_LOCATIONS}"),),
    "policy": (("v0.1", f"scalar Policy directive @policy(policies: [[Policy!]!]!) on {_AUTH_LOCATIONS}"),),
    "context": (
        (
            "v0.1",
            """
            scalar ContextFieldValue
            directive @context(name: String!) repeatable on INTERFACE | OBJECT | UNION
            directive @fromContext(field: ContextFieldValue) on ARGUMENT_DEFINITION
            """,
        ),
    ),
    "cost": (("v0.1", _COST),),
    "cacheTag": (("v0.1", _CACHE_TAG),),
    "connect": (
        ("v0.1", _CONNECT),
        ("v0.2", ""),
        ("v0.3", ""),
        ("v0.4", ""),
    ),
    "join": (
        (
            "v0.3",
            """
            scalar FieldSet
            enum Graph { _ }
            directive @graph(name: String!, url: String!) on ENUM_VALUE
            directive @type(
              graph: Graph!, key: FieldSet, extension: Boolean! = false, resolvable: Boolean! = true,
              isInterfaceObject: Boolean! = false
            ) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
            directive @field(
              graph: Graph, requires: FieldSet, provides: FieldSet, type: String, external: Boolean,
              override: String, usedOverridden: Boolean
            ) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
            directive @implements(graph: Graph!, interface: String!) repeatable on OBJECT | INTERFACE
            directive @unionMember(graph: Graph!, member: String!) repeatable on UNION
            directive @enumValue(graph: Graph!) repeatable on ENUM_VALUE
            """,
        ),
        (
            "v0.4",
            """
            scalar DirectiveArguments
            directive @field(
              graph: Graph, requires: FieldSet, provides: FieldSet, type: String, external: Boolean,
              override: String, usedOverridden: Boolean, overrideLabel: String
            ) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
            directive @directive(graphs: [Graph!], name: String!, args: DirectiveArguments)
              repeatable on SCHEMA | OBJECT | INTERFACE | FIELD_DEFINITION
            """,
        ),
        (
            "v0.5",
            """
            scalar FieldValue
            input ContextArgument { name: String!, type: String!, context: String!, selection: FieldValue! }
            directive @field(
              graph: Graph, requires: FieldSet, provides: FieldSet, type: String, external: Boolean,
              override: String, usedOverridden: Boolean, overrideLabel: String, contextArguments: [ContextArgument!]
            ) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
            """,
        ),
    ),
}


@cache
def spec_versions(name: str) -> tuple[SpecVersion, ...]:
    """Return all versions of a specification, the oldest first. Return `()` if the specification is unknown."""
    known: list[SpecVersion] = []
    sdl = ""
    for text, row in _ROWS.get(name, ()):
        version = Version.parse(text)
        if version is None:
            raise ValueError(f"{text} is not a version")
        sdl = f"{sdl}\n{row}"
        known.append(SpecVersion(name, version, sdl))
    return tuple(known)


def spec_version(name: str, version: Version) -> SpecVersion | None:
    """Return one version of a specification. Return None if the specification or the version is unknown."""
    return next((spec for spec in spec_versions(name) if spec.version == version), None)


LATEST_FEDERATION = spec_versions("federation")[-1].version

# The directives of Federation 1. A Federation 1 schema has no @link, so it always uses these names: `@key`, and not
# `@federation__key`.
FEDERATION_1 = SpecVersion(
    "federation",
    Version(1, 0),
    f"""
    scalar _FieldSet
    directive @key(fields: _FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
    directive @requires(fields: _FieldSet!) on FIELD_DEFINITION
    directive @provides(fields: _FieldSet!) on FIELD_DEFINITION
    directive @external(reason: String) on OBJECT | FIELD_DEFINITION
    directive @extends on OBJECT | INTERFACE
    {_TAG_0_2}
    """,
)
