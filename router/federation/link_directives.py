"""Read the `@link` and `@core` directives of a schema, and report invalid directives (composition §2)."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Literal

from graphql.language import (
    ConstValueNode,
    DirectiveNode,
    EnumValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    print_ast,
)

from router.federation.linked_specs import CORE_IDENTITY, FEDERATION_IDENTITY, LINK_IDENTITY, Link, Links, SpecUrl
from router.federation.spec_versions import spec_versions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from graphql.language import DocumentNode

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Apollo's composition accepts dots and dashes in the name of a specification. A GraphQL name cannot have them.
_SPEC_NAME = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_.-]*[A-Za-z0-9.-])?")

LinkErrorCode = Literal[
    "INVALID_GRAPHQL",
    "INVALID_LINK_DIRECTIVE_USAGE",
    "INVALID_LINK_IDENTIFIER",
    "UNKNOWN_FEDERATION_LINK_VERSION",
    "UNKNOWN_LINK_VERSION",
]


class LinkError(Exception):
    """A `@link` is not valid.

    Attributes:
        code: The composition error code.
        message: What is wrong.
        node: The directive.
        others: The valid links; None if the caller must report this error. With the links, the caller first looks for
            unknown types in the schema. If there are any, the caller reports them instead of this error, as Apollo's
            composition does.
    """

    def __init__(self, code: LinkErrorCode, message: str, node: DirectiveNode | None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.node = node
        self.others: Links | None = None

    @property
    def is_unknown_federation(self) -> bool:
        """Whether the federation version is not known."""
        return self.code == "UNKNOWN_FEDERATION_LINK_VERSION"


def directives_on_schema(document: DocumentNode) -> list[DirectiveNode]:
    """Return the directives on the schema definition and its extensions. `read_links` reads them."""
    return [
        directive
        for definition in document.definitions
        if isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode)
        for directive in definition.directives or ()
    ]


def links_federation(directives: Sequence[DirectiveNode]) -> bool:
    """Return whether the schema is a Federation 2 schema: one of the directives on the schema links federation."""
    return any(_is_federation(node) for node in directives)


def read_links(directives: Sequence[DirectiveNode]) -> Links:
    """Read the `@link` or `@core` directives on a schema definition and its extensions.

    Raises:
        LinkError: A link is not valid. The code is INVALID_LINK_IDENTIFIER, INVALID_LINK_DIRECTIVE_USAGE,
            UNKNOWN_LINK_VERSION, UNKNOWN_FEDERATION_LINK_VERSION or INVALID_GRAPHQL.
    """
    if not any(_links_specifications(node) for node in directives):
        # If no directive links the link specification or federation, ignore @link: the schema may define its own @link.
        return Links()
    carrier = _link_directive_name(directives)
    implied = () if any(map(_links_link, directives)) else (_implied_link(),)
    links: dict[str, Link] = {}
    first: LinkError | None = None
    for node in directives:
        if node.name.value != carrier:
            continue
        try:
            link = _new_link(node, links, beside_federation=links_federation(directives))
            _check_names([*implied, *links.values(), link])
            links[link.url.identity] = link
        except LinkError as error:
            if first is None or _federation_again(error, first):
                first = error
            if error.code == "UNKNOWN_FEDERATION_LINK_VERSION" and (url := _url_of(node)) is not None:
                # Keep a link to federation, because the schema is a federation schema even with an unknown version.
                links[FEDERATION_IDENTITY] = _link_of_unknown_version(node, url)
    if first is not None:
        # Set `others` in three cases: a valid link is to the link specification; the failed link is to the link
        # specification, and no link is to federation; or the failed link is to an unknown federation version.
        of_link = first.node is not None and _links_link(first.node) and not links_federation(directives)
        if of_link or links.keys() & {LINK_IDENTITY, CORE_IDENTITY, *_federation_of_unknown_version(first)}:
            first.others = Links(links)
        raise first
    return Links(links)


def _link_of_unknown_version(node: DirectiveNode, url: SpecUrl) -> Link:
    """Return the link to an unknown federation version. If its imports are invalid, the result has no imports."""
    arguments = _arguments(node)
    alias = arguments.get("as")
    try:
        imports = _imports(node, arguments.get("import"))
    except LinkError:
        imports = {}
    return Link(url, alias.value if isinstance(alias, StringValueNode | EnumValueNode) else url.name, imports)


def _federation_again(error: LinkError, first: LinkError) -> bool:
    """Return whether the new `error` must replace `first`, the first error so far, in the report.

    The result is True if `first` is about an unknown federation version, and `error` about another link to federation.
    """
    return first.code == "UNKNOWN_FEDERATION_LINK_VERSION" and error.node is not None and _is_federation(error.node)


def _federation_of_unknown_version(error: LinkError) -> tuple[str, ...]:
    return (FEDERATION_IDENTITY,) if error.code == "UNKNOWN_FEDERATION_LINK_VERSION" else ()


def _new_link(node: DirectiveNode, links: Mapping[str, Link], *, beside_federation: bool) -> Link:
    try:
        link = _read_link(node)
    except LinkError as error:
        # A schema with a link to federation implicitly links the known version of the link specification. So an
        # explicit link to an unknown version of the link specification is a second link.
        if error.code == "UNKNOWN_LINK_VERSION" and beside_federation:
            raise _usage("the link specification is linked already", node) from None
        if error.code == "UNKNOWN_FEDERATION_LINK_VERSION" and FEDERATION_IDENTITY in links:
            raise _usage(f"the specification {FEDERATION_IDENTITY} is linked twice", node) from None
        raise
    if link.url.identity in links:
        raise _usage(f"the specification {link.url.identity} is linked twice", node)
    return link


def _implied_link() -> Link:
    """Return the link to the link specification. A schema that does not write this link has it implicitly."""
    return Link(SpecUrl(LINK_IDENTITY, "link", spec_versions("link")[-1].version), "link", {})


def _links_link(node: DirectiveNode) -> bool:
    url = _url_of(node)
    return url is not None and url.identity in (LINK_IDENTITY, CORE_IDENTITY)


def _links_specifications(node: DirectiveNode) -> bool:
    arguments = _arguments(node)
    address = arguments.get("url") or arguments.get("feature")
    # A link to federation counts only if the directive is @link. A directive with another name, such as @myLink, is a
    # link directive only if it links the link specification.
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
    """Return the name of the link directive in the schema.

    The name is `link`, unless the schema's link to the link specification gives the directive another name.
    """
    for node in directives:
        arguments, url = _arguments(node), _url_of(node)
        if url is None or url.identity not in (LINK_IDENTITY, CORE_IDENTITY):
            continue
        alias = arguments.get("as")
        imports = _imports(node, arguments.get("import")) if "import" in arguments else {}
        default = alias.value if isinstance(alias, StringValueNode | EnumValueNode) else url.name
        if node.name.value == imports.get(f"@{url.name}", f"@{default}").removeprefix("@"):
            return node.name.value
    return "link"


def _arguments(node: DirectiveNode) -> dict[str, ConstValueNode]:
    values: dict[str, ConstValueNode] = {}
    for argument in node.arguments or ():
        if not isinstance(argument.value, NullValueNode):
            values[argument.name.value] = argument.value  # type: ignore[assignment]  # the grammar allows only constants here
    return values


def _read_link(node: DirectiveNode) -> Link:
    # Unknown arguments are ignored here, because the GraphQL validation of the schema reports them.
    arguments = _arguments(node)
    url = _read_url(node, arguments)
    alias = arguments.get("as")
    # Like Apollo's composition, accept an enum value in place of a string, and a string in place of an enum value.
    if alias is not None and not isinstance(alias, StringValueNode | EnumValueNode):
        raise _usage('"as" must be a string', node)
    purpose = arguments.get("for")
    named = purpose.value if isinstance(purpose, StringValueNode | EnumValueNode) else None
    if purpose is not None and named not in ("SECURITY", "EXECUTION"):
        raise LinkError("INVALID_GRAPHQL", f'"for" of @{node.name.value} must be SECURITY or EXECUTION.', node)
    link = Link(
        url=url,
        alias=alias.value if alias is not None else url.name,
        imports=_imports(node, arguments.get("import")),
        node=node,
        purpose=named,
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
            f'"{address.value}" is not a specification URL: it must end in name and version, like /federation/v2.3.',
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
    """Return the imported elements, each with its name in the schema.

    `["@tag", {name: "@key", as: "@primaryKey"}]` becomes `{"@tag": "@tag", "@key": "@primaryKey"}`.
    """
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
        # The items of `import` have a custom scalar type. So an enum value is valid: `[FieldSet]` means `["FieldSet"]`.
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
    # Only names in objects are checked here. A string such as "@not a name" is not an element of any specification, so
    # _check_elements reports it.
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
            f'"{link.alias}" cannot name {link.url.identity} here: it must not contain "__" or end in "_"; set "as"',
            link.node,
        )


def _check_elements(link: Link) -> None:
    spec = link.spec
    if spec is None:
        return
    if not _NAME.fullmatch(link.alias) and link.url.identity not in (LINK_IDENTITY, CORE_IDENTITY):
        # If an element is not imported, its name begins with the alias, as in `fed__FieldSet`. So the alias must be a
        # GraphQL name.
        message = f'"{link.alias}" cannot name {link.url.identity} here, because it is not a GraphQL name.'
        raise LinkError("INVALID_GRAPHQL", message, link.node)
    known = [f"@{name}" for name in spec.directives] + [name for name in spec.types if not name.startswith("_")]
    for element in link.imports:
        if element not in known:
            near = difflib.get_close_matches(element, [*known], n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise _usage(f'"{element}" is not an element of {link.url}{hint}', link.node)


def _check_names(links: Sequence[Link]) -> None:
    """Raise a `LinkError` if two links give the same name to different elements."""
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
    """Return the name that an element of the specification has in the schema if the element is not imported."""
    bare = element.removeprefix("@")
    return link.alias if element == f"@{link.url.name}" else f"{link.alias}__{bare}"


def _usage(message: str, node: DirectiveNode | None) -> LinkError:
    return LinkError(
        "INVALID_LINK_DIRECTIVE_USAGE",
        f"Invalid use of @link: {message}" + ("" if message.endswith("?") else "."),
        node,
    )
