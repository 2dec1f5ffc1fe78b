"""`Rule`: one lint rule. `Problem`: what a rule reports. `LintedSchema`: what a rule looks at.

A rule of your own is an object of the class `Rule` in your package, named by an entry point of the group
`router_lint_rules`:

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

    from router.schema_check.lint.elements import Element, ElementKind, LintedText
    from router.schema_check.step_findings import Level


@dataclass(frozen=True, slots=True)
class LintedSchema:
    """The proposed version, as rules see it.

    Attributes:
        texts: The text of each subgraph; or one text, if the version is a plain schema or a supergraph.
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
        node: The part of the declaration to show; None for the name of the element.
        detail: Distinguishes problems that the rule has with the same element; empty if not needed.
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
        code: Its name in settings, comments and findings, in capitals.
        level: The level of its problems if the settings choose no level. None: without a chosen level, the rule is off.
        check: Yields the problems of a schema.
        page: What `router explain` prints, in Markdown.
    """

    code: str
    level: Level | None
    check: Callable[[LintedSchema], Iterable[Problem]]
    page: str
