"""Compiles plans that are used often, and counts how requests were executed.

After `COMPILE_AFTER` uses, a plan is compiled in the preparing thread. Until then, the interpreter executes the plan.
If an operation has `@skip` or `@include`, its plan is compiled for each combination of variable values that is used
often.

A *misfit* is a response that does not have the form that the compiled code expects. The interpreter must then execute
the plan again, which takes longer than the interpreter alone. So after several misfits in a row, only the interpreter
executes the plan for some time.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog
from graphql import DirectiveNode, GraphQLIncludeDirective, GraphQLSkipDirective, VariableNode, Visitor, visit

from router.executor.compiled.compile_plan import compile_plan
from router.executor.compiled.response_shape import NotCompilable
from router.preparation.preparing_thread import PREPARING_THREAD
from router.storage.lru import Lru

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from graphql import GraphQLSchema

    from router.executor.compiled.compile_plan import CompiledPlan
    from router.get_operation import PreparedOperation
    from router.plan import QueryPlan
    from router.settings.model import RouterSettings

COMPILE_AFTER: Final = 3
"""The number of uses after which a plan is compiled. To compile a plan takes as long as about ten executions."""

MISFITS_BEFORE_PAUSE: Final = 8
"""After this number of misfits in a row, compiled code is not used for some time (a pause)."""

PAUSE: Final = 200
"""The length of a pause: the number of executions for which only the interpreter is used."""

BYTES_PER_CHARACTER: Final = 24
"""The memory of a compiled plan, in bytes for each character of its source text. `tracemalloc` measures 21 bytes."""

UNCOMPILED_BYTES: Final = 500
"""The memory in bytes of the usage counter of a plan that is not compiled."""

_CONDITIONS: Final = frozenset({GraphQLSkipDirective.name, GraphQLIncludeDirective.name})

_log = structlog.stdlib.get_logger("compiler")


class ExecutionCounts(NamedTuple):
    """The number of executions by compiled code alone, by the interpreter alone, and with a misfit.

    In an execution with a misfit, compiled code began the execution, and the interpreter finished it.
    """

    compiled: int = 0
    interpreted: int = 0
    misfits: int = 0


class PlanUsage:
    """How often a plan was used with one combination of variable values, and its compiled code.

    Attributes:
        plan: The plan. This reference keeps the plan in memory, so that no other plan can get the same `id()`.
        operation: The client's operation. The reference is kept for the same reason.
        uses: The number of executions so far.
        job: The running compilation; None if the plan is not being compiled.
        program: The compiled plan; None if the plan has not been compiled, or cannot be compiled.
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
        """Return whether compiled code is paused. During a pause, each call counts as one execution."""
        if not self._pause:
            return False
        self._pause -= 1
        return True

    def note(self, misfit: Exception | None) -> None:
        """Record the result of one execution. After `MISFITS_BEFORE_PAUSE` misfits in a row, begin a pause."""
        self._in_a_row = self._in_a_row + 1 if misfit is not None else 0
        if self._in_a_row >= MISFITS_BEFORE_PAUSE:
            self._in_a_row, self._pause = 0, PAUSE


class CompiledPlans:
    """The compiled plans of one supergraph.

    Attributes:
        cache: Plan, operation and results of the conditions → the usage of the plan.
        counts: The number of executions of each kind.
    """

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
        """Count one use of a plan. Return its usage and its compiled code.

        Return None if the interpreter must execute the plan.
        """
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
        """Count an execution that compiled code began. `misfit` is the misfit that ended it, or None."""
        usage.note(misfit)
        counts = self.counts
        if misfit is None:
            self.counts = counts._replace(compiled=counts.compiled + 1)
        else:
            self.counts = counts._replace(misfits=counts.misfits + 1)

    def inherit(self, previous: CompiledPlans) -> None:
        """Take over the counts of `previous`, the compiled plans before a reload."""
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
        """Return the names of the variables in `@skip` and `@include` of an operation, sorted."""
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
