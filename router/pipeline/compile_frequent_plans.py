"""Compiles plans that are used often, and counts how requests were executed.

After `COMPILE_AFTER` uses, a plan is compiled in the preparing thread. Until then, the interpreter executes the plan.
If an operation has `@skip` or `@include`, its plan is compiled for each combination of variable values that is used
often.

A *misfit* is a response that does not have the form that the compiled code expects. The interpreter must then execute
the plan again, which takes longer than the interpreter alone. So after several misfits in a row, only the interpreter
executes the plan for some time.

Some subgraphs send fields that they were not asked for, which are misfits. If this happens several times, the plan is
compiled again, so that its code accepts these fields (`router/executor/compiled/extra_fields.py`).

The caches of documents and plans decide how long an operation and its plan stay in memory. So this module refers to
them weakly: a usage counter and a compiled plan disappear with the operation or the plan.
"""

from __future__ import annotations

import weakref
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import structlog
from graphql import DirectiveNode, GraphQLIncludeDirective, GraphQLSkipDirective, VariableNode, Visitor, visit

from router.executor.compiled.recorded_responses import UnknownField
from router.preparation.preparing_thread import PREPARING_THREAD
from router.storage.lru import Lru

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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

PAUSE_EXECUTIONS: Final = 200
"""The length of a pause: the number of executions for which only the interpreter is used."""

UNKNOWN_FIELDS_BEFORE_COMPILATION: Final = 3
"""After this number of responses with unknown fields, a plan is compiled again. A single one may be an accident."""

MOST_COMPILATIONS: Final = 4
"""How often one plan is compiled at most. Rare fields may be found only after the first compilation with others."""

PROTECTED_EXECUTIONS: Final = 5_000
"""If the cache is full, a compiled plan that was used during this number of executions is not replaced.

Otherwise, plans that are used in turn would be compiled again and again if they do not all fit into the cache."""

_NAMES: Final = "names of the variables of conditions"
"""The key of these names in the notes of an operation (`PreparedOperation.notes`)."""

_CONDITIONS: Final = frozenset({GraphQLSkipDirective.name, GraphQLIncludeDirective.name})

_log = structlog.stdlib.get_logger("compiler")


class ExecutionCounts(NamedTuple):
    """The number of executions by compiled code alone, by the interpreter alone, and with a misfit.

    In an execution with a misfit, compiled code began the execution, and the interpreter finished it.
    """

    compiled: int = 0
    interpreted: int = 0
    misfits: int = 0


_Key: TypeAlias = tuple[int, int, tuple[bool, ...]]


class PlanUsage:
    """How often a plan was used with one combination of variable values, and its compiled code.

    Attributes:
        uses: The number of executions before the plan was compiled.
        last_use: The number of the last execution, counted over all plans.
        program: The compiled plan; None if the plan has not been compiled, or cannot be compiled.
        is_submitted: Whether the plan is being compiled, or cannot be compiled.
        key: The key in the cache.
        plan: A weak reference to the plan. Its callback removes the usage.
        operation: The same for the operation.
        unknown_fields: The number of responses with unknown fields since the last compilation.
        compilations: How often the plan was compiled.
    """

    __slots__ = (
        "_in_a_row",
        "_pause",
        "compilations",
        "is_submitted",
        "key",
        "last_use",
        "operation",
        "plan",
        "program",
        "unknown_fields",
        "uses",
    )

    def __init__(self, key: _Key, plan: weakref.ref[QueryPlan], operation: weakref.ref[PreparedOperation]) -> None:
        self.key, self.plan, self.operation = key, plan, operation
        self.unknown_fields = self.compilations = 0
        self.uses = self.last_use = 0
        self.is_submitted = False
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
            self._in_a_row, self._pause = 0, PAUSE_EXECUTIONS

    def replace_program(self, program: CompiledPlan) -> None:
        """Use another compiled plan from now on. A pause ends."""
        self.program = program
        self._in_a_row = self._pause = self.unknown_fields = 0


