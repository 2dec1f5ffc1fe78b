"""Build a gateway that is ready to serve: load the supergraph and the settings, assemble both, fill the caches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from router import gateway_assembly, supergraph
from router.errors import InvalidSupergraph
from router.gateway import Gateway
from router.lifecycle.gateway_generations import Generation
from router.lifecycle.warm_up import Throttle, WarmUpDocument, read_documents, warm
from router.policies.persisted_manifest import InvalidManifest
from router.settings import RouterSettings, load
from servicekit.errors import StartupError

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from router.supergraph import Supergraph


class UnusableSupergraph(StartupError):
    """The SDL is not a supergraph that this router can serve; loading it again does not help."""


@dataclass(frozen=True, slots=True)
class FileLocations:
    """The locations on the command line. `supergraph` is a path or a URL; if it is None, the configuration has it."""

    config: Path | None
    supergraph: str | None
    environ: Mapping[str, str]

    def settings(self, subgraphs: Collection[str] | None = None) -> RouterSettings:
        """Read the configuration file now.

        If `subgraphs` is given, check that each subgraph named in the configuration is one of them.

        Raises:
            InvalidSettings: the configuration cannot be used.
        """
        return load(self.config, self.environ, subgraphs=subgraphs)


class SupergraphText(NamedTuple):
    """The SDL of a supergraph, the name of its source, and the documents to prepare in addition to persisted ones."""

    sdl: str
    name: str
    documents: Sequence[WarmUpDocument] = ()


def build(locations: FileLocations, source: SupergraphText, stopped: threading.Event | None) -> Generation:
    """Build a generation that is ready to serve. All slow work is done here.

    `stopped` is given if another generation serves clients meanwhile: the warm-up then pauses between documents, and
    ends when the event is set.

    Raises:
        StartupError: the settings or the supergraph cannot be used, or a setting names an unknown subgraph.
    """
    try:
        graph = supergraph.load(source.sdl)
    except InvalidSupergraph as error:
        raise _unusable(source.name, error) from error
    settings = locations.settings(graph.subgraphs)
    gateway = assemble(graph, settings, source.name)
    gateway.warm_up()
    warm_up_result = warm(
        gateway, _add_persisted_documents(source.documents, gateway, settings), Throttle(settings.warm_up, stopped)
    )
    for cache in (gateway.preparation.documents, gateway.preparation.plans):
        cache.reset_counts()
    gateway.limits.exceeded.clear()
    return Generation(gateway, settings, source.sdl, warm_up_result)


def assemble(graph: Supergraph, settings: RouterSettings, name: str) -> Gateway:
    """Return a gateway to subgraphs over HTTP. `name` is the source of the supergraph, for error messages.

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
    except ValueError as error:
        raise StartupError(f"{name}: {error}") from error


def _unusable(name: str, error: InvalidSupergraph) -> UnusableSupergraph:
    return UnusableSupergraph(f"{name}: {error.code}: {error.message}")


def _add_persisted_documents(
    documents: Sequence[WarmUpDocument], gateway: Gateway, settings: RouterSettings
) -> Sequence[WarmUpDocument]:
    """Append the persisted documents, up to the size of the caches: more documents would evict the first ones."""
    present = {each.query for each in documents}
    others = [WarmUpDocument(text) for text in dict.fromkeys(gateway.stages.documents) if text not in present]
    return [*documents, *others][: min(settings.cache.documents, settings.cache.plans)]


def initial_documents(settings: RouterSettings) -> Sequence[WarmUpDocument]:
    """Return the documents to prepare at the start, which `warm_up.file` contains.

    Raises:
        StartupError: the file cannot be used.
    """
    return read_documents(settings.warm_up.file) if settings.warm_up.file is not None else ()
