"""Reads the key `lint` of `.router/check.yaml`: which lint rules are on, and how serious their problems are.

    lint:
      rules:
        FIELD_NAMES: error            # off, info, warning or error
      overrides:
        - paths: [legacy/*.graphql]   # of schema files, relative to the working directory
          rules: {FIELD_NAMES: off}
        - coordinates: [Query.old*]   # of elements
          rules: {DESCRIPTIONS: info}
      only_new: true                  # problems that the base has too are only notes

The last override that fits decides.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from router.schema_check.lint.rule import Rule

_OFF: Final = "off"
_KEYS: Final = frozenset({"rules", "overrides", "only_new"})
_SELECTORS: Final = ("paths", "coordinates")


class InvalidLintSettings(ValueError):
    """The settings of lint cannot be used. The message has the key and the reason."""


@dataclass(frozen=True, slots=True)
class Override:
    """Levels for some elements.

    Attributes:
        paths: Patterns of file paths; empty for all files.
        coordinates: Patterns of coordinates; empty for all elements.
        levels: Code of a rule → its level; None switches it off.
    """

    paths: tuple[str, ...]
    coordinates: tuple[str, ...]
    levels: Mapping[str, Level | None]

    def fits(self, path: str, coordinate: str) -> bool:
        """Return whether the override is for an element in a file."""
        of_path = not self.paths or any(fnmatchcase(path, pattern) for pattern in self.paths)
        of_element = not self.coordinates or any(fnmatchcase(coordinate, pattern) for pattern in self.coordinates)
        return of_path and of_element


@dataclass(frozen=True, slots=True)
class LintSettings:
    """Which rules are on, and the levels of their problems.

    Attributes:
        levels: Code of a rule → the level that replaces the rule's own level; None switches the rule off.
        overrides: Levels for some elements.
        only_new: Whether problems that the base has too are only notes.
    """

    levels: Mapping[str, Level | None] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    only_new: bool = False

    def level_of(self, rule: Rule, path: str, coordinate: str) -> Level | None:
        """Return the level of a problem; None if it is not reported."""
        level = self.levels.get(rule.code, rule.level)
        for override in self.overrides:
            if rule.code in override.levels and override.fits(path, coordinate):
                level = override.levels[rule.code]
        return level

    def is_on(self, rule: Rule) -> bool:
        """Return whether the rule is on, at least for some elements."""
        chosen = [override.levels[rule.code] for override in self.overrides if rule.code in override.levels]
        return any(level is not None for level in (self.levels.get(rule.code, rule.level), *chosen))


def parse_lint_settings(value: object, codes: Collection[str]) -> LintSettings:
    """Return the settings that a value of YAML describes. `codes` are the codes of all rules.

    Raises:
        InvalidLintSettings: A key or a value is not known.
    """
    given = _mapping(value, "lint", _KEYS)
    overrides = given.get("overrides", [])
    if not isinstance(overrides, list):
        raise InvalidLintSettings("lint.overrides must be a list")
    only_new = given.get("only_new", False)
    if not isinstance(only_new, bool):
        raise InvalidLintSettings("lint.only_new must be true or false")
    parsed = tuple(_override(each, f"lint.overrides[{position}]", codes) for position, each in enumerate(overrides))
    return LintSettings(_levels(given.get("rules", {}), "lint.rules", codes), parsed, only_new)


def _override(value: object, place: str, codes: Collection[str]) -> Override:
    given = _mapping(value, place, frozenset({"rules", *_SELECTORS}))
    if not any(key in given for key in _SELECTORS):
        raise InvalidLintSettings(f"{place} needs paths or coordinates")
    paths, coordinates = (_patterns(given.get(key, []), f"{place}.{key}") for key in _SELECTORS)
    return Override(paths, coordinates, _levels(given.get("rules", {}), f"{place}.rules", codes))


def _patterns(value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise InvalidLintSettings(f"{place} must be a list of texts")
    return tuple(str(each) for each in value)


def _levels(value: object, place: str, codes: Collection[str]) -> dict[str, Level | None]:
    levels: dict[str, Level | None] = {}
    for code, level in _mapping(value, place, None).items():
        if code not in codes:
            near = difflib.get_close_matches(code, codes, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; router check --explain lists all rules"
            raise InvalidLintSettings(f"{place}: there is no rule {code}{hint}")
        # YAML 1.1 reads `off` as false.
        if level is False or level == _OFF:
            levels[code] = None
        elif level in tuple(Level):
            levels[code] = Level(str(level))
        else:
            raise InvalidLintSettings(f"{place}.{code} must be off, {', '.join(reversed(Level))}")
    return levels


def _mapping(value: object, place: str, keys: Collection[str] | None) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InvalidLintSettings(f"{place} must be a mapping")
    unknown = [str(key) for key in value if keys is not None and key not in keys]
    if unknown:
        raise InvalidLintSettings(f"{place}: unknown key {unknown[0]}; the keys are {', '.join(sorted(keys or ()))}")
    return {str(key): each for key, each in value.items()}