class CompiledPlans:
    """The compiled plans of one supergraph.

    A key consists of the `id()` of the plan, the `id()` of the operation, and the values of its `@skip` and `@include`.
    """

    def __init__(self, schema: GraphQLSchema, settings: RouterSettings) -> None:
        self._schema = schema
        self._is_enabled = settings.execution.compile_plans
        max_plans, max_bytes = settings.cache.compiled_plans, settings.cache.memory_bytes
        self._compiled: Lru[_Key, PlanUsage] = Lru(max_entries=max_plans, max_weight=max_bytes)
        self._max_bytes = max_bytes
        plans = settings.cache.plans
        self._uncompiled: Lru[_Key, PlanUsage] = Lru(max_entries=plans, max_weight=plans)
        self._executions = 0
        self._later: deque[Callable[[], None]] = deque()
        self._finished = self._interpreted = self._misfits = 0

    @property
    def counts(self) -> ExecutionCounts:
        """Return the number of executions of each kind."""
        return ExecutionCounts(self._finished, self._interpreted, self._misfits)

    @property
    def cache(self) -> Lru[_Key, PlanUsage]:
        """Return the compiled plans."""
        self._do_later()
        return self._compiled

    def begin(
        self, plan: QueryPlan, operation: PreparedOperation, variables: Mapping[str, object]
    ) -> tuple[PlanUsage, CompiledPlan] | None:
        """Count one use of a plan. Return its usage and its compiled code.

        Return None if the interpreter must execute the plan.
        """
        if self._is_enabled:
            if self._later:
                self._do_later()
            self._executions += 1
            names: Any = operation.notes.get(_NAMES)
            if names is None:
                names = operation.notes[_NAMES] = _condition_names(operation)
            key = (id(plan), id(operation), tuple([variables.get(name) is True for name in names]) if names else ())
            usage = self._compiled.get(key)
            if usage is None:
                self._count_uncompiled(key, plan, operation, variables)
            else:
                usage.last_use = self._executions
                if usage.program is not None and not usage.is_paused():
                    return usage, usage.program
        self._interpreted += 1
        return None

    def _count_uncompiled(
        self, key: _Key, plan: QueryPlan, operation: PreparedOperation, variables: Mapping[str, object]
    ) -> None:
        usage = self._uncompiled.get(key)
        if usage is None:
            gone = partial(self._forget_later, key)
            usage = PlanUsage(key, weakref.ref(plan, gone), weakref.ref(operation, gone))
            self._uncompiled.put(key, usage, 1)
        usage.uses += 1
        if usage.uses >= COMPILE_AFTER and not usage.is_submitted and self._has_room():
            usage.is_submitted = True
            usage.compilations += 1
            job = PREPARING_THREAD.submit(partial(self._compile, plan, operation, dict(variables)))
            job.add_done_callback(lambda done: self._later.append(partial(self._keep, usage, done)))

    def _has_room(self) -> bool:
        """Return whether a compiled plan of average size fits into the cache, or can replace one that is not in use."""
        cache = self._compiled
        if cache.has_room(cache.weight // len(cache) if len(cache) else 0):
            return True
        oldest = cache.oldest()
        return oldest is None or self._executions - oldest.last_use > PROTECTED_EXECUTIONS

    def _keep(self, usage: PlanUsage, job: Future[CompiledPlan | None]) -> None:
        """Keep the result of a compilation, unless the plan has disappeared or is larger than the cache."""
        program, key = job.result(), usage.key
        is_known = usage is (self._uncompiled.get(key) or self._compiled.get(key))
        if program is None or program.memory_bytes > self._max_bytes or not is_known:
            return
        self._uncompiled.remove(key)
        usage.replace_program(program)
        usage.last_use = self._executions
        self._compiled.put(key, usage, program.memory_bytes)

    def _forget_later(self, key: _Key, _: object) -> None:
        # Python calls this method when a plan or an operation is removed from memory. The call can be in any thread,
        # and can interrupt a method of a cache. So the caches are changed later.
        self._later.append(partial(self._forget, key))

    def _forget(self, key: _Key) -> None:
        self._uncompiled.remove(key)
        self._compiled.remove(key)

    def _do_later(self) -> None:
        """Keep the plans that have been compiled, and forget the plans that have disappeared.

        Python may give the `id()` of a removed plan to a new plan. So this method is called before a look-up:
        otherwise, the new plan would get the compiled code of the removed plan.
        """
        while self._later:
            self._later.popleft()()

    def count(self, usage: PlanUsage, misfit: Exception | None) -> None:
        """Count an execution that compiled code began. `misfit` is the misfit that ended it, or None."""
        usage.note(misfit)
        if misfit is None:
            self._finished += 1
        else:
            self._misfits += 1
            if isinstance(misfit, UnknownField):
                self._count_unknown_field(usage, misfit)

    def _count_unknown_field(self, usage: PlanUsage, misfit: UnknownField) -> None:
        usage.unknown_fields += 1
        program, plan, operation = usage.program, usage.plan(), usage.operation()
        if program is None or plan is None or operation is None or usage.compilations >= MOST_COMPILATIONS:
            return
        if usage.unknown_fields == UNKNOWN_FIELDS_BEFORE_COMPILATION:
            usage.compilations += 1
            job = PREPARING_THREAD.submit(partial(self._compile_again, program, plan, operation, misfit))
            job.add_done_callback(lambda done: self._later.append(partial(self._keep, usage, done)))

    def inherit(self, previous: CompiledPlans) -> None:
        """Take over the counts of `previous`, the compiled plans before a reload."""
        self._finished, self._interpreted, self._misfits = previous.counts

    def _compile(
        self, plan: QueryPlan, operation: PreparedOperation, variables: Mapping[str, object]
    ) -> CompiledPlan | None:
        # The start does not need the compiler. Its import takes as long as the compilation of several plans.
        from router.executor.compiled.compile_plan import compile_plan  # noqa: PLC0415

        return _compiled(partial(compile_plan, self._schema, operation, plan, variables))

    def _compile_again(
        self, program: CompiledPlan, plan: QueryPlan, operation: PreparedOperation, misfit: UnknownField
    ) -> CompiledPlan | None:
        from router.executor.compiled.compile_plan import with_found_extra_fields  # noqa: PLC0415  (as above)

        return _compiled(partial(with_found_extra_fields, program, self._schema, operation, plan, misfit))


def _compiled(compile_: Callable[[], CompiledPlan | None]) -> CompiledPlan | None:
    from router.executor.compiled.response_shape import NotCompilable  # noqa: PLC0415  (as above)

    try:
        return compile_()
    except NotCompilable as reason:
        _log.debug("a plan is not compiled", reason=str(reason))
    except Exception:  # noqa: BLE001  (the interpreter can execute every plan)
        _log.exception("a plan could not be compiled")
    return None


def _condition_names(operation: PreparedOperation) -> tuple[str, ...]:
    """Return the names of the variables in `@skip` and `@include` of an operation, sorted."""
    names = _ConditionNames()
    for node in (operation.definition, *operation.fragments.values()):
        visit(node, names)
    return tuple(sorted(names.found))


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
