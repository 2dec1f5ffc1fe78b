"""Merge the directives on an element (composition §5.6).

If a directive is repeatable, the merged element has every distinct application of the directive.

If a directive is not repeatable, the merged element has one application. If the subgraphs apply the directive with
different arguments, there are two cases:

- If `directive_argument_mergers` has functions for the directive, the functions combine the arguments. The hint
  MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS is reported.
- Otherwise, the merged application has the arguments that are used most often. The hint
  INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS is reported.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from graphql.language import ConstObjectFieldNode, ConstObjectValueNode, NameNode, NullValueNode

from router.composition.const_value_nodes import enum_value, identity, list_of, string
from router.composition.merge.combine_auth_requirements import MAX_ALTERNATIVES, TooManyAlternativesError
from router.composition.merge.supergraph_directives_and_links import JOIN_DIRECTIVE_ELEMENTS, MergedDirective
from router.composition.model import Applied, Element

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from graphql.language import ConstValueNode

    from router.composition.merge.merge_state import MergeState, Sources

Applications = list[tuple[int, Applied]]
"""Pairs of a subgraph's index and an application of a directive in this subgraph."""


def merge_applied(
    state: MergeState,
    sources: Sources[Element],
    dest: Element,
    what: str,
) -> None:
    """Merge the directives on an element and add the merged directives to `dest` (composition §5.6).

    Args:
        state: The state of the merge.
        sources: The element in each subgraph.
        dest: The merged element.
        what: The name of the element, for error messages and hints.
    """
    merge_applications(state, list(sources.items()), dest, what)


def merge_applications(state: MergeState, elements: Sequence[tuple[int, Element]], dest: Element, what: str) -> None:
    """Merge the directives on `elements`, and add the merged directives to `dest`.

    Each item of `elements` is a pair of a subgraph's index and an element of this subgraph.
    """
    directives: dict[str, MergedDirective] = {}
    for index, element in elements:
        for applied in element.directives:
            merged = state.features.of(index, applied)
            if merged is not None:
                directives.setdefault(merged.name, merged)
    for directive in directives.values():
        # If one subgraph names a directive with `@composeDirective`, the applications in all subgraphs are merged.
        found = [
            (index, applied)
            for index, element in elements
            for applied in element.directives
            if state.features.of(index, applied) is directive or applied.name == directive.name
        ]
        if directive.element in JOIN_DIRECTIVE_ELEMENTS:
            _add_join_directives(state, directive, found, dest)
        elif directive.repeatable:
            _repeatable(state, directive, found, dest)
        else:
            merge_single(state, directive, found, dest, what)


def _arguments(
    state: MergeState, directive: MergedDirective, index: int, applied: Applied
) -> dict[str, ConstValueNode]:
    if directive.element == "context":
        return {"name": string(f"{state.subgraphs[index].name}__{applied.text('name')}")}
    return applied.arguments


def _key(directive: MergedDirective, arguments: Mapping[str, ConstValueNode]) -> Hashable:
    """Return a key for comparing arguments: equal arguments have equal keys.

    If `n` has the default value 1, `@a` and `@a(n: 1)` have equal keys. If `n` has no default value, `@a` and
    `@a(n: null)` have equal keys.
    """
    given = {**directive.defaults, **arguments}
    return frozenset(
        (name, identity(value))
        for name, value in given.items()
        if name in directive.defaults or not isinstance(value, NullValueNode)
    )


def _repeatable(state: MergeState, directive: MergedDirective, found: Applications, dest: Element) -> None:
    distinct: dict[Hashable, dict[str, ConstValueNode]] = {}
    for index, applied in found:
        arguments = _arguments(state, directive, index, applied)
        distinct.setdefault(_key(directive, arguments), arguments)
    dest.directives += [Applied(directive.name, arguments, directive.element) for arguments in distinct.values()]


