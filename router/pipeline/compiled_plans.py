"""Compiles plans that are used often, and counts how requests were executed.

A plan is compiled in the preparing thread, after `COMPILE_AFTER` uses; until the code is there, the interpreter
executes the plan. A plan whose operation has `@skip` or `@include` is compiled for each combination of values that is
used often. If the responses to a plan do not fit the code again and again, the interpreter executes the plan for a
while: trying the code first would only cost time.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog
from graphql import DirectiveNode, GraphQLIncludeDirective, GraphQLSkipDirective, VariableNode, Visitor, visit

from router.executor.compiled.program import compile_plan
from router.executor.compiled.shapes import NotCompilable
from router.preparation.preparing_thread import PREPARING_THREAD
from router.storage.lru import Lru

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from graphql import GraphQLSchema

    from router.executor.compiled.program import CompiledPlan
    from router.get_operation import PreparedOperation
    from router.plan import QueryPlan
    from router.settings.model import RouterSettings

COMPILE_AFTER: Final = 3
"""The number of uses after which a plan is compiled. Compiling takes as long as about ten executions."""

MISFITS_BEFORE_PAUSE: Final = 8
"""After this many misfits in a row, a plan is paused."""

PAUSE: Final = 200
"""The number of executions for which a paused plan is left to the interpreter."""

BYTES_PER_CHARACTER: Final = 24
"""The memory of a compiled plan for each character of its source: classes, code and decoders (21 by tracemalloc)."""

UNCOMPILED_BYTES: Final = 500
"""The memory of a plan that is only counted."""

_CONDITIONS: Final = frozenset({GraphQLSkipDirective.name, GraphQLIncludeDirective.name})

_log = structlog.stdlib.get_logger("compiler")


class ExecutionCounts(NamedTuple):
    """The number of executions by compiled code, by the interpreter alone, and by both.

    In the last case, the interpreter finished an execution because a response did not have the form that the compiled
    code expected (a misfit).
    """

    compiled: int = 0
    interpreted: int = 0
    misfits: int = 0


class PlanUsage:
    """The uses of a plan for one combination of conditions.

    Attributes:
        plan: The plan. It is kept so that no other plan gets its identity.
        operation: The client's operation.
        uses: The number of executions so far.
        job: Compiles the plan; None before and afterwards.
        program: The compiled plan; None if there is none.
    """

    __slots__ = ("_in_a_row", "_pause", "job", "operation", "plan", "program", "uses")

    def __init__(self, plan: QueryPlan, operation: PreparedOperation) -> None:
        self.plan, self.operation = plan, operation
        self.uses = 0
        self.job: Future[CompiledPlan | None] | None = None
        self.program: CompiledPlan | None = None
        self._in_a_row = 0
        self._pause = 0

    def is_paused(self) -> bool:
        """Count one execution during a pause. Return whether there is a pause."""
        if not self._pause:
            return False
        self._pause -= 1
        return True

    def note(self, misfit: Exception | None) -> None:
        """Note whether the responses fitted. Pause the compiled plan if they did not several times in a row."""
        self._in_a_row = self._in_a_row + 1 if misfit is not None else 0
        if self._in_a_row >= MISFITS_BEFORE_PAUSE:
            self._in_a_row, self._pause = 0, PAUSE


class CompiledPlans:
    """The compiled plans of one supergraph. `cache` has the usage of each plan, `counts` how requests were executed."""

    def __init__(self, schema: GraphQLSchema, settings: RouterSettings) -> None:
        self._schema = schema
        self._is_enabled = settings.execution.compile_plans
        self.cache: Lru[tuple[int, int, tuple[bool, ...]], PlanUsage] = Lru(
            max_entries=settings.cache.compiled_plans, max_weight=settings.cache.memory_bytes
        )
        self._conditions: Lru[int, tuple[PreparedOperation, tuple[str, ...]]] = Lru(
            max_entries=settings.cache.compiled_plans, max_weight=settings.cache.compiled_plans
        )
        self.counts = ExecutionCounts()

    def begin(
        self, plan: QueryPlan, operation: PreparedOperation, variables: Mapping[str, object]
    ) -> tuple[PlanUsage, CompiledPlan] | None:
        """Count one use of a plan. Return its compiled plan, or None if the interpreter must execute the plan."""
        if self._is_enabled:
            usage = self._usage(plan, operation, variables)
            if usage.program is not None and not usage.is_paused():
                return usage, usage.program
        self.counts = self.counts._replace(interpreted=self.counts.interpreted + 1)
        return None

    def _usage(self, plan: QueryPlan, operation: PreparedOperation, variables: Mapping[str, object]) -> PlanUsage:
        conditions = tuple(variables.get(name) is True for name in self._names(operation))
        key = (id(plan), id(operation), conditions)
        usage = self.cache.get(key)
        if usage is None:
            usage = PlanUsage(plan, operation)
            self.cache.put(key, usage, UNCOMPILED_BYTES)
        usage.uses += 1
        if usage.uses == COMPILE_AFTER:
            usage.job = PREPARING_THREAD.submit(partial(self._compiled, plan, operation, dict(variables)))
        elif usage.job is not None and usage.job.done():
            usage.program, usage.job = usage.job.result(), None
            if usage.program is not None:
                self.cache.put(key, usage, BYTES_PER_CHARACTER * len(usage.program.source))
        return usage

    def count(self, usage: PlanUsage, misfit: Exception | None) -> None:
        """Count an execution by compiled code, and why it ended early."""
        usage.note(misfit)
        counts = self.counts
        if misfit is None:
            self.counts = counts._replace(compiled=counts.compiled + 1)
        else:
            self.counts = counts._replace(misfits=counts.misfits + 1)

    def inherit(self, previous: CompiledPlans) -> None:
        """Go on counting from the counts of `previous` (a reload)."""
        self.counts = previous.counts

    def _compiled(
        self, plan: QueryPlan, operation: PreparedOperation, variables: Mapping[str, object]
    ) -> CompiledPlan | None:
        try:
            return compile_plan(self._schema, operation, plan, variables)
        except NotCompilable as reason:
            _log.debug("a plan is not compiled", reason=str(reason))
        except Exception:  # noqa: BLE001  (the interpreter can execute every plan)
            _log.exception("a plan could not be compiled")
        return None

    def _names(self, operation: PreparedOperation) -> tuple[str, ...]:
        """Return the variables in the conditions of an operation, in the order of their names."""
        known = self._conditions.get(id(operation))
        if known is None:
            names = _ConditionNames()
            for node in (operation.definition, *operation.fragments.values()):
                visit(node, names)
            known = (operation, tuple(sorted(names.found)))
            self._conditions.put(id(operation), known, 1)
        return known[1]


class _ConditionNames(Visitor):
    """Collects the names of the variables of `@skip` and `@include`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        if node.name.value in _CONDITIONS:
            self.found.update(
                argument.value.name.value
                for argument in node.arguments or ()
                if isinstance(argument.value, VariableNode)
            )
