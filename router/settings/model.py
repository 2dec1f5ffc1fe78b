"""The keys of `router.yaml`: types, defaults and descriptions.

By default, the router allows as little as possible: no header of a client is sent to a subgraph, no error message of a
subgraph is sent to a client, no origin is trusted, and introspection is off. Other routers allow more by default, which
has caused incidents. A new key requires a test that shows that the key has an effect.
"""

# ruff: noqa: TC001, TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pydantic import model_validator

from router.settings.section import Section, WhenGiven
from router.settings.sections.admin import Admin
from router.settings.sections.apq import Apq
from router.settings.sections.authentication import Authentication
from router.settings.sections.authorization import Authorization
from router.settings.sections.batching import Batching
from router.settings.sections.cache import Cache
from router.settings.sections.compression import Compression
from router.settings.sections.cors import Cors
from router.settings.sections.csrf import Csrf
from router.settings.sections.demand_control import DemandControl
from router.settings.sections.errors import Errors
from router.settings.sections.execution import ExecutionSettings
from router.settings.sections.headers import Headers
from router.settings.sections.ide import Ide
from router.settings.sections.idempotency import Idempotency
from router.settings.sections.limits import Limits
from router.settings.sections.logging import Logging
from router.settings.sections.overload import Overload
from router.settings.sections.persisted_documents import PersistedDocuments, PersistedMode
from router.settings.sections.planner import Planner
from router.settings.sections.query_plan import QueryPlanInResponses
from router.settings.sections.rate_limits import RateLimits
from router.settings.sections.reload import Reload
from router.settings.sections.server import Server
from router.settings.sections.signatures import Signatures
from router.settings.sections.supergraph import SupergraphSource
from router.settings.sections.tls import Tls
from router.settings.sections.traffic import Traffic
from router.settings.sections.usage import Usage
from router.settings.sections.warm_up import WarmUp
from router.settings.types import Percentage, SubgraphUrls


