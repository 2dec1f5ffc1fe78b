"""The specifications that a schema links, and the names of their elements in the schema (composition §2.3).

The name of an element `E` of a specification that is linked as `A` is:

- its import alias or `E`, if the link imports it;
- `@A`, if it is the directive named like its specification;
- `@A__E` / `A__E` otherwise.

Elements are written as in import lists: directives with their `@`, types without.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from router.federation.spec_versions import APOLLO, SpecVersion, spec_version
from router.federation.version_numbers import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql.language import DirectiveNode

FEDERATION_IDENTITY = f"{APOLLO}/federation"
LINK_IDENTITY = f"{APOLLO}/link"
CORE_IDENTITY = f"{APOLLO}/core"

# A specification URL ends in these two path segments.
_NAME_AND_VERSION = 2


@dataclass(frozen=True, slots=True)
class SpecUrl:
    """The parts of a specification URL: `https://specs.apollo.dev/federation/v2.3` has the name `federation`."""

    identity: str
    name: str
    version: Version

    @classmethod
    def parse(cls, text: str) -> SpecUrl | None:
        """Parse a URL; None if name or version is missing or malformed. Query, fragment and credentials are ignored."""
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
        """Whether it is one of Apollo's specifications."""
        return self.identity == f"{APOLLO}/{self.name}"

    def __str__(self) -> str:
        return f"{self.identity}/{self.version}"


@dataclass(frozen=True, slots=True)
class Link:
    """One `@link` application. `imports` maps elements (`@key`, `FieldSet`) to their names in the schema, same form."""

    url: SpecUrl
    alias: str
    imports: Mapping[str, str]
    node: DirectiveNode | None = None
    purpose: str | None = None

    @property
    def spec(self) -> SpecVersion | None:
        """The definitions of the linked version; None if it is not a known version of an Apollo specification."""
        return spec_version(self.url.name, self.url.version) if self.url.is_apollo else None

    def directive_name(self, element: str) -> str:
        """The name in the schema of a directive of the specification; both without `@`."""
        imported = self.imports.get(f"@{element}")
        if imported is not None:
            return imported[1:]
        return self.alias if element == self.url.name else f"{self.alias}__{element}"

    def type_name(self, element: str) -> str:
        """The name in the schema of a type of the specification."""
        return self.imports.get(element, f"{self.alias}__{element}")


@dataclass(frozen=True, slots=True)
class Links:
    """All specifications a schema links, by identity."""

    by_identity: Mapping[str, Link] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Link]:
        return iter(self.by_identity.values())

    def get(self, identity: str) -> Link | None:
        """The link to a specification, by its identity."""
        return self.by_identity.get(identity)

    def directive_source(self, name: str) -> tuple[Link, str] | None:
        """The link that a directive name of the schema belongs to, and the directive's name in that specification."""
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
        """The link that a type name of the schema belongs to, and the type's name in that specification."""
        for link in self:
            for element, imported in link.imports.items():
                if imported == name:
                    return link, element
            if name.startswith(f"{link.alias}__"):
                return link, name.removeprefix(f"{link.alias}__")
        return None
