"""`@link` and its predecessor `@core`: which specifications a schema uses, and what their elements are called in it.

A specification element `E` of a specification linked under the alias `A` is called, in the schema:

- its import alias or `E`, if the link imports it;
- `@A`, if it is the directive named like its specification;
- `@A__E` / `A__E` otherwise.

Elements are written as in import lists: directives with their `@`, types without.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from graphql.language import (
    ConstValueNode,
    DirectiveNode,
    EnumValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    print_ast,
)

from router.federation.specs import APOLLO, SpecVersion, spec_version, spec_versions
from router.federation.versions import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FEDERATION_IDENTITY = f"{APOLLO}/federation"
LINK_IDENTITY = f"{APOLLO}/link"
CORE_IDENTITY = f"{APOLLO}/core"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Apollo tolerates dots and dashes in a specification's name; they cannot occur in a GraphQL name.
_SPEC_NAME = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_.-]*[A-Za-z0-9.-])?")


# A specification URL ends in these two path segments.
_NAME_AND_VERSION = 2

LinkErrorCode = Literal[
    "INVALID_GRAPHQL",
    "INVALID_LINK_DIRECTIVE_USAGE",
    "INVALID_LINK_IDENTIFIER",
    "UNKNOWN_FEDERATION_LINK_VERSION",
    "UNKNOWN_LINK_VERSION",
]


class LinkError(Exception):
    """A `@link` that cannot be understood; `code` is the composition error code.

    Where the schema links the link specification itself, such a link is as good as not written: `others` are the
    links understood, and the rest of the schema may be read with them. None if nothing more can be said of it.
    """

    def __init__(self, code: LinkErrorCode, message: str, node: DirectiveNode | None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.node = node
        self.others: Links | None = None


@dataclass(frozen=True, slots=True)
class SpecUrl:
    """A specification URL taken apart: `https://specs.apollo.dev/federation/v2.3` has the name `federation`."""

    identity: str
    name: str
    version: Version

    @classmethod
    def parse(cls, text: str) -> SpecUrl | None:
        """None if name or version is missing or malformed; query, fragment and credentials are ignored."""
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
        """The definitions of the linked version, if it is one of Apollo's that we know."""
        return spec_version(self.url.name, self.url.version) if self.url.is_apollo else None

    def directive_name(self, element: str) -> str:
        """What the directive `element` (no `@`) is called in the schema, again without `@`."""
        imported = self.imports.get(f"@{element}")
        if imported is not None:
            return imported[1:]
        return self.alias if element == self.url.name else f"{self.alias}__{element}"

    def type_name(self, element: str) -> str:
        return self.imports.get(element, f"{self.alias}__{element}")


@dataclass(frozen=True, slots=True)
class Links:
    """All specifications a schema links, by identity."""

    by_identity: Mapping[str, Link] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Link]:
        return iter(self.by_identity.values())

    def get(self, identity: str) -> Link | None:
        return self.by_identity.get(identity)

    def directive_source(self, name: str) -> tuple[Link, str] | None:
        """Which link a directive name of the schema belongs to, and the element it stands for there."""
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
        """The same for a type name."""
        for link in self:
            for element, imported in link.imports.items():
                if imported == name:
                    return link, element
            if name.startswith(f"{link.alias}__"):
                return link, name.removeprefix(f"{link.alias}__")
        return None


def read_links(directives: Sequence[DirectiveNode]) -> Links:
    """Read the `@link` or `@core` applications on a schema definition and its extensions.

    Raises:
        LinkError: INVALID_LINK_IDENTIFIER, INVALID_LINK_DIRECTIVE_USAGE, UNKNOWN_LINK_VERSION,
            UNKNOWN_FEDERATION_LINK_VERSION or INVALID_GRAPHQL.
    """
    if not any(_links_specifications(node) for node in directives):
        # Neither the link specification nor federation: whatever else stands in a @link then means nothing to anybody.
        return Links()
    carrier = _link_directive_name(directives)
    implied = () if any(map(_links_link, directives)) else (_implied_link(),)
    links: dict[str, Link] = {}
    first: LinkError | None = None
    for node in directives:
        if node.name.value != carrier:
            continue
        try:
            link = _new_link(node, links, beside_federation=any(map(_is_federation, directives)))
            _check_names([*implied, *links.values(), link])
            links[link.url.identity] = link
        except LinkError as error:
            if first is None or _federation_again(error, first):
                first = error
            if error.code == "UNKNOWN_FEDERATION_LINK_VERSION" and (url := _url_of(node)) is not None:
                # It is a federation all the same, of which we know no definition.
                links[FEDERATION_IDENTITY] = Link(url, url.name, {})
    if first is not None:
        # Beside federation the link specification is linked anyway, and a mistake in its own link ends the reading.
        of_link = first.node is not None and _links_link(first.node) and not any(map(_is_federation, directives))
        if of_link or links.keys() & {LINK_IDENTITY, CORE_IDENTITY, *_federation_of_unknown_version(first)}:
            first.others = Links(links)
        raise first
    return Links(links)


