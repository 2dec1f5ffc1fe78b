"""Build a gateway that is ready to serve: load the settings and the supergraph, connect them, warm the caches up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from router import assembly, supergraph
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
    """Only another supergraph text can help."""


@dataclass(frozen=True, slots=True)
class FileLocations:
    """The locations that the command line names. `supergraph` is a path or a URL; None means that of the settings."""

    config: Path | None
    supergraph: str | None
    environ: Mapping[str, str]

    def settings(self, subgraphs: Collection[str] | None = None) -> RouterSettings:
        """Read the configuration now; if `subgraphs` are given, check the names in it against them.

        Raises:
            InvalidSettings: it cannot be used.
        """
        return load(self.config, self.environ, subgraphs=subgraphs)


class SupergraphText(NamedTuple):
    """A supergraph's text, the name of its source, and the documents to prepare, besides persisted ones."""

    sdl: str
    name: str
    wanted: Sequence[WarmUpDocument] = ()


def build(origin: FileLocations, found: SupergraphText, stopped: threading.Event | None) -> Generation:
    """Build a generation that is ready to serve; all slow work is done here.

    If `stopped` is given, clients are served meanwhile: warming up is throttled, and ends when the event is set.

    Raises:
        StartupError: the settings or the supergraph cannot be used, or do not fit together.
    """
    try:
        graph = supergraph.load(found.sdl)
    except InvalidSupergraph as error:
        raise _unusable(found.name, error) from error
    settings = origin.settings(graph.subgraphs)
    gateway = assemble(graph, settings, found.name)
    gateway.warm_up()
    warm_up_result = warm(
        gateway, _add_persisted_documents(found.wanted, gateway, settings), Throttle(settings.warm_up, stopped)
    )
    for cache in (gateway.preparation.documents, gateway.preparation.plans):
        cache.reset_counts()
    gateway.limits.exceeded.clear()
    return Generation(gateway, settings, found.sdl, warm_up_result)


def assemble(graph: Supergraph, settings: RouterSettings, name: str) -> Gateway:
    """A gateway to subgraphs over HTTP; `name` is where the supergraph was found.

    Raises:
        UnusableSupergraph: it needs what this router does not do.
        StartupError: a file that the settings name cannot be used, or an address of the supergraph's.
    """
    try:
        return Gateway(assembly.assemble(graph, settings))
    except InvalidSupergraph as error:
        raise _unusable(name, error) from error
    except InvalidManifest as error:
        raise StartupError(f"persisted_documents.manifests: {error}") from error
    except ValueError as error:
        raise StartupError(f"{name}: {error}") from error


def _unusable(name: str, error: InvalidSupergraph) -> UnusableSupergraph:
    return UnusableSupergraph(f"{name}: {error.code}: {error.message}")


def _add_persisted_documents(
    wanted: Sequence[WarmUpDocument], gateway: Gateway, settings: RouterSettings
) -> Sequence[WarmUpDocument]:
    """Append the persisted documents, up to the size of the caches: more would evict the first ones."""
    asked = {each.query for each in wanted}
    others = [WarmUpDocument(text) for text in dict.fromkeys(gateway.stages.documents) if text not in asked]
    return [*wanted, *others][: min(settings.cache.documents, settings.cache.plans)]


def initial_documents(settings: RouterSettings) -> Sequence[WarmUpDocument]:
    """The documents to prepare at the start, before any client has sent one.

    Raises:
        StartupError: the file with them cannot be used.
    """
    return read_documents(settings.warm_up.file) if settings.warm_up.file is not None else ()
