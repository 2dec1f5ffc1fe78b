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

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router.executor.compiled.extra_fields import Attribute
    from router.executor.compiled.source_lines import SourceLines


class Around(msgspec.Struct, frozen=True):
    """Extra fields around the fetched objects: in the response, and in the object around the entities."""

    response: Sequence[Attribute]
    data: Sequence[Attribute]


def write_response(lines: SourceLines, name: str, data: str, extra: Sequence[Attribute]) -> None:
    """Write the class `name` for responses whose member `data` has the class `data`. It has the attributes `extra`."""
    renamed = {one.name: one.key for one in extra}
    with lines.block(f"class {name}(Decoded{f', rename={renamed!r}' if renamed else ''}):"):
        lines.add(f"data: {data}", "errors: NoErrors = None", "extensions: Any = None")
        lines.add(*(f"{one.name}: {one.type}" for one in extra))
    lines.add("", "")


def write_entities(
    lines: SourceLines, name: str, entities: Mapping[str, str | None], around: Around, *, may_be_absent: bool
) -> None:
    """Write two classes: `Data<name>` for the data of an entity fetch, and `Response<name>` for its response.

    `entities` maps each response key to the class of the entities, or to None if the entities are not decoded.
    """
    extra = [one for one in around.data if one.key not in entities]
    renamed = {_attribute(key): key for key in entities} | {one.name: one.key for one in extra}
    absent = " | UnsetType = UNSET" if may_be_absent else ""
    with lines.block(f"class Data{name}(Decoded, kw_only=True, rename={renamed!r}):"):
        for key, class_ in entities.items():
            type_ = "Raw" if class_ is None else f"list[{class_} | None]"
            lines.add(f"{_attribute(key)}: {type_}{absent}")
        lines.add(*(f"{one.name}: {one.type}" for one in extra))
    lines.add("", "")
    write_response(lines, f"Response{name}", f"Data{name}", around.response)


def _attribute(key: str) -> str:
    return key.lstrip("_")


def attribute_of(key: str) -> str:
    """Return the name of the attribute for the response key `key`. The value of the attribute is a list of entities."""
    return _attribute(key)
