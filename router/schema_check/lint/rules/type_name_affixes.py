"""TYPE_NAME_AFFIXES: the name of a type begins or ends with a word that says nothing, such as `Query` or `Type`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.name_forms import words_of
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING

# For each kind of type, the words that only repeat the kind, or name a kind of operation.
_EMPTY_WORDS: Final = {
    ElementKind.OBJECT: ("Type", "Object", "Query", "Mutation", "Subscription"),
    ElementKind.INTERFACE: ("Interface", "Type", "Query", "Mutation", "Subscription"),
    ElementKind.UNION: ("Union", "Type", "Query", "Mutation", "Subscription"),
    ElementKind.ENUM: ("Enum",),
    ElementKind.SCALAR: ("Scalar", "Type"),
    ElementKind.INPUT: ("Query", "Mutation", "Subscription"),
}


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report names of types that begin or end with such a word, once for each text that declares the type."""
    for text in schema.texts:
        for name, (element, *_) in text.types.items():
            if name in text.root_types:
                continue
            words = words_of(name)
            for word in _EMPTY_WORDS[element.kind]:
                if len(words) > 1 and word.lower() in (words[0].lower(), words[-1].lower()):
                    kept = name.removeprefix(word) if words[0].lower() == word.lower() else name.removesuffix(word)
                    yield Problem(
                        element,
                        f"The name of the {element.kind} {name} contains the word {word}, which says nothing about it.",
                        f"Name it {kept}, or after what it is.",
                    )
                    break
