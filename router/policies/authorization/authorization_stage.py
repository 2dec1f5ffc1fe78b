"""`Authorization`: the stage that lets a client read only what the schema's directives allow (execution §16.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec
import structlog
from msgspec import structs

from router.errors import AccessRefused, ResponseError
from router.pipeline.stage import Stage
from router.policies.authorization.filter_operation import FilteredOperation, filter_operation
from router.policies.authorization.paths_of_refused_fields import refused_paths
from router.policies.authorization.policy_decisions import FunctionDecider, NoPolicies, PolicyQuestion
from router.policies.authorization.policy_server import PolicyServer
from router.policies.authorization.required_clauses import required_clauses
from router.policies.authorization.requirements import POLICY, Granted, Requirement, SchemaRequirements
from router.policies.load_operator_functions import load_function
from router.preparation.read_and_cache_documents import bounded_nesting
from router.request.security_events import SecurityEvent, report
from router.request.withheld_fields import REFUSED_CODE, REFUSED_MESSAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.get_operation import PreparedOperation
    from router.pipeline.request_context import RequestContext
    from router.policies.authorization.policy_decisions import PolicyDecider
    from router.policies.policy_setup import PolicySetup
    from router.preparation.make_and_cache_plans import PlanKey
    from router.preparation.operation_seen_by_stages import Operation
    from router.preparation.read_and_cache_documents import Document
    from router.request.identity import Identity
    from router.settings.sections.authorization import Authorization as AuthorizationSettings
    from router.settings.sections.authorization import Policies

MAX_VERSIONS: Final = 32
"""The maximum number of cached versions of one operation.

