"""The specifications that a schema links, and the names of their elements in the schema (composition §2.3).

An *element* is a directive or a type of a specification, written as in import lists: `@key`, `FieldSet`. The name of an
element in the schema depends on the link to the specification. If the link names the specification `A`, then:

- An imported element has its name in the import list: `@key`, or `@primaryKey` for `{name: "@key", as: "@primaryKey"}`.
- A directive with the same name as its specification is `@A`. An example is `@tag` of the specification `tag`.
- Any other directive `@d` is `@A__d`, and any other type `T` is `A__T`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from router.federation.spec_versions import APOLLO, SpecVersion, spec_version
from router.federation.version_numbers import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql.language import DirectiveNode

FEDERATION_IDENTITY = f"{APOLLO}/federation"
LINK_IDENTITY = f"{APOLLO}/link"
CORE_IDENTITY = f"{APOLLO}/core"

# A specification URL ends with two path segments: the name and the version.
_NAME_AND_VERSION = 2


class SpecUrl(msgspec.Struct, frozen=True):
    """The parts of a specification URL.

    `https://specs.apollo.dev/federation/v2.3` has the identity `https://specs.apollo.dev/federation`, the name
    `federation` and the version `v2.3`.
    """

    identity: str
    name: str
    version: Version

    @classmethod
    def parse(cls, text: str) -> SpecUrl | None:
        """Parse a specification URL. Return None if the name or the version is missing or malformed.

        The query, the fragment and the credentials of the URL are ignored.
        """
        try:
            parts = urlsplit(text)
            host = parts.hostname or ""
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            return None
        segments = [segment for segment in parts.path.split("/") if segment]
        if not parts.scheme or len(segments) < _NAME_AND_VERSION:
            return None
        version = Version.parse(segments[-1])
        if version is None:
            return None
        path = "/".join(segments[:-1])
        return cls(f"{parts.scheme}://{host}{port}/{path}", segments[-2], version)

    @property
    def is_apollo(self) -> bool:
        """Whether the URL belongs to an Apollo specification."""
        return self.identity == f"{APOLLO}/{self.name}"

    def __str__(self) -> str:
        return f"{self.identity}/{self.version}"


class Link(msgspec.Struct, frozen=True):
    """One `@link`. `imports` maps elements to their names in the schema, for example `@key` to `@primaryKey`."""

    url: SpecUrl
    alias: str
    imports: Mapping[str, str]
    node: DirectiveNode | None = None
    purpose: str | None = None

    @property
    def spec(self) -> SpecVersion | None:
        """The specification in the linked version; None if the router does not know the specification or version."""
        return spec_version(self.url.name, self.url.version) if self.url.is_apollo else None

    def directive_name(self, element: str) -> str:
        """Return the name that the specification's directive `element` has in the schema. Names are without `@`."""
        imported = self.imports.get(f"@{element}")
        if imported is not None:
            return imported[1:]
        return self.alias if element == self.url.name else f"{self.alias}__{element}"

    def type_name(self, element: str) -> str:
        """Return the name that the specification's type `element` has in the schema."""
        return self.imports.get(element, f"{self.alias}__{element}")


class Links(msgspec.Struct, frozen=True):
    """All links of a schema. `by_identity` finds a link by the specification URL without its version."""

    by_identity: Mapping[str, Link] = msgspec.field(default_factory=dict)

    def __iter__(self) -> Iterator[Link]:
        return iter(self.by_identity.values())

    def get(self, identity: str) -> Link | None:
        """Return the link to the specification with this identity; None if the schema does not link it."""
        return self.by_identity.get(identity)

    def directive_source(self, name: str) -> tuple[Link, str] | None:
        """Find the linked specification that defines the schema's directive `name`.

        Return the link and the name of the directive in the specification. Return None if no linked specification
        defines the directive.
        """
        for link in self:
            for element, imported in link.imports.items():
                if imported == f"@{name}":
                    return link, element[1:]
        for link in self:
            if name == link.alias:
                return link, link.url.name
            if name.startswith(f"{link.alias}__"):
                return link, name.removeprefix(f"{link.alias}__")
        return None

    def type_source(self, name: str) -> tuple[Link, str] | None:
        """Find the linked specification that defines the schema's type `name`.

        Return the link and the name of the type in the specification. Return None if no linked specification defines
        the type.
        """
        for link in self:
            for element, imported in link.imports.items():
                if imported == name:
                    return link, element
            if name.startswith(f"{link.alias}__"):
                return link, name.removeprefix(f"{link.alias}__")
        return None
