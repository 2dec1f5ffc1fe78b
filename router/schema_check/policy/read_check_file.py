"""Reads `.router/check.yaml`, and reports every problem with its line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final, cast

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from router.schema_check.approvals import DEFAULT_FILE as DEFAULT_APPROVALS
from router.schema_check.policy.check_settings import CheckSettings, UsageRules
from router.validation_messages import message_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

DEFAULT_FILE: Final = ".router/check.yaml"


class InvalidCheckFile(ValueError):
    """The file cannot be used. The message has one line for each problem: the file, the line and the reason."""


def read_check_file(path: Path) -> CheckSettings:
    """Return the settings of a file. Relative paths are resolved against the folder that contains `.router`.

    Raises:
        InvalidCheckFile: The file cannot be read, is not YAML, or has an unknown key or a wrong value.
    """
    try:
        root = YAML(typ="rt", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidCheckFile(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidCheckFile(f"{path}: is not UTF-8") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidCheckFile(f"{path}:{line}: not YAML: {error.problem or error.context}") from error
    except (YAMLError, RecursionError) as error:
        raise InvalidCheckFile(f"{path}:1: is not YAML") from error
    if root is None:
        root = CommentedMap()
    if not isinstance(root, CommentedMap):
        raise InvalidCheckFile(f"{path}:1: a configuration is a mapping of keys to values")
    try:
        settings = CheckSettings.model_validate(_plain(root))
    except ValidationError as error:
        raise InvalidCheckFile("\n".join(_problems(path, root, error.errors()))) from None
    return _in_folder(settings, folder_of(path))


def folder_of(path: Path) -> Path:
    """Return the folder to which the paths in a file are relative."""
    return path.parent.parent if path.parent.name == ".router" else path.parent


def _plain(node: object) -> object:
    if isinstance(node, CommentedMap):
        return {key: _plain(value) for key, value in node.items()}
    return [_plain(each) for each in node] if isinstance(node, CommentedSeq) else node


def _in_folder(settings: CheckSettings, folder: Path) -> CheckSettings:
    def within(path: Path) -> Path:
        return folder / path

    registry = settings.registry
    is_folder = registry is not None and "://" not in registry
    return settings.model_copy(
        update={
            "proposed": within(settings.proposed) if settings.proposed else None,
            "operations": tuple(within(each) for each in settings.operations),
            "usage": _usage_within(settings.usage, folder),
            "approvals": within(settings.approvals) if settings.approvals else _approvals_in(folder),
            "registry": str(folder / registry) if is_folder and registry is not None else registry,
            "subgraphs": {
                name: each.model_copy(update={"file": within(each.file)}) for name, each in settings.subgraphs.items()
            },
        }
    )


def _approvals_in(folder: Path) -> Path | None:
    path = folder / DEFAULT_APPROVALS
    return path if path.exists() else None


def _usage_within(usage: UsageRules | None, folder: Path) -> UsageRules | None:
    """Return the rules with the store's path resolved against `folder`. The URL of a database is not changed."""
    if usage is None or "://" in usage.store:
        return usage
    return usage.model_copy(update={"store": str(folder / usage.store)})


def _problems(path: Path, root: CommentedMap, errors: Sequence[ErrorDetails]) -> Iterator[str]:
    for error in errors:
        location = tuple(each for each in error["loc"] if each != "[key]")
        key = ".".join(str(each) for each in location)
        reason = _unknown_key(location) if error["type"] == "extra_forbidden" else message_of(error)
        yield f"{path}:{_line(root, location)}: {f'{key}: ' if key else ''}{reason}"


def _unknown_key(location: tuple[str | int, ...]) -> str:
    keys = _keys_beside(location)
    near = difflib.get_close_matches(str(location[-1]), keys, n=1)
    return f"unknown key, did you mean {near[0]}?" if near else f"unknown key; the keys are {', '.join(keys)}"


def _keys_beside(location: tuple[str | int, ...]) -> list[str]:
    schema = CheckSettings.model_json_schema()
    found = schema
    for step in location[:-1]:
        inner = found.get("properties", {}).get(step) or found.get("additionalProperties") or {}
        reference = inner.get("$ref") if isinstance(inner, dict) else None
        found = schema["$defs"][reference.rpartition("/")[2]] if reference else inner
    return list(found.get("properties", {}))


def _line(root: CommentedMap, location: tuple[str | int, ...]) -> int:
    """Return the line of a key. If the key is missing, return the line of the mapping in which it should be."""
    line, node = 1, cast("object", root)
    for step in location:
        if not isinstance(node, CommentedMap | CommentedSeq) or step not in (node.lc.data or {}):
            break
        line, node = node.lc.data[step][0] + 1, node[step]
    return line
