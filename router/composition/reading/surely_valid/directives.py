"""Checks whether directives are surely applied as their definitions allow (see the docstring of the package)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql.language import StringValueNode
from graphql.type import is_required_argument

from router.composition.reading.surely_valid.not_sure import NotSure, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLSchema
    from graphql.language import ConstDirectiveNode, DirectiveLocation

# graphql-core uses the arguments of these directives when it builds a schema. The arguments must be strings.
_READ: Final = frozenset({"deprecated", "specifiedBy"})


class DirectiveCheck:
    """Checks how the directives of one schema are applied. Results are cached."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._definitions = {directive.name: directive for directive in schema.directives}
        # The cache: name of the directive, location, and names of the arguments → whether the directive is repeatable.
        self._forms: dict[tuple[str, ...], bool] = {}

    def check(
        self,
        directives: Sequence[ConstDirectiveNode] | None,
        location: DirectiveLocation,
        seen: set[str] | None = None,
    ) -> None:
        """Check the directives on one element.

        Args:
            directives: The directives.
            location: What the element is.
            seen: The directives on other definitions of the same element. New directives are added.

        Raises:
            NotSure: A directive may be wrong.
        """
        if not directives:
            return
        seen = set() if seen is None else seen
        for directive in directives:
            name = directive.name.value
            arguments = directive.arguments or ()
            form = (name, location.name, *[argument.name.value for argument in arguments])
            is_repeatable = self._forms.get(form)
            if is_repeatable is None:
                is_repeatable = self._forms[form] = self._checked(name, location, form[2:])
            if not is_repeatable:
                require(name not in seen)
                seen.add(name)
            if name in _READ:
                require(all(isinstance(argument.value, StringValueNode) for argument in arguments))

    def _checked(self, name: str, location: DirectiveLocation, arguments: tuple[str, ...]) -> bool:
        definition = self._definitions.get(name)
        if definition is None or location not in definition.locations:
            raise NotSure
        given = set(arguments)
        require(len(given) == len(arguments) and given <= definition.args.keys())
        require(all(each in given or not is_required_argument(wanted) for each, wanted in definition.args.items()))
        return definition.is_repeatable
