"""`StepUp`: the stage that refuses an operation if the login of the user is too old or too weak (RFC 9470).

The claims `acr` (how the user has logged in) and `auth_time` (when) of the access token are compared with the rules of
`authorization.step_up`. The response has a challenge: with its values, the client asks the issuer for a new login.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    InlineFragmentNode,
)

from router.errors import Refused, ResponseError
from router.pipeline.stage import Stage
from router.policies.authorization.selection_conditions import field_type_name, is_included
from router.policies.load_operator_functions import PolicySetupError
from router.policies.read_conditions_and_list_sizes import defaults_of
from router.preparation.read_and_cache_documents import bounded_nesting
from router.request.security_events import SecurityEvent, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from graphql import GraphQLSchema, SelectionSetNode

    from router.get_operation import PreparedOperation
    from router.pipeline.request_context import RequestContext
    from router.policies.policy_setup import PolicySetup
    from router.preparation.operation_seen_by_stages import Operation
    from router.request.identity import Identity
    from router.settings.sections.step_up import StepUpRule

CODE: Final = "INSUFFICIENT_USER_AUTHENTICATION"
_KEY: Final = "authorization.step_up"


class Login(msgspec.Struct, frozen=True):
    """The login that an operation needs.

    Attributes:
        acr_values: The claim `acr` must have one of these values. Empty if every way to log in suffices.
        max_age: The largest number of seconds since the login; None if the time of the login does not matter.
    """

    acr_values: tuple[str, ...]
    max_age: float | None

    def is_met(self, identity: Identity | None, now: float) -> bool:
        """Return whether the login of a client suffices at the Unix time `now`.

        If a claim is missing that the decision needs, the login does not suffice.
        """
        if identity is None:
            return False
        claims = identity.claims
        if self.acr_values and claims.get("acr") not in self.acr_values:
            return False
        login = claims.get("auth_time")
        return self.max_age is None or (
            isinstance(login, int | float) and not isinstance(login, bool) and now - login <= self.max_age
        )


class StepUp(Stage):
    """Refuses operations for which the login of the client does not suffice."""

    def __init__(
        self,
        rules: Sequence[StepUpRule],
        schema: GraphQLSchema,
        clock_skew: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._logins = tuple(Login(rule.acr_values, rule.max_age) for rule in rules)
        self._kinds = tuple(frozenset(rule.operations) for rule in rules)
        self._schema = schema
        self._fields = _rules_of_fields(rules, schema)
        self._clock_skew = clock_skew
        self._clock = clock

    @classmethod
    def configured(cls, inputs: PolicySetup) -> StepUp | None:
        """Return the stage, or None if `authorization.step_up` has no rules.

        Raises:
            PolicySetupError: A rule names a field that the supergraph does not have, for example because of a misspelt
                name. The intended field would not be protected.
        """
        settings = inputs.settings
        rules = settings.authorization.step_up
        if not rules:
            return None
        return cls(rules, inputs.supergraph.schema, settings.authentication.jwt.clock_skew)

    async def on_operation(self, context: RequestContext, operation: Operation) -> None:
        """Check the login of the client.

        Raises:
            Refused: The login does not suffice (401).
        """
        now = self._clock() - self._clock_skew
        failed = {number for number, login in enumerate(self._logins) if not login.is_met(context.identity, now)}
        if not failed:
            return
        with bounded_nesting():
            possible = failed & self._possible_rules(operation)
            if not possible:
                return
            # The slow and exact check, which respects `@skip` and `@include`, is only needed before a refusal.
            variables = {**defaults_of(operation.client), **context.variables}
            fields = list(self._selected(operation.planned, variables))
        needed = {number for number in possible if operation.kind in self._kinds[number]}
        needed.update(
            number for coordinate in fields for number in self._fields.get(coordinate, ()) if number in failed
        )
        if needed:
            protected = sorted({each for each in fields if needed & self._fields.get(each, frozenset())})
            raise self._refusal(
                context, operation, combined([self._logins[each] for each in sorted(needed)]), protected
            )

    def _possible_rules(self, operation: Operation) -> frozenset[int]:
        """Return the rules that an operation matches if `@skip` and `@include` are ignored; found once an operation."""
        notes = operation.planned.notes
        rules = notes.get(self)
        if rules is None:
            own = {number for number, kinds in enumerate(self._kinds) if operation.kind in kinds}
            fields = self._selected(operation.planned, None)
            rules = notes[self] = frozenset(own.union(*(self._fields.get(each, ()) for each in fields)))
        assert isinstance(rules, frozenset)  # noqa: S101 - only this stage uses this key
        return rules

    def _selected(self, operation: PreparedOperation, variables: Mapping[str, object] | None) -> Iterator[str]:
        root = operation.api_schema.get_root_type(operation.definition.operation)
        if root is not None:
            yield from _Selection(operation, self._schema, variables, set()).of(
                operation.definition.selection_set, root.name
            )

    def _refusal(self, context: RequestContext, operation: Operation, login: Login, fields: Sequence[str]) -> Refused:
        report(
            SecurityEvent.STEP_UP_REQUIRED,
            operation=operation.name,
            kind=operation.kind,
            fields=fields,
            acr_values=login.acr_values,
            max_age=login.max_age,
        )
        refusal = Refused("This operation needs a new login.", code=CODE, status=401)
        extensions: dict[str, object] = {}
        if login.acr_values:
            extensions["acrValues"] = list(login.acr_values)
        if login.max_age is not None:
            extensions["maxAge"] = int(login.max_age)
        refusal.errors = (ResponseError(message=refusal.message, code=CODE, extensions=extensions),)
        refusal.headers = (("www-authenticate", challenge(login, context.identity)),)
        return refusal


def combined(logins: Sequence[Login]) -> Login:
    """Return one login that satisfies as many of `logins` as possible, so that the user has to log in only once.

    If no value of `acr` is in the lists of all logins, return the values of the first list. After this login, the next
    challenge asks for the values of another list.
    """
    lists = [login.acr_values for login in logins if login.acr_values]
    common = [value for value in lists[0] if all(value in each for each in lists)] if lists else []
    ages = [login.max_age for login in logins if login.max_age is not None]
    return Login(tuple(common) or (lists[0] if lists else ()), min(ages, default=None))


def challenge(login: Login, identity: Identity | None) -> str:
    """Return the value of `WWW-Authenticate` (RFC 9470 §3).

    If the request has no credential, the value has no `error` (RFC 6750 §3.1).
    """
    parameters = []
    scheme = "Bearer"
    if identity is not None:
        parameters.append('error="insufficient_user_authentication"')
        scheme = "DPoP" if isinstance(identity.claims.get("cnf"), dict) else scheme
    if login.acr_values:
        parameters.append(f'acr_values="{" ".join(login.acr_values)}"')
    if login.max_age is not None:
        parameters.append(f'max_age="{int(login.max_age)}"')
    return f"{scheme} {', '.join(parameters)}"


class _Selection(msgspec.Struct, frozen=True):
    """Lists the fields that an operation selects. With `variables`, only those that are included.

    A fragment is visited once: its fields are the same at each spread.
    """

    operation: PreparedOperation
    schema: GraphQLSchema
    variables: Mapping[str, object] | None
    visited: set[str]

    def of(self, selections: SelectionSetNode, parent: str) -> Iterator[str]:
        """Yield the coordinate of each field. A field of an interface is a field of each implementation too."""
        for selection in selections.selections:
            if self.variables is not None and not is_included(selection, self.variables):
                continue
            match selection:
                case FieldNode(name=name, selection_set=inner):
                    yield from self._coordinates(parent, name.value)
                    type_name = field_type_name(self.operation.api_schema, parent, name.value)
                    if inner is not None and type_name is not None:
                        yield from self.of(inner, type_name)
                case InlineFragmentNode(type_condition=condition, selection_set=inner):
                    yield from self.of(inner, parent if condition is None else condition.name.value)
                case FragmentSpreadNode(name=name) if name.value not in self.visited:
                    self.visited.add(name.value)
                    fragment = self.operation.fragments[name.value]
                    yield from self.of(fragment.selection_set, fragment.type_condition.name.value)

    def _coordinates(self, parent: str, name: str) -> Iterator[str]:
        yield f"{parent}.{name}"
        type_ = self.schema.get_type(parent)
        if isinstance(type_, GraphQLInterfaceType):
            for each in self.schema.get_possible_types(type_):
                yield f"{each.name}.{name}"


def _rules_of_fields(rules: Sequence[StepUpRule], schema: GraphQLSchema) -> Mapping[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for number, rule in enumerate(rules):
        for coordinate in rule.fields:
            for each in _matching(coordinate, schema, f"{_KEY}[{number}].fields"):
                found[each] = found.get(each, frozenset()) | {number}
    return found


def _matching(coordinate: str, schema: GraphQLSchema, key: str) -> Iterator[str]:
    parent, _, name = coordinate.partition(".")
    type_ = schema.get_type(parent)
    if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        raise PolicySetupError(f"{key}: {coordinate}: the supergraph has no object type or interface {parent}")
    if name != "*" and name not in type_.fields:
        raise PolicySetupError(f"{key}: {coordinate}: the supergraph has no such field")
    owners = [parent]
    if isinstance(type_, GraphQLInterfaceType):
        # A client can also select the field on an object type that implements the interface. The rule applies there
        # too.
        owners += [each.name for each in schema.get_possible_types(type_)]
    for each in type_.fields if name == "*" else (name,):
        yield from (f"{owner}.{each}" for owner in owners)
