"""`Rule`: one lint rule. `Problem`: what a rule reports. `LintedSchema`: what a rule looks at.

You can write rules of your own. Make a `Rule` object in your package, and name the object in an entry point of the
group `router_lint_rules`:

    [project.entry-points."router_lint_rules"]
    NO_INTERNAL_NAMES = "our_rules:NO_INTERNAL_NAMES"
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from graphql import GraphQLSchema, Node

    from router.schema_check.lint.elements_of_schema_text import Element, ElementKind, LintedText
    from router.schema_check.step_findings import Level


@dataclass(frozen=True, slots=True)
class LintedSchema:
    """The proposed version, as rules see it.

    Attributes:
        texts: The text of each subgraph. A plain schema or a supergraph has only one text.
        schema: The schema that clients see.
        today: The day on which the check runs.
    """

    texts: tuple[LintedText, ...]
    schema: GraphQLSchema
    today: date

    def elements(self, *kinds: ElementKind) -> Iterator[Element]:
        """Yield the elements of these kinds in all texts."""
        for text in self.texts:
            for element in text.elements:
                if element.kind in kinds:
                    yield element


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem that a rule has found.

    Attributes:
        element: The element that has the problem.
        message: What is wrong, in one sentence.
        advice: What to do, in one sentence.
        node: The part of the declaration to show. If it is None, the name of the element is shown.
        detail: Distinguishes several problems of the rule with the same element. Empty if not needed.
    """

    element: Element
    message: str
    advice: str
    node: Node | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One lint rule.

    Attributes:
        code: The name of the rule in settings, comments and findings, in capitals.
        level: The level of the rule's problems if the settings choose no level. None if the rule is then off.
        check: The function that yields the problems of a schema.
        page: The text that `router explain` prints, in Markdown.
    """

    code: str
    level: Level | None
    check: Callable[[LintedSchema], Iterable[Problem]]
    page: str