class RouterSettings(Section):
    """The settings of the router: the content of `router.yaml`."""

    server: WhenGiven[Server] = Server.model_construct()
    """Where the router listens, and with how many processes."""
    supergraph: WhenGiven[SupergraphSource] = SupergraphSource.model_construct()
    """Where the router reads the supergraph from if `--supergraph` is not given."""
    reload: WhenGiven[Reload] = Reload.model_construct()
    """When the router reads changed files again."""
    warm_up: WhenGiven[WarmUp] = WarmUp.model_construct()
    """Operations that the router plans before a client sends them."""
    admin: WhenGiven[Admin] = Admin.model_construct()
    """A port on which operators control the router."""
    overload: WhenGiven[Overload] = Overload.model_construct()
    """When the router refuses requests because too many requests are running."""
    logging: WhenGiven[Logging] = Logging.model_construct()
    """What log lines contain."""
    usage: WhenGiven[Usage] = Usage.model_construct()
    """Which operations clients send, recorded for reports and schema checks."""
    introspection: bool = False
    """Whether clients may query the schema. With `false`, error messages contain no names of the schema that the client
    has not sent. If this key is missing, the environment variable ROUTER_INTROSPECTION has the value. In development, a
    missing key means `true`."""
    ide: WhenGiven[Ide] = Ide.model_construct()
    """The web page that browsers get at the endpoint."""
    query_plan: WhenGiven[QueryPlanInResponses] = QueryPlanInResponses.model_construct()
    """Whether a client can see the query plan of its operation."""
    override_subgraph_url: Mapping[str, SubgraphUrls] = {}
    """For each subgraph name, a URL that replaces the URL in the supergraph: http, https, or a Unix socket as
    `unix:/run/account.sock?path=/graphql`. A list of URLs names several servers of the subgraph, which share its
    requests (`traffic.all.ejection`)."""
    override_labels: Mapping[str, Percentage] = {}
    """For each label of a progressive `@override`, the percentage of requests for which the label is active, for
    example `{checkout-v2: 25}`. The label `percent(5)` is active for 5 % of requests if it is missing here. Any
    other label that is missing here is inactive."""
    authentication: WhenGiven[Authentication] = Authentication.model_construct()
    """How clients prove who they are: access tokens (JWT) and API keys."""
    authorization: WhenGiven[Authorization] = Authorization.model_construct()
    """What happens with fields that a client may not read."""
    headers: WhenGiven[Headers] = Headers.model_construct()
    """Which headers of a client are sent to subgraphs, and which headers of subgraphs are sent to the client."""
    traffic: WhenGiven[Traffic] = Traffic.model_construct()
    """Time limits and connections of requests to subgraphs."""
    tls: WhenGiven[Tls] = Tls.model_construct()
    """Which processes may call the router, if it serves mutual TLS."""
    signatures: WhenGiven[Signatures] = Signatures.model_construct()
    """Signatures of the requests to subgraphs, so that subgraphs can refuse all other requests."""
    limits: WhenGiven[Limits] = Limits.model_construct()
    """The largest requests that the router accepts."""
    demand_control: WhenGiven[DemandControl] = DemandControl.model_construct()
    """What an operation may cost, by `@cost` and `@listSize`."""
    rate_limits: WhenGiven[RateLimits] = RateLimits.model_construct()
    """How many requests a client may send in a period."""
    idempotency: WhenGiven[Idempotency] = Idempotency.model_construct()
    """Keys with which a client can repeat a mutation without a second effect."""
    errors: WhenGiven[Errors] = Errors.model_construct()
    """What clients see of the errors of subgraphs."""
    cors: WhenGiven[Cors] = Cors.model_construct()
    """Which web pages may call the router from a browser."""
    csrf: WhenGiven[Csrf] = Csrf.model_construct()
    """Protection against cross-site request forgery: a page of another site makes a browser send a request."""
    compression: WhenGiven[Compression] = Compression.model_construct()
    """How responses to clients are compressed."""
    apq: WhenGiven[Apq] = Apq.model_construct()
    """Automatic persisted queries: documents that clients register."""
    persisted_documents: WhenGiven[PersistedDocuments] = PersistedDocuments.model_construct()
    """Documents that are registered before any client sends them."""
    batching: WhenGiven[Batching] = Batching.model_construct()
    """Whether a client may send several operations in one request."""
    planner: WhenGiven[Planner] = Planner.model_construct()
    """How operations are divided into fetches."""
    execution: WhenGiven[ExecutionSettings] = ExecutionSettings.model_construct()
    """How plans are executed."""
    cache: WhenGiven[Cache] = Cache.model_construct()
    """The sizes of the caches of documents, plans and compiled plans, and the cache of supergraphs."""

    @model_validator(mode="after")
    def _has_one_meaning_of_a_hash(self) -> RouterSettings:
        if self.apq.enabled and self.persisted_documents.mode is not PersistedMode.DISABLED:
            raise ValueError("`apq` would let clients add to the list of `persisted_documents`; enable one of them")
        return self

    def unknown_subgraphs(self, subgraphs: Collection[str]) -> list[tuple[str, ...]]:
        """Return the path of each key that names a subgraph which is not in `subgraphs`.

        For example, the path is `("traffic", "subgraphs", "x")` if `subgraphs` does not contain `x`.
        """
        places: dict[tuple[str, ...], Iterable[str]] = {
            ("override_subgraph_url",): self.override_subgraph_url,
            ("headers", "subgraphs"): self.headers.subgraphs,
            ("traffic", "subgraphs"): self.traffic.subgraphs,
            ("signatures", "subgraphs"): self.signatures.subgraphs,
            ("demand_control", "subgraphs"): self.demand_control.subgraphs,
            ("errors", "subgraphs"): self.errors.subgraphs,
        }
        return [(*place, name) for place, names in places.items() for name in names if name not in subgraphs]
