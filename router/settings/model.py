"""The keys of `router.yaml`: types, defaults and descriptions.

Defaults are closed: no header of a client is sent to a subgraph, no error message of a subgraph is sent to a client, no
origin is trusted, and introspection is off. More open defaults of other routers have caused incidents.
A new key requires a test in which changing the key changes behaviour.
"""

# ruff: noqa: TC001, TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pydantic import model_validator

from router.settings.section import Section
from router.settings.sections.admin import Admin
from router.settings.sections.apq import Apq
from router.settings.sections.batching import Batching
from router.settings.sections.cache import Cache
from router.settings.sections.compression import Compression
from router.settings.sections.cors import Cors
from router.settings.sections.csrf import Csrf
from router.settings.sections.errors import Errors
from router.settings.sections.headers import Headers
from router.settings.sections.limits import Limits
from router.settings.sections.logging import Logging
from router.settings.sections.overload import Overload
from router.settings.sections.persisted_documents import PersistedDocuments, PersistedMode
from router.settings.sections.planner import Planner
from router.settings.sections.reload import Reload
from router.settings.sections.server import Server
from router.settings.sections.supergraph import SupergraphSource
from router.settings.sections.traffic import Traffic
from router.settings.sections.warm_up import WarmUp
from router.settings.types import HttpUrl, Percentage


class RouterSettings(Section):
    """The settings of the router: the content of `router.yaml`."""

    server: Server = Server()
    """Where the router listens, and with how many processes."""
    supergraph: SupergraphSource = SupergraphSource()
    """The source of the supergraph if the command line does not name one."""
    reload: Reload = Reload()
    """When changed files are read again."""
    warm_up: WarmUp = WarmUp()
    """Operations that are planned before a client sends them."""
    admin: Admin = Admin()
    """A port for operators."""
    overload: Overload = Overload()
    """When requests are refused because too many are running."""
    logging: Logging = Logging()
    """What log lines contain."""
    introspection: bool = False
    """Whether clients may query the schema; if not, error messages do not suggest names of the schema either."""
    override_subgraph_url: Mapping[str, HttpUrl] = {}
    """URLs that replace those of the supergraph, by subgraph name."""
    override_labels: Mapping[str, Percentage] = {}
    """The percentage of requests for which a label of a progressive `@override` is active, by label, for example
    `{checkout-v2: 25}`. Without an entry, `percent(5)` is active for 5 % of requests, and other labels are inactive."""
    headers: Headers = Headers()
    """Which headers of a client are sent to subgraphs."""
    traffic: Traffic = Traffic()
    """Time limits and connections of requests to subgraphs."""
    limits: Limits = Limits()
    """The limits of a request."""
    errors: Errors = Errors()
    """What clients see of the errors of subgraphs."""
    cors: Cors = Cors()
    """Which web pages may call the router from a browser."""
    csrf: Csrf = Csrf()
    """Protection against requests that a page of another site makes a browser send."""
    compression: Compression = Compression()
    """Content codings of responses to clients."""
    apq: Apq = Apq()
    """Automatic persisted queries: documents that clients register."""
    persisted_documents: PersistedDocuments = PersistedDocuments()
    """Documents that are registered before any client sends them."""
    batching: Batching = Batching()
    """Several operations in one request."""
    planner: Planner = Planner()
    """How operations are divided into fetches."""
    cache: Cache = Cache()
    """The caches of documents and plans."""

    @model_validator(mode="after")
    def _has_one_meaning_of_a_hash(self) -> RouterSettings:
        if self.apq.enabled and self.persisted_documents.mode is not PersistedMode.DISABLED:
            raise ValueError("`apq` would let clients add to the list of `persisted_documents`; enable one of them")
        return self

    def unknown_subgraphs(self, subgraphs: Collection[str]) -> list[tuple[str, ...]]:
        """Return the paths of the keys that name a subgraph which is not in `subgraphs`."""
        places: dict[tuple[str, ...], Iterable[str]] = {
            ("override_subgraph_url",): self.override_subgraph_url,
            ("headers", "subgraphs"): self.headers.subgraphs,
            ("traffic", "subgraphs"): self.traffic.subgraphs,
            ("errors", "subgraphs"): self.errors.subgraphs,
        }
        return [(*place, name) for place, names in places.items() for name in names if name not in subgraphs]
