"""Read `@defer` on fragments: find out whether a fragment is deferred, and its label (planning §3.19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    StringValueNode,
    VariableNode,
)

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from graphql import DirectiveNode, FragmentDefinitionNode, OperationDefinitionNode, ValueNode

Fragment: TypeAlias = FragmentSpreadNode | InlineFragmentNode

DIRECTIVE = "defer"


def conditions(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> list[str] | None:
    """Return the variables in the `if` arguments of all `@defer` directives.

    Return None if no fragment can be deferred.

    Variables of outer selections come before variables of inner selections.
    """
    found: dict[str, None] = {}
    is_used = False
    pending = [operation.selection_set, *(fragment.selection_set for fragment in fragments.values())]
    for selection_set in pending:
        for selection in selection_set.selections:
            if isinstance(selection, FragmentSpreadNode | InlineFragmentNode) and selection.directives:
                value = _condition(selection)
                is_used |= value is not False
                if isinstance(value, str):
                    found[value] = None
            if isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set is not None:
                pending.append(selection.selection_set)
    return list(found) if is_used else None


def is_deferred(fragment: Fragment, deferring: Container[str] | None) -> bool:
    """Return whether the fragment is deferred when the variables in `deferring` are true and all others are false.

    If `deferring` is None, no fragment is deferred.
    """
    if deferring is None or not fragment.directives:
        return False
    value = _condition(fragment)
    return value is True or (isinstance(value, str) and value in deferring)


def _condition(fragment: Fragment) -> bool | str:
    """Return the `if` argument of the fragment's `@defer`: a Boolean, or the name of a variable.

    Without an `if` argument, the result is True. Without `@defer`, the result is False.
    """
    directive = _directive(fragment)
    if directive is None:
        return False
    match _argument(directive, "if"):
        case VariableNode(name=name):
            return name.value
        case BooleanValueNode(value=value):
            return value
        case _:
            return True


def _directive(fragment: Fragment) -> DirectiveNode | None:
    return next((directive for directive in fragment.directives or () if directive.name.value == DIRECTIVE), None)


def _argument(directive: DirectiveNode, name: str) -> ValueNode | None:
    return next((argument.value for argument in directive.arguments or () if argument.name.value == name), None)


def label_of(fragment: Fragment) -> str | None:
    """Return the label of the fragment's `@defer`. Return None if there is no label."""
    directive = _directive(fragment)
    value = None if directive is None else _argument(directive, "label")
    return value.value if isinstance(value, StringValueNode) else None