def _federation_again(error: LinkError, first: LinkError) -> bool:
    """Whether this is told instead of the first mistake: a second federation instead of the first's unknown version."""
    return first.code == "UNKNOWN_FEDERATION_LINK_VERSION" and error.node is not None and _is_federation(error.node)


def _federation_of_unknown_version(error: LinkError) -> tuple[str, ...]:
    return (FEDERATION_IDENTITY,) if error.code == "UNKNOWN_FEDERATION_LINK_VERSION" else ()


def _new_link(node: DirectiveNode, links: Mapping[str, Link], *, beside_federation: bool) -> Link:
    try:
        link = _read_link(node)
    except LinkError as error:
        # Beside a federation link, the link specification is taken as linked already, in the version we know.
        if error.code == "UNKNOWN_LINK_VERSION" and beside_federation:
            raise _usage("the link specification is linked already", node) from None
        if error.code == "UNKNOWN_FEDERATION_LINK_VERSION" and FEDERATION_IDENTITY in links:
            raise _usage(f"the specification {FEDERATION_IDENTITY} is linked twice", node) from None
        raise
    if link.url.identity in links:
        raise _usage(f"the specification {link.url.identity} is linked twice", node)
    return link


def _implied_link() -> Link:
    """The link specification under its own name, as in schemas that do not bother to link it."""
    return Link(SpecUrl(LINK_IDENTITY, "link", spec_versions("link")[-1].version), "link", {})


def _links_link(node: DirectiveNode) -> bool:
    url = _url_of(node)
    return url is not None and url.identity in (LINK_IDENTITY, CORE_IDENTITY)


def _links_specifications(node: DirectiveNode) -> bool:
    arguments = _arguments(node)
    address = arguments.get("url") or arguments.get("feature")
    # Until the link specification has said what it is called here, only @link can link federation.
    known = (LINK_IDENTITY, CORE_IDENTITY, *((FEDERATION_IDENTITY,) if node.name.value == "link" else ()))
    return isinstance(address, StringValueNode) and address.value.startswith(known)


def _is_federation(node: DirectiveNode) -> bool:
    url = _url_of(node)
    return url is not None and url.identity == FEDERATION_IDENTITY


def _url_of(node: DirectiveNode) -> SpecUrl | None:
    arguments = _arguments(node)
    address = arguments.get("url") or arguments.get("feature")
    return SpecUrl.parse(address.value) if isinstance(address, StringValueNode) else None


def _link_directive_name(directives: Sequence[DirectiveNode]) -> str:
    """The name under which `@link` links itself; schemas that do not bother mean `@link`."""
    for node in directives:
        arguments, url = _arguments(node), _url_of(node)
        if url is None or url.identity not in (LINK_IDENTITY, CORE_IDENTITY):
            continue
        alias = arguments.get("as")
        imports = _imports(node, arguments.get("import")) if "import" in arguments else {}
        default = alias.value if isinstance(alias, StringValueNode) else url.name
        if node.name.value == imports.get(f"@{url.name}", f"@{default}").removeprefix("@"):
            return node.name.value
    return "link"


def _arguments(node: DirectiveNode) -> dict[str, ConstValueNode]:
    values: dict[str, ConstValueNode] = {}
    for argument in node.arguments or ():
        if not isinstance(argument.value, NullValueNode):
            values[argument.name.value] = argument.value  # type: ignore[assignment]  # constants only, by grammar
    return values


def _read_link(node: DirectiveNode) -> Link:
    # Arguments that there are not are for GraphQL's own rules to find.
    arguments = _arguments(node)
    url = _read_url(node, arguments)
    alias = arguments.get("as")
    if alias is not None and not isinstance(alias, StringValueNode):
        raise _usage('"as" must be a string', node)
    purpose = arguments.get("for")
    if purpose is not None and not (isinstance(purpose, EnumValueNode) and purpose.value in ("SECURITY", "EXECUTION")):
        raise LinkError("INVALID_GRAPHQL", f'"for" of @{node.name.value} must be SECURITY or EXECUTION.', node)
    link = Link(
        url=url,
        alias=alias.value if isinstance(alias, StringValueNode) else url.name,
        imports=_imports(node, arguments.get("import")),
        node=node,
        purpose=purpose.value if isinstance(purpose, EnumValueNode) else None,
    )
    _check_alias(link)
    _check_elements(link)
    return link


