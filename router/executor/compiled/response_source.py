"""Generate the classes of whole responses of subgraphs, into which their bodies are decoded.

    class Response2(Decoded):
        data: Data2                        class Data2(Decoded, kw_only=True, rename={"entities": "_entities"}):
        errors: NoErrors = None                entities: list[Fetched2 | None]
        extensions: Any = None

A response with errors is a misfit. Of a batch, every part may be absent: a request has only parts with objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.executor.compiled.source_lines import SourceLines


def write_response(lines: SourceLines, name: str, data: str) -> None:
    """Write the class `name` of a response whose `data` is of the class `data`."""
    with lines.block(f"class {name}(Decoded):"):
        lines.add(f"data: {data}", "errors: NoErrors = None", "extensions: Any = None")
    lines.add("", "")


def write_entities(lines: SourceLines, name: str, entities: Mapping[str, str | None], *, may_be_absent: bool) -> None:
    """Write the class `name` of the data of an entity fetch, and the class of its response.

    `entities` has the class of the entities for each response key; None if they are not decoded.
    """
    renamed = {_attribute(key): key for key in entities}
    absent = " | UnsetType = UNSET" if may_be_absent else ""
    with lines.block(f"class Data{name}(Decoded, kw_only=True, rename={renamed!r}):"):
        for key, class_ in entities.items():
            type_ = "Raw" if class_ is None else f"list[{class_} | None]"
            lines.add(f"{_attribute(key)}: {type_}{absent}")
    lines.add("", "")
    write_response(lines, f"Response{name}", f"Data{name}")


def _attribute(key: str) -> str:
    return key.lstrip("_")


def attribute_of(key: str) -> str:
    """Return the name of the attribute with the entities under a response key."""
    return _attribute(key)
