"""Generate the classes into which the bodies of subgraph responses are decoded.

    class Response2(Decoded):
        data: Data2                        class Data2(Decoded, kw_only=True, rename={"entities": "_entities"}):
        errors: NoErrors = None                entities: list[Fetched2 | None]
        extensions: Any = None

Decoding fails if a response has errors. In the response to a batch, every part may be absent, because a request
contains only the parts that have objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.executor.compiled.source_lines import SourceLines


def write_response(lines: SourceLines, name: str, data: str) -> None:
    """Write the class `name` for responses whose member `data` has the class `data`."""
    with lines.block(f"class {name}(Decoded):"):
        lines.add(f"data: {data}", "errors: NoErrors = None", "extensions: Any = None")
    lines.add("", "")


def write_entities(lines: SourceLines, name: str, entities: Mapping[str, str | None], *, may_be_absent: bool) -> None:
    """Write two classes: `Data<name>` for the data of an entity fetch, and `Response<name>` for its response.

    `entities` maps each response key to the class of the entities, or to None if the entities are not decoded.
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
    """Return the name of the attribute for the response key `key`. The value of the attribute is a list of entities."""
    return _attribute(key)
