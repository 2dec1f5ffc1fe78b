"""Compile a plan: generate the source text of its classes and functions, and create them from the text.

    operation, plan, variables ─> shapes ─> source text ─> functions and classes of a `CompiledPlan`

`source_of` only generates the text. `compile_plan` also executes the text, which defines the classes and functions.
Each text gets its own file name, so that tracebacks and debuggers show its lines. No request is sent here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from graphql import is_object_type

from router import json_codec
from router.executor.compiled.choose_fetch_that_creates_objects import choose_creators
from router.executor.compiled.client_shape import client_shape
from router.executor.compiled.compiled_requests import compiled_request, is_line
from router.executor.compiled.extra_fields import DATA, MOST_FIELDS, RESPONSE, ExtraFields, find_extra_fields
from router.executor.compiled.fetch_shapes import FetchShapes
from router.executor.compiled.generate_classes import (
    fetched_class,
    is_hidden_constant,
    object_class,
    shares_entities,
    write_fetched_class,
    write_merged_class,
    write_object_class,
)
from router.executor.compiled.generate_client_response_function import FINISH, write_finish
from router.executor.compiled.generate_collect_functions import (
    CollectFunction,
    same_keys,
    write_collect,
    write_collect_all,
)
from router.executor.compiled.generate_merge_functions import write_merge
from router.executor.compiled.generate_place_functions import write_place
from router.executor.compiled.generate_response_classes import Around, write_entities, write_response
from router.executor.compiled.globals_of_generated_code import NAMES
from router.executor.compiled.representation_shapes import representation
from router.executor.compiled.request_graph import Planned, fetches_before, request_graph
from router.executor.compiled.response_shape import NotCompilable
from router.executor.compiled.source_in_tracebacks import new_filename, show_in_tracebacks
from router.executor.compiled.source_lines import SourceLines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from graphql import GraphQLSchema

    from router.executor.compiled.compiled_requests import CompiledRequest
    from router.executor.compiled.fetch_shapes import StepShape
    from router.executor.compiled.recorded_responses import UnknownField
    from router.executor.compiled.representation_shapes import InputShape
    from router.executor.compiled.response_shape import FieldShape, ObjectShape
    from router.get_operation import PreparedOperation
    from router.plan import QueryPlan

ENTITIES: Final = "_entities"

NO_EXTRA: Final = ExtraFields()

BYTES: Final = 3_000
"""The memory in bytes of a compiled plan without any class."""

BYTES_PER_CLASS: Final = 3_000
"""The memory in bytes of a class and of the structures of its decoder."""

BYTES_PER_CHARACTER: Final = 2.5
"""The memory in bytes of functions and fields, for each character of the source text."""


@dataclass(frozen=True, slots=True)
class ProgramSource:
    """The source text of a compiled plan, and the data from which a `CompiledPlan` is built.

    Attributes:
        text: The source text.
        root: The shape of the root object.
        requests: The requests of the plan.
        steps: Id of a fetch → the fetch with its shape.
        shapes: The number of shapes.
    """

    text: str
    root: ObjectShape
    requests: tuple[Planned, ...]
    steps: Mapping[int, StepShape]
    shapes: int


@dataclass(frozen=True, eq=False)
class CompiledPlan:
    """A plan as functions and classes.

    Attributes:
        requests: The requests, in the order of the plan.
        root: The class of the root object.
        finish: Checks the decoded objects, and removes hidden fields.
        shapes: The number of shapes. The functions share one list of objects for each shape.
        line: The requests in their order, if each waits for the one before it and has one fetch without
            `@fromContext` arguments; None for other plans.
        extra: The extra fields that the responses can have.
        filename: The file name of the source text in tracebacks.
        memory_bytes: Roughly how many bytes the compiled plan takes, without the plan itself.
    """

    requests: tuple[CompiledRequest, ...]
    root: Callable[[], Any]
    finish: Callable[[list[Any]], None]
    shapes: int
    line: tuple[CompiledRequest, ...] | None
    extra: ExtraFields
    filename: str
    memory_bytes: int

    def objects(self) -> list[Any]:
        """Return the objects of each shape, by the number of the shape, before any response: only the root exists."""
        at: list[Any] = [()] * self.shapes
        at[0] = [self.root()]
        return at

    def data(self, at: list[Any]) -> bytes:
        """Return the data of the client's response as JSON, from the objects of each shape.

        Raises:
            Misfit: A response does not have the expected form. The other exceptions in `MISFITS` have the same meaning.
        """
        self.finish(at)
        return json_codec.encode(at[0][0])


def compile_plan(
    schema: GraphQLSchema,
    operation: PreparedOperation,
    plan: QueryPlan,
    variables: Mapping[str, object],
    extra: ExtraFields = NO_EXTRA,
) -> CompiledPlan:
    """Compile a plan for the values that `variables` give to the conditions of `@skip` and `@include`.

    The code accepts the `extra` fields in responses.

    Raises:
        NotCompilable: The interpreter must execute the plan.
    """
    program = source_of(schema, operation, plan, variables, extra)
    filename = new_filename()
    names: dict[str, Any] = {**NAMES, "__name__": filename}
    exec(compile(program.text, filename, "exec", dont_inherit=True), names)  # noqa: S102 - the text is generated from a valid operation
    requests = tuple(compiled_request(planned, names) for planned in program.requests)
    compiled = CompiledPlan(
        requests=requests,
        root=names[object_class(program.root)],
        finish=names[FINISH],
        shapes=program.shapes,
        line=requests if is_line(requests) else None,
        extra=extra,
        filename=filename,
        memory_bytes=_estimated_bytes(program.text, requests),
    )
    show_in_tracebacks(compiled, filename, program.text)
    return compiled


def _estimated_bytes(text: str, requests: Sequence[CompiledRequest]) -> int:
    """Return roughly how many bytes the definitions in `text` and the encoded requests take.

    The numbers are measured with `tracemalloc`. The objects cannot be counted one by one: most of the memory is in
    structures of msgspec that Python does not see.
    """
    classes = text.count("\nclass ") + text.startswith("class ")
    defined = BYTES + BYTES_PER_CLASS * classes + BYTES_PER_CHARACTER * len(text)
    return int(defined) + sum(request.most_bytes() for request in requests)


def with_found_extra_fields(
    compiled: CompiledPlan,
    schema: GraphQLSchema,
    operation: PreparedOperation,
    plan: QueryPlan,
    misfit: UnknownField,
) -> CompiledPlan | None:
    """Compile a plan again, so that it accepts the unknown fields of `misfit`. Return None if there are none.

    Raises:
        NotCompilable: The interpreter must execute the plan.
    """
    _, requests, steps, _ = _shapes(schema, operation, plan, misfit.variables)
    found = compiled.extra.found | find_extra_fields(requests, steps, misfit.responses).found
    if found == compiled.extra.found or len(found) > MOST_FIELDS:
        return None
    return compile_plan(schema, operation, plan, misfit.variables, ExtraFields(found))


def source_of(
    schema: GraphQLSchema,
    operation: PreparedOperation,
    plan: QueryPlan,
    variables: Mapping[str, object],
    extra: ExtraFields = NO_EXTRA,
) -> ProgramSource:
    """Generate the source text of a plan. The text is not executed.

    Raises:
        NotCompilable: The interpreter must execute the plan.
    """
    root, requests, steps, shapes = _shapes(schema, operation, plan, variables)
    writer = _Writer(schema, variables, root, requests, steps, extra)
    return ProgramSource(writer.text(), root, requests, steps, shapes)


def _shapes(
    schema: GraphQLSchema, operation: PreparedOperation, plan: QueryPlan, variables: Mapping[str, object]
) -> tuple[ObjectShape, tuple[Planned, ...], dict[int, StepShape], int]:
    """Return the shape of the root, the requests, the fetches by their ids, and the number of shapes."""
    root = client_shape(schema, operation, variables)
    numbers = count(len(root.all_shapes()))
    shapes = FetchShapes(schema, root, variables, numbers)
    requests = request_graph(plan, variables)
    steps = {step.fetch.id: shapes.add(step) for planned in requests for group in planned.groups for step in group}
    choose_creators(root, steps, partial(fetches_before, requests))
    return root, requests, steps, next(numbers)


@dataclass(slots=True)
class _Writer:
    schema: GraphQLSchema
    variables: Mapping[str, object]
    root: ObjectShape
    requests: tuple[Planned, ...]
    steps: Mapping[int, StepShape]
    extra: ExtraFields
    lines: SourceLines = field(default_factory=SourceLines)
    collects: dict[int, CollectFunction] = field(default_factory=dict)
    implied: set[int] = field(default_factory=set)

    def text(self) -> str:
        self._write_classes()
        for planned in self.requests:
            groups = [[self.steps[step.fetch.id] for step in group] for group in planned.groups]
            for group in groups:
                self._write_group(group)
            if planned.batch is not None:
                self._write_batch(groups)
        collected = {f.step.target.number for f in self.collects.values() if f.is_complete}
        write_finish(self.lines, self.root, collected, self.implied)
        return self.lines.text

    def _write_classes(self) -> None:
        for shape in reversed(self.root.all_shapes()):
            if not shape.sources and shape is not self.root:
                # No fetch returns these objects, so the field that contains them is always null.
                continue
            if self._is_typename_implied(shape):
                self.implied.add(shape.number)
            write_object_class(self.lines, shape, self.extra, typename_is_implied=shape.number in self.implied)
            for fetch in shape.sources:
                if fetch != shape.creator:
                    write_merged_class(self.lines, shape, fetch, self.extra)
                    write_merge(self.lines, shape, fetch, typename_is_implied=shape.number in self.implied)

    def _is_typename_implied(self, shape: ObjectShape) -> bool:
        """Return whether the objects of a shape need no `__typename` from a subgraph (execution §3.2).

        This is so if the shape has only one object type, and if each fetch for these objects names only this type in
        `requires`.
        """
        if not any(is_hidden_constant(shape, field) for field in shape.fields.values()):
            return False
        for step in self.steps.values():
            if any(value.ancestor is shape for value in step.context):
                return False
            if step.target is shape and step.sent_typenames and shape.typename in step.brought.values():
                # The subgraph can send the name of an interface as `__typename`. An object without a `__typename` of
                # its own would get this name.
                return False
            if step.target is shape:
                names = {fragment.type_condition for fragment in step.fetch.requires}
                if len(names) != 1 or not all(is_object_type(self.schema.get_type(name)) for name in names):
                    return False
        return True

    def _write_group(self, group: list[StepShape]) -> None:
        """Write the classes and functions for equal fetches, which are sent as one fetch."""
        around = self._around([group])
        for step in group:
            if shares_entities(step, group[0], self.extra):
                continue
            write_fetched_class(self.lines, step, self.extra)
            identity = step.fetch.id
            if not step.fetch.requires:
                write_response(self.lines, f"Response{identity}", fetched_class(step), around.response)
                if step.step.path:
                    write_collect_all(self.lines, step, self._collected(step))
                write_place(self.lines, step, self.extra, has_positions=False)
                continue
            write_entities(self.lines, str(identity), {ENTITIES: fetched_class(step)}, around, may_be_absent=False)
        if not group[0].fetch.requires:
            return
        functions = [self._collect_function(step, is_alone=len(group) == 1) for step in group]
        if not same_keys(functions):
            raise NotCompilable("equal fetches have different inputs")
        typenames = {name for function in functions for name in function.inputs}
        for function in functions:
            self.collects[function.step.fetch.id] = function
            write_collect(self.lines, function, compares_typenames=len(typenames) > 1)
            has_positions = not function.is_alone or not function.shares_objects
            write_place(self.lines, function.step, self.extra, has_positions=has_positions)

    def _write_batch(self, groups: list[list[StepShape]]) -> None:
        """Write the class for the response to a batch, and the classes for fetches that need objects of their own.

        In the latter, only the entities for one fetch are decoded. The entities for all other fetches are skipped.
        """
        firsts = {group[0].step.part.alias: group[0] for group in groups if group[0].step.part is not None}
        classes: dict[str, str | None] = {alias: fetched_class(first) for alias, first in firsts.items()}
        around = self._around(groups)
        write_entities(self.lines, f"Batch{groups[0][0].fetch.id}", classes, around, may_be_absent=True)
        for (alias, first), group in zip(firsts.items(), groups, strict=True):
            for step in group[1:]:
                if not shares_entities(step, first, self.extra):
                    own = dict.fromkeys(classes) | {alias: fetched_class(step)}
                    write_entities(self.lines, f"Batch{step.fetch.id}", own, around, may_be_absent=True)

    def _around(self, groups: list[list[StepShape]]) -> Around:
        fetches = [group[0].fetch.id for group in groups]
        return Around(self.extra.around(fetches, RESPONSE), self.extra.around(fetches, DATA))

    def _collect_function(self, step: StepShape, *, is_alone: bool) -> CollectFunction:
        inputs = {name: self._inputs(step, name) for name in step.types}
        not_sent = {name for name, keys in inputs.items() if not keys}
        if not_sent - step.target.interfaces.keys() or len(not_sent) == len(inputs):
            raise NotCompilable("a fetch is sent for no object")
        collected = self._collected(step)
        objects_exist = step.target.all_sources() <= fetches_before(self.requests, step.fetch.id)
        sent = {name: keys for name, keys in inputs.items() if keys}
        refused = tuple(name for name, keys in inputs.items() if keys is None)
        return CollectFunction(step, sent, refused, collected, is_alone, self._absent(step, sent), objects_exist)

    def _collected(self, step: StepShape) -> set[int]:
        """Return the numbers of the shapes whose objects earlier functions have collected when the fetch starts."""
        before, between = fetches_before(self.requests, step.fetch.id), _between(step)
        found = {f.step.target.number for id_, f in self.collects.items() if id_ in before and f.is_complete}
        return found - between

    def _inputs(self, step: StepShape, typename: str) -> tuple[InputShape, ...] | None:
        """Return the keys of a representation. Return None for an interface object that lacks a needed value."""
        try:
            return representation(self.schema, step, typename, self.variables)
        except NotCompilable:
            if typename in step.target.interfaces:
                return None
            raise

    def _absent(self, step: StepShape, inputs: Mapping[str, object]) -> list[FieldShape]:
        """Return the fields that the objects at `step.target` lack if a subgraph does not have the entity.

        An earlier entity fetch returns these fields, and their types are non-null. If the subgraph has no such entity,
        the fields stay absent. The result is empty if several fetches return the objects: then an absent field can have
        another reason, and counts as a misfit.
        """
        if len(step.target.sources) > 1:
            return []
        return [
            field
            for field in step.target.fields.values()
            for name in inputs
            if name in field.sources
            and not {*step.target.sources} & {*field.sources[name]}
            and not field.is_nullable(name)
        ]


def _between(step: StepShape) -> set[int]:
    """Return the numbers of the shapes from the objects of a fetch up to the ancestors from which it reads arguments.

    The shape of the objects is included. The shapes of the ancestors are not included.
    """
    found: set[int] = set()
    for value in step.context:
        shape = step.target
        while shape is not value.ancestor and shape.parent is not None:
            found.add(shape.number)
            shape = shape.parent[0]
    return found