A version is the operation without the fields that a client may not read. Clients for which the same clauses do not hold
share a version.
"""

_LOGGED_FIELDS: Final = 10

_log = structlog.stdlib.get_logger("gateway")


class _KnownOperation(msgspec.Struct, eq=False):
    """An operation of a document, with results that all requests share.

    `clauses` are the clauses on which the access to the operation depends. `versions` caches the filtered versions of
    the operation. The key of a version is the set of clauses that do not hold for the client.
    """

    client: PreparedOperation
    clauses: Requirement
    versions: dict[Requirement, FilteredOperation] = msgspec.field(default_factory=dict)


class _RequestState(msgspec.Struct, eq=False):
    known: dict[str | None, _KnownOperation]
    failed: Requirement = frozenset()


class Authorization(Stage):
    """Removes from a client's operation the fields that the client may not read, or refuses the operation."""

    def __init__(
        self, requirements: SchemaRequirements, settings: AuthorizationSettings, decider: PolicyDecider
    ) -> None:
        self._requirements = requirements
        self._settings = settings
        self._decider = decider

    @classmethod
    def configured(cls, inputs: PolicySetup) -> Authorization | None:
        """Return the stage, or None if the supergraph restricts nothing. No setting switches the stage off.

        Raises:
            PolicySetupError: The function or the server that decides about policies cannot be used.
        """
        if not inputs.supergraph.restrictions:
            return None
        requirements = SchemaRequirements(inputs.supergraph)
        clauses = requirements.clauses()
        if not clauses:
            return None
        settings = inputs.settings
        if not settings.authentication.is_configured:
            _log.warning("the supergraph restricts fields, but no authentication is configured")
        decider = _decider(settings.authorization.policies)
        policies = requirements.policies()
        if policies and isinstance(decider, NoPolicies):
            _log.warning("no function or server decides about policies, so none holds", policies=sorted(policies))
        return cls(requirements, settings.authorization, decider)

    async def on_document(self, context: RequestContext, document: Document) -> None:
        """Take the cache of this document's operations from `document.notes`, and keep it for `on_operation`."""
        known = document.notes.setdefault(self, {})
        assert isinstance(known, dict)  # noqa: S101 - only this stage uses this key
        context.state[self] = _RequestState(known)

    async def on_operation(self, context: RequestContext, operation: Operation) -> Operation | None:
        """Return the operation without the fields that the client may not read. These fields are null in the response.

        Raises:
            AccessRefused: The client may not read some fields, and the operation is a mutation or the mode is `reject`.
            Refused: The client's credential cannot be checked now, and the client may not read some fields without it.
        """
        state = context.state.get(self)
        if not isinstance(state, _RequestState):
            state = context.state[self] = _RequestState({})
        with bounded_nesting():
            known = self._known(state, operation)
            if not known.clauses:
                return None
            granted = await self._granted(context, known.clauses)
            state.failed = frozenset(clause for clause in known.clauses if not clause.holds(granted))
            if state.failed and context.identity_failure is not None:
                raise context.identity_failure
            return self._allowed(context, operation, known, state.failed) if state.failed else None

    def _allowed(
        self, context: RequestContext, operation: Operation, known: _KnownOperation, failed: Requirement
    ) -> Operation:
        """Return the operation without the fields that the client may not read, and log the refusal.

        Raises `AccessRefused` in the same cases as `on_operation`.
        """
        version = self._version(known, failed)
        refuses = self._settings.mode == "reject" or operation.kind == "mutation"
        paths = refused_paths(version.client, context.variables) if refuses else ()
        self._log_refusal(operation, version, failed)
        if paths:
            raise self._refusal(paths, context.identity)
        return structs.replace(operation, client=version.client, planned=version.planned)

    def plan_key(self, context: RequestContext, key: PlanKey) -> PlanKey:
        """Return the plan key, with the set of clauses that do not hold for the client.

        So clients with the same set share a plan.
        """
        state = context.state.get(self)
        if not isinstance(state, _RequestState) or not state.failed:
            return key
        return key._replace(parts=(*key.parts, ("authorization", state.failed)))

    def on_errors(self, context: RequestContext, errors: Sequence[ResponseError]) -> Sequence[ResponseError]:
        """Give the errors of refused fields the code and the message that the settings choose."""
        return [
            self._error(context.identity, error) if error.code == REFUSED_CODE and error.origin is None else error
            for error in errors
        ]

    async def aclose(self) -> None:
        """Close the connections to the server that decides about policies."""
        await self._decider.aclose()

    def _known(self, state: _RequestState, operation: Operation) -> _KnownOperation:
        known = state.known.get(operation.name)
        # The cached entry can be for another operation with the same name, if another stage has replaced the operation.
        if known is None or known.client is not operation.client:
            known = _KnownOperation(operation.client, required_clauses(operation.client, self._requirements))
            state.known[operation.name] = known
        return known

    async def _granted(self, context: RequestContext, clauses: Requirement) -> Granted:
        policies = frozenset().union(
            *(each for clause in clauses if clause.directive == POLICY for each in clause.alternatives)
        )
        identity = context.identity
        if not policies:
            return Granted(identity)
        claims = identity.claims if identity is not None else None
        name = context.operation.name if context.operation is not None else None
        question = PolicyQuestion(policies, claims, context.request.headers, name)
        return Granted(identity, await self._decider.granted(question))

    def _version(self, known: _KnownOperation, failed: Requirement) -> FilteredOperation:
        version = known.versions.get(failed)
        if version is None:
            version = filter_operation(known.client, self._requirements, failed)
            if len(known.versions) >= MAX_VERSIONS:
                del known.versions[next(iter(known.versions))]
            known.versions[failed] = version
        return version

    def _log_refusal(self, operation: Operation, version: FilteredOperation, failed: Requirement) -> None:
        if self._settings.log_refusals:
            report(
                SecurityEvent.ACCESS_REFUSED,
                operation=operation.name,
                kind=operation.kind,
                fields=version.coordinates[:_LOGGED_FIELDS],
                requirements=sorted(map(str, failed)),
            )

    def _refusal(self, paths: Sequence[tuple[str, ...]], identity: Identity | None) -> AccessRefused:
        unnamed = (ResponseError(message=REFUSED_MESSAGE, code=REFUSED_CODE, path=path) for path in paths)
        errors = [self._error(identity, error) for error in unnamed]
        if identity is None:
            return AccessRefused(errors, 401, "Bearer")
        return AccessRefused(errors, 403, 'Bearer error="insufficient_scope"')

    def _error(self, identity: Identity | None, error: ResponseError) -> ResponseError:
        settings = self._settings.unauthenticated if identity is None else self._settings.forbidden
        return replace(error, code=settings.code, message=settings.message)


def _decider(settings: Policies) -> PolicyDecider:
    if settings.function is not None:
        return FunctionDecider(load_function(settings.function, "authorization.policies.function"))
    return PolicyServer(settings.server) if settings.server is not None else NoPolicies()