def merge_single(state: MergeState, directive: MergedDirective, found: Applications, dest: Element, what: str) -> None:
    """Merge all applications of a non-repeatable directive into one application, and add this application to `dest`."""
    distinct: dict[Hashable, dict[str, ConstValueNode]] = {}
    counts = Counter[object]()
    for _, applied in found:
        key = _key(directive, applied.arguments)
        distinct.setdefault(key, applied.arguments)
        counts[key] += 1
    if len(distinct) == 1:
        dest.directives.append(Applied(directive.name, found[0][1].arguments, directive.element))
        return
    names = state.names(dict.fromkeys(index for index, _ in found))
    places = [state.place(index, applied.node) for index, applied in found]
    if directive.mergers:
        filled = [{**directive.defaults, **arguments} for arguments in distinct.values()]
        try:
            merged = {name: merger([each.get(name) for each in filled]) for name, merger in directive.mergers.items()}
        except TooManyAlternativesError:
            state.report.error(
                "UNSUPPORTED_FEATURE",
                f"The requirements of @{directive.name} on {what} in {names} have more than {MAX_ALTERNATIVES} "
                "alternatives when they are combined.",
                places,
            )
            return
        arguments = {name: value for name, value in merged.items() if value is not None}
        dest.directives.append(Applied(directive.name, arguments, directive.element))
        state.report.hint(
            "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
            f"@{directive.name} on {what} has different arguments in {names}; the supergraph combines them.",
            places,
        )
        return
    most_common = max(distinct, key=lambda key: counts[key])
    dest.directives.append(Applied(directive.name, distinct[most_common], directive.element))
    state.report.hint(
        "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
        f"@{directive.name} on {what} has different arguments in {names}; the supergraph has the most common.",
        places,
    )


def _join_name(directive: MergedDirective, found: Applications) -> str:
    """Return the `name` argument of `@join__directive`.

    `@cacheTag` is named `federation__cacheTag`. `@connect` and `@source` have the name that the first subgraph uses.
    """
    return f"federation__{directive.element}" if directive.element == "cacheTag" else found[0][1].name


def _add_join_directives(state: MergeState, directive: MergedDirective, found: Applications, dest: Element) -> None:
    """Add a `@join__directive` to `dest` for each distinct set of arguments in `found`.

    The `graphs` argument of a `@join__directive` lists the subgraphs that apply the directive with these arguments.
    """
    groups: dict[Hashable, tuple[dict[str, ConstValueNode], list[int]]] = {}
    for index, applied in found:
        _, indices = groups.setdefault(_key(directive, applied.arguments), (applied.arguments, []))
        if index not in indices:
            indices.append(index)
    for arguments, indices in groups.values():
        fields = tuple(ConstObjectFieldNode(name=NameNode(value=n), value=value) for n, value in arguments.items())
        name = _join_name(directive, found)
        dest.directives.append(_join_directive(state, indices, name, ConstObjectValueNode(fields=fields)))


def connect_links(state: MergeState) -> list[Applied]:
    """Return a `@join__directive` for each distinct `@link` to the connect specification in the subgraphs."""
    groups: dict[Hashable, tuple[ConstObjectValueNode, list[int]]] = {}
    for index, subgraph in enumerate(state.subgraphs):
        for link in subgraph.schema.links:
            if link.url.is_apollo and link.url.name == "connect" and link.node is not None:
                arguments = ConstObjectValueNode(
                    fields=tuple(
                        ConstObjectFieldNode(name=argument.name, value=argument.value)  # type: ignore[arg-type]  # constants
                        for argument in link.node.arguments or ()
                    )
                )
                groups.setdefault(identity(arguments), (arguments, []))[1].append(index)
    return [_join_directive(state, indices, "link", arguments) for arguments, indices in groups.values()]


def _join_directive(state: MergeState, indices: list[int], name: str, arguments: ConstObjectValueNode) -> Applied:
    graphs = list_of(enum_value(state.graph_names[index]) for index in indices)
    return Applied("join__directive", {"graphs": graphs, "name": string(name), "args": arguments})
