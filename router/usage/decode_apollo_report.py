"""Decodes Apollo's usage reports in their binary form, the message `Report` of the public `reports.proto`.

Apollo's servers and routers send reports in this form. `_MESSAGES` has the fields that the import needs; protobuf skips
all other fields. The result has the JSON mapping of protobuf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format, timestamp_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

if TYPE_CHECKING:
    from google.protobuf.message import Message

_FILE: Final = "mosafe/apollo_usage_report.proto"
_PACKAGE: Final = "mosafe.apollo_usage_report"
_TIMESTAMP: Final = timestamp_pb2.DESCRIPTOR.message_types_by_name["Timestamp"].full_name


class InvalidProtobuf(ValueError):
    """The content is not a report in protobuf."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a message. `type` is a type of protobuf, or the name of another message."""

    name: str
    number: int
    type: str
    is_repeated: bool = False


_SCALARS: Final = {
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "sint64": FieldDescriptorProto.TYPE_SINT64,
    "string": FieldDescriptorProto.TYPE_STRING,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
}
_MAP_ENTRY: Final = "TracesPerQueryEntry"
_MESSAGES: Final = {
    "Report": (
        _Field("end_time", 2, _TIMESTAMP),
        _Field("traces_per_query", 5, f"Report.{_MAP_ENTRY}", is_repeated=True),
        _Field("traces_pre_aggregated", 7, "bool"),
    ),
    "TracesAndStats": (
        _Field("trace", 1, "Trace", is_repeated=True),
        _Field("stats_with_context", 2, "ContextualizedStats", is_repeated=True),
    ),
    "ContextualizedStats": (
        _Field("context", 1, "StatsContext"),
        _Field("query_latency_stats", 2, "QueryLatencyStats"),
    ),
    "StatsContext": (_Field("client_name", 2, "string"), _Field("client_version", 3, "string")),
    "QueryLatencyStats": (
        _Field("request_count", 2, "uint64"),
        _Field("requests_with_errors_count", 8, "uint64"),
        _Field("latency_count", 13, "sint64", is_repeated=True),
    ),
    "Trace": (
        _Field("end_time", 3, _TIMESTAMP),
        _Field("client_name", 7, "string"),
        _Field("client_version", 8, "string"),
        _Field("duration_ns", 11, "uint64"),
        _Field("root", 14, "Node"),
    ),
    "Node": (_Field("error", 11, "Error", is_repeated=True), _Field("child", 12, "Node", is_repeated=True)),
    "Error": (),
}


def decode_apollo_report(content: bytes) -> dict[str, Any]:
    """Return a report in the JSON mapping of protobuf.

    Raises:
        InvalidProtobuf: The content is not such a report.
    """
    report = _REPORT_CLASS()
    try:
        report.ParseFromString(content)
    except DecodeError as error:
        raise InvalidProtobuf(str(error)) from error
    return json_format.MessageToDict(report)


def _report_class() -> type[Message]:
    file = FileDescriptorProto(
        name=_FILE, package=_PACKAGE, syntax="proto3", dependency=[timestamp_pb2.DESCRIPTOR.name]
    )
    for name, fields in _MESSAGES.items():
        _describe(file.message_type.add(name=name), fields)
    entry = file.message_type[0].nested_type.add(name=_MAP_ENTRY)
    _describe(entry, (_Field("key", 1, "string"), _Field("value", 2, "TracesAndStats")))
    entry.options.map_entry = True
    pool = DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Report"))


def _describe(message: DescriptorProto, fields: tuple[_Field, ...]) -> None:
    for each in fields:
        label = FieldDescriptorProto.LABEL_REPEATED if each.is_repeated else FieldDescriptorProto.LABEL_OPTIONAL
        field = message.field.add(name=each.name, number=each.number, label=label)
        if each.type in _SCALARS:
            field.type = _SCALARS[each.type]
        else:
            field.type = FieldDescriptorProto.TYPE_MESSAGE
            field.type_name = f".{each.type}" if each.type == _TIMESTAMP else f".{_PACKAGE}.{each.type}"


_REPORT_CLASS: Final = _report_class()
