"""Makes the versions that a check compares. This repository has some of the subgraphs, a registry has the others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from router.composition import Subgraph
from router.composition.file_locations import SourceFile
from router.schema_check.find_lines_of_elements import SchemaText
from router.schema_check.schema_sources import (
    SchemaSource,
    UnreadableSchema,
    read_source_at_commit,
    read_utf_8,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.schema_check.policy.check_settings import OwnSubgraph
    from router.schema_check.registry.read_registry import RegistrySnapshot


def published_source(snapshot: RegistrySnapshot) -> SchemaSource:
    """Return the newest version of a registry."""
    return SchemaSource(snapshot.label, subgraphs=snapshot.subgraphs)


def proposed_source(snapshot: RegistrySnapshot, own: Mapping[str, OwnSubgraph]) -> SchemaSource:
    """Return the newest version of a registry, with this repository's subgraphs instead of the published ones.

    Raises:
        UnreadableSchema: A file cannot be read, or a new subgraph has no URL.
    """
    label = ", ".join(os.path.relpath(each.file) for each in own.values())
    texts = {
        name: SchemaText(read_utf_8(each.file), SourceFile(os.path.relpath(each.file))) for name, each in own.items()
    }
    return _with_own(label, snapshot, own, texts)


def source_at_commit(
    snapshot: RegistrySnapshot, own: Mapping[str, OwnSubgraph], commit: str, timeout_seconds: float
) -> SchemaSource:
    """Return the newest version of a registry, with this repository's subgraphs as they were at a commit.

    Raises:
        UnreadableSchema: The commit does not exist, a file does not exist in the commit, or a new subgraph has no URL.
    """
    texts = {}
    for name, each in own.items():
        text = read_source_at_commit(each.file, commit, timeout_seconds).text
        if text is None:
            raise UnreadableSchema(f"{each.file}: is a list of subgraphs, but the file of one subgraph is needed")
        texts[name] = text
    return _with_own(commit, snapshot, own, texts)


def _with_own(
    label: str, snapshot: RegistrySnapshot, own: Mapping[str, OwnSubgraph], texts: Mapping[str, SchemaText]
) -> SchemaSource:
    published = {subgraph.name: subgraph for subgraph in snapshot.subgraphs}
    subgraphs = []
    # Own subgraphs come first, because a finding shows the first file that declares the element.
    for name, each in own.items():
        url = each.routing_url or (published[name].url if name in published else "")
        if not url:
            raise UnreadableSchema(f'{snapshot.label} has no subgraph "{name}" yet, so its routing_url is needed')
        subgraphs.append(Subgraph(name, url, texts[name].text))
    subgraphs += [subgraph for name, subgraph in published.items() if name not in own]
    files = {name: text.file for name, text in texts.items() if text.file is not None}
    return SchemaSource(label, subgraphs=tuple(subgraphs), files=files)
