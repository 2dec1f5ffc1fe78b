"""Reads the operations that clients send: from `.graphql` files, sources of clients, and manifests.

An operation can use a fragment that another file of the same folder defines, because tools for clients allow this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    Source,
    parse,
    print_ast,
)

from router.get_operation import spread_names
from router.policies.read_persisted_manifests import InvalidManifest, read_manifests
from router.schema_check.operations.embedded_documents import SUFFIXES as SOURCE_SUFFIXES
from router.schema_check.operations.embedded_documents import embedded_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from router.usage.usage_data import OperationUsage

_SUFFIXES: Final = (".graphql", ".gql", *SOURCE_SUFFIXES)
# Folders with copies of a client's sources, or with the sources of libraries. They are not read.
_FOREIGN_FOLDERS: Final = frozenset(("node_modules", "dist", "build", ".git"))
_SHOWN_CLIENTS: Final = 5


class InvalidOperations(ValueError):
    """Operations cannot be read. The message has the file, the line and the reason."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownOperation:
    """One operation of a client, with the fragments that it uses.

    Attributes:
        name: The name of the operation; `(anonymous)` if it has none.
        place: The file and the line of the operation, such as `operations/book.graphql:3`.
        document: The operation and its fragments.
        in_variables: The coordinates (input fields and enum values) in the values that clients sent for its variables.
            None if not all values are known.
        usage: The operation in the usage store, with its requests; None if the operation comes from a file.
    """

    name: str
    place: str
    document: DocumentNode
    in_variables: frozenset[str] | None = None
    usage: OperationUsage | None = None

    @property
    def label(self) -> str:
        """The operation in messages: its name, its place, the number of its requests, and the clients that send it."""
        if self.usage is None:
            return f"{self.name} ({self.place})"
        clients = [f"{each.client}: {each.requests:,}" for each in self.usage.clients[:_SHOWN_CLIENTS]]
        more = len(self.usage.clients) - len(clients)
        others = f" and {more} more" if more else ""
        requests = self.usage.counts.requests
        counted = f"{requests:,} request" if requests == 1 else f"{requests:,} requests"
        return f"{self.name} ({self.place}, {counted}: {', '.join(clients)}{others})"

    @property
    def id(self) -> str:
        """A name of the operation for approvals. Unrelated edits of the operation's file do not change this name."""
        place = self.place if self.usage is not None else self.place.rpartition(":")[0]
        return f"{place}#{self.name}"


@dataclass(frozen=True, slots=True)
class _Text:
    """A document. `place` names its file, and `line` is the line of the file at which the document begins."""

    place: str
    text: str
    line: int = 1

    def at(self, line: int) -> str:
        """Return the place of a line of the document."""
        return f"{self.place}:{self.line - 1 + line}"


def read_operations(paths: Iterable[Path]) -> Sequence[KnownOperation]:
    """Return the operations in files, folders and manifests, in order.

    Args:
        paths: Folders, single files, and manifests (`.json`). In a folder, `.graphql` and `.gql` files and sources in
            JavaScript and TypeScript are read.

    Raises:
        InvalidOperations: A path cannot be read, a document has a syntax error, a fragment is missing, or two files of
            one folder define different fragments with the same name.
    """
    return [operation for path in paths for operation in _operations(list(_texts(path)))]


def _texts(path: Path) -> Iterator[_Text]:
    try:
        if path.suffix == ".json":
            yield from (_Text(f"{path}#{key[0]}", text) for key, text in read_manifests((path,)).items())
            return
        for file in sorted(_files(path)) if path.is_dir() else [path]:
            text = file.read_text(encoding="utf-8")
            if file.suffix in SOURCE_SUFFIXES:
                yield from (_Text(str(file), each.text, each.line) for each in embedded_documents(text))
            else:
                yield _Text(str(file), text)
    except InvalidManifest as error:
        raise InvalidOperations(str(error)) from error
    except OSError as error:
        raise InvalidOperations(f"{error.filename or path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidOperations(f"{path}: is not UTF-8") from error


def _files(folder: Path) -> Iterator[Path]:
    for each in folder.rglob("*"):
        inside = _FOREIGN_FOLDERS.isdisjoint(each.relative_to(folder).parts)
        if each.suffix in _SUFFIXES and inside and each.is_file():
            yield each


def _operations(texts: Sequence[_Text]) -> Iterator[KnownOperation]:
    documents = [(each, _parse(each)) for each in texts if each.text.strip()]
    shared: dict[str, list[FragmentDefinitionNode]] = {}
    for _, document in documents:
        for fragment in _fragments(document):
            shared.setdefault(fragment.name.value, []).append(fragment)
    for source, document in documents:
        own = {fragment.name.value: fragment for fragment in _fragments(document)}
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                place = source.at(definition.loc.start_token.line) if definition.loc else source.place
                used = _used_fragments(definition, own, shared, place)
                name = definition.name.value if definition.name else "(anonymous)"
                yield KnownOperation(name, place, DocumentNode(definitions=(definition, *used)))


def _parse(source: _Text) -> DocumentNode:
    try:
        return parse(Source(source.text, source.place))
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else 1
        raise InvalidOperations(f"{source.at(line)}: {error.message}") from error
    except RecursionError:
        raise InvalidOperations(f"{source.place}: is nested too deeply") from None


def _fragments(document: DocumentNode) -> Iterator[FragmentDefinitionNode]:
    return (each for each in document.definitions if isinstance(each, FragmentDefinitionNode))


def _used_fragments(
    operation: OperationDefinitionNode,
    own: dict[str, FragmentDefinitionNode],
    shared: dict[str, list[FragmentDefinitionNode]],
    place: str,
) -> Sequence[FragmentDefinitionNode]:
    """Return the fragments that the operation spreads, directly or through other fragments.

    `own` has the fragments of the operation's file, and `shared` has the fragments of all files of the folder.
    """
    found: dict[str, FragmentDefinitionNode] = {}
    waiting = spread_names(operation)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        candidates = [own[name]] if name in own else shared.get(name, [])
        if not candidates:
            raise InvalidOperations(f"{place}: no file defines the fragment {name}")
        if len({print_ast(candidate) for candidate in candidates}) > 1:
            raise InvalidOperations(f"{place}: several files define the fragment {name}, with different selections")
        found[name] = candidates[0]
        waiting += spread_names(candidates[0])
    return [found[name] for name in sorted(found)]
