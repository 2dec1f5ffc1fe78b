"""Builds a gateway that is ready to serve: loads the supergraph and the settings, and prepares the first operations."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from router import gateway_assembly, supergraph
from router.errors import InvalidSupergraph
from router.gateway import Gateway
from router.lifecycle.gateway_generations import Generation
from router.lifecycle.warm_up import Throttle, WarmUpDocument, read_documents, warm
from router.policies.load_operator_functions import PolicySetupError
from router.policies.read_persisted_manifests import InvalidManifest
from router.settings import InvalidSettings, RouterSettings, load
from router.supergraph.merged_and_api_schema import published_schema
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from router.supergraph import Supergraph


class UnusableSupergraph(StartupError):
    """The router cannot serve the supergraph. A second attempt with the same SDL would also fail."""


class FileLocations(msgspec.Struct, frozen=True):
    """Where the configuration and the supergraph are, according to the command line.

    `supergraph` is a path or a URL. If `supergraph` is None, the configuration says where the supergraph is.
    """

    config: Path | None
    supergraph: str | None
    environ: Mapping[str, str]

    def settings(self, subgraphs: Collection[str] | None = None) -> RouterSettings:
        """Read the configuration file now.

        If `subgraphs` is given, check that the configuration names only subgraphs in `subgraphs`.

        Raises:
            InvalidSettings: the configuration cannot be used.
        """
        return load(self.config, self.environ, subgraphs=subgraphs)


class SupergraphText(msgspec.Struct, frozen=True):
    """The SDL of a supergraph, with the name of its source for messages.

    `documents` are the documents to prepare before the supergraph is served, in addition to persisted documents.
    """

    sdl: str
    name: str
    documents: Sequence[WarmUpDocument] = ()


class ReadSettings(NamedTuple):
    """The settings to use.

    If the configuration file cannot be used, these are older settings, and `problem` says why.
    """

    settings: RouterSettings
    problem: InvalidSettings | None = None


def read_settings(
    locations: FileLocations, fallback: RouterSettings | None, subgraphs: Collection[str] | None = None
) -> ReadSettings:
    """Read the configuration file now. If the file cannot be used, return the settings of `fallback`.

    If `subgraphs` is given, check that the settings name only subgraphs in `subgraphs`.

    Raises:
        InvalidSettings: the configuration cannot be used, and `fallback` is None or names an unknown subgraph.
    """
    try:
        return ReadSettings(locations.settings(subgraphs))
    except InvalidSettings as error:
        if fallback is None or (subgraphs is not None and any(fallback.unknown_subgraphs(subgraphs))):
            raise
        return ReadSettings(fallback, error)


def build(
    locations: FileLocations,
    source: SupergraphText,
    stopped: threading.Event | None,
    fallback: RouterSettings | None = None,
    load_supergraph: Callable[[str], Supergraph] = supergraph.load,
) -> Generation:
    """Build a generation (a gateway with its settings) that is ready to serve. This function does all slow work.

    The warm-up pauses between documents, and ends when `stopped` is set. If the router does not listen yet, `stopped`
    is None, and the warm-up does not pause. If the configuration file cannot be used, the settings are those in
    `fallback`. `load_supergraph` loads the SDL.

    Raises:
        StartupError: the settings or the supergraph cannot be used, or a setting names an unknown subgraph.
    """
    try:
        graph = load_supergraph(source.sdl)
    except InvalidSupergraph as error:
        raise _unusable(source.name, error) from error
    settings, problem = read_settings(locations, fallback, graph.subgraphs)
    gateway = assemble(graph, settings, source.name)
    if settings.introspection and graph.known_facts is not None:
        # Otherwise, the first client that reads the schema would stop all others until all types are built.
        threading.Thread(target=published_schema, args=(graph.api_schema,), name="build-types").start()
    gateway.warm_up()
    warm_up_result = warm(
        gateway, _add_persisted_documents(source.documents, gateway, settings), Throttle(settings.warm_up, stopped)
    )
    for cache in (gateway.preparation.documents, gateway.preparation.plans):
        cache.reset_counts()
    gateway.limits.exceeded.clear()
    generation = Generation(gateway, settings, source.sdl, warm_up_result)
    generation.settings_problem = str(problem) if problem is not None else None
    return generation


def assemble(graph: Supergraph, settings: RouterSettings, name: str) -> Gateway:
    """Return a gateway that calls subgraphs over HTTP. `name` names the source of the supergraph in error messages.

    Raises:
        UnusableSupergraph: the supergraph requires a feature that this router does not support.
        StartupError: a file that the settings name, or a subgraph URL in the supergraph, cannot be used.
    """
    try:
        return Gateway(gateway_assembly.assemble(graph, settings))
    except InvalidSupergraph as error:
        raise _unusable(name, error) from error
    except InvalidManifest as error:
        raise StartupError(f"persisted_documents.manifests: {error}") from error
    except PolicySetupError as error:
        raise StartupError(str(error)) from error
    except ValueError as error:
        raise StartupError(f"{name}: {error}") from error


def _unusable(name: str, error: InvalidSupergraph) -> UnusableSupergraph:
    return UnusableSupergraph(f"{name}: {error.code}: {error.message}")


def _add_persisted_documents(
    documents: Sequence[WarmUpDocument], gateway: Gateway, settings: RouterSettings
) -> Sequence[WarmUpDocument]:
    """Return `documents`, followed by the persisted documents.

    The result has at most as many documents as the caches can hold. Further documents would evict the first ones.
    """
    present = {each.query for each in documents}
    others = [WarmUpDocument(text) for text in dict.fromkeys(gateway.stages.documents) if text not in present]
    return [*documents, *others][: min(settings.cache.documents, settings.cache.plans)]


def initial_documents(settings: RouterSettings) -> Sequence[WarmUpDocument]:
    """Return the documents in `warm_up.file`, which are prepared at the start; none if this key is not set.

    Raises:
        StartupError: the file cannot be used.
    """
    return read_documents(settings.warm_up.file) if settings.warm_up.file is not None else ()