def _read_url(node: DirectiveNode, arguments: Mapping[str, ConstValueNode]) -> SpecUrl:
    address = arguments.get("url") or arguments.get("feature")
    if not isinstance(address, StringValueNode):
        raise _usage('the argument "url" must be given, as a string', node)
    url = SpecUrl.parse(address.value)
    if url is None:
        raise LinkError(
            "INVALID_LINK_IDENTIFIER",
            f'"{address.value}" is no specification URL: it must end in a name and a version, like /federation/v2.3.',
            node,
        )
    known = spec_versions(url.name) if url.is_apollo else ()
    if url.identity == FEDERATION_IDENTITY and url.version not in {spec.version for spec in known}:
        raise LinkError(
            "UNKNOWN_FEDERATION_LINK_VERSION",
            f"Federation {url.version} is not known; the versions known are {known[0].version} to {known[-1].version}.",
            node,
        )
    if url.identity in (LINK_IDENTITY, CORE_IDENTITY) and url.version not in {spec.version for spec in known}:
        raise LinkError("UNKNOWN_LINK_VERSION", f"Version {url.version} of {url.identity} is not known.", node)
    return url


def _imports(node: DirectiveNode, value: ConstValueNode | None) -> dict[str, str]:
    """Import items: `"@key"`, `"FieldSet"` or `{name: "@key", as: "@primaryKey"}`."""
    if value is None:
        return {}
    if not isinstance(value, ListValueNode):
        raise _usage('"import" must be a list', node)
    imports: dict[str, str] = {}
    for item in value.values:
        element, name = _import_item(node, item)
        if imports.get(element, name) != name:
            raise _usage(f'"{element}" is imported under two names', node)
        imports[element] = name
    return imports


def _import_item(node: DirectiveNode, item: ConstValueNode) -> tuple[str, str]:
    match item:
        # Untyped, an enum value is taken for its name.
        case StringValueNode() | EnumValueNode():
            element = name = item.value
        case ObjectValueNode():
            parts = {field.name.value: field.value for field in item.fields}
            named = (StringValueNode, EnumValueNode)
            values = {key: part.value for key, part in parts.items() if isinstance(part, named)}
            if parts.keys() - {"name", "as"} or parts.keys() != values.keys() or "name" not in values:
                raise _usage(f'an import is {{name: "...", as: "..."}}, not {print_ast(item)}', node)
            element, name = values["name"], values.get("as", values["name"])
        case _:
            raise _usage(f"an import is a string or an object, not {print_ast(item)}", node)
    # A plain string that is no name is no element of a specification we know, and nobody's business in another.
    for written in (element, name) if isinstance(item, ObjectValueNode) else ():
        if not _NAME.fullmatch(written.removeprefix("@")):
            raise _usage(f'"{written}" is not a name', node)
    if element.startswith("@") != name.startswith("@"):
        what = "directive: its alias begins" if element.startswith("@") else "type: its alias does not begin"
        raise _usage(f'"{element}" is a {what} with "@", unlike "{name}"', node)
    return element, name


def _check_alias(link: Link) -> None:
    if "__" in link.alias or link.alias.endswith("_") or not _SPEC_NAME.fullmatch(link.alias):
        raise _usage(
            f'"{link.alias}" cannot name {link.url.identity} here: a name has no "__" and no "_" at its end; set "as"',
            link.node,
        )


def _check_elements(link: Link) -> None:
    spec = link.spec
    if spec is None:
        return
    known = [f"@{name}" for name in spec.directives] + [name for name in spec.types if not name.startswith("_")]
    for element in link.imports:
        if element not in known:
            near = difflib.get_close_matches(element, [*known], n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise _usage(f'"{element}" is not an element of {link.url}{hint}', link.node)


def _check_names(links: Sequence[Link]) -> None:
    """Every name belongs to one specification."""
    owners: dict[str, Link] = {}
    aliases: dict[str, Link] = {}
    for link in links:
        if link.alias in aliases:
            raise _usage(
                f'"{link.alias}" names both {aliases[link.alias].url} and {link.url}; set "as" on one of them',
                link.node,
            )
        aliases[link.alias] = link
        for name in link.imports.values():
            if name in owners:
                raise _usage(f'"{name}" is imported from both {owners[name].url} and {link.url}', link.node)
            owners[name] = link
    for link in links:
        for element, name in link.imports.items():
            bare = name.removeprefix("@")
            prefix = bare.split("__", 1)[0] if "__" in bare else bare if name.startswith("@") else ""
            other = aliases.get(prefix)
            if other is not None and (other is not link or bare != _default_name(link, element)):
                raise _usage(f'"{name}" belongs to {other.url} and cannot be imported from {link.url}', link.node)


def _default_name(link: Link, element: str) -> str:
    """What the element would be called without an import."""
    bare = element.removeprefix("@")
    return link.alias if element == f"@{link.url.name}" else f"{link.alias}__{bare}"


def _usage(message: str, node: DirectiveNode | None) -> LinkError:
    return LinkError(
        "INVALID_LINK_DIRECTIVE_USAGE",
        f"Invalid use of @link: {message}" + ("" if message.endswith("?") else "."),
        node,
    )
