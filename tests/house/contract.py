"""A contract as facts to compare: every name and every number of it, with what it stands for."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from protobuf.wkt.google.protobuf.descriptor_pb import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

# "field bids.v1.Item.title" -> its number, type, label and oneof; "number bids.v1.Item 2" -> "title".
Facts = Mapping[str, object]


def facts_of(folder: Path) -> Facts:
    """The facts of the .proto files below a folder."""
    buf = Path(sys.prefix, "bin", "buf")
    command = [str(buf), "build", str(folder), "--as-file-descriptor-set", "--exclude-source-info", "--output", "-"]
    built = subprocess.run(command, capture_output=True, check=True).stdout
    facts = dict[str, object]()
    for file in FileDescriptorSet.from_binary(built).file:
        for message in file.message_type:
            facts.update(_message_facts(file.package, message))
        for enum in file.enum_type:
            facts.update(_enum_facts(file.package, enum))
        for service in file.service:
            facts.update(_service_facts(file.package, service))
    return facts


def lost(ours: Facts, published: Facts) -> list[str]:
    """What is published, and is missing or different in ours. Ours may have more."""
    return [fact for fact, meaning in published.items() if fact not in ours or ours[fact] != meaning]


def at_odds(ours: Facts, planned: Facts) -> list[str]:
    """What ours has by a name or under a number that is planned, and means something else by it."""
    return [fact for fact, meaning in planned.items() if fact in ours and ours[fact] != meaning]


def _message_facts(scope: str, message: DescriptorProto) -> Iterator[tuple[str, object]]:
    name = f"{scope}.{message.name}"
    yield f"message {name}", True
    for field in message.field:
        oneof = message.oneof_decl[field.oneof_index].name if field.has_field("oneof_index") else ""
        yield f"field {name}.{field.name}", _field_meaning(field, oneof)
        yield f"number {name} {field.number}", field.name
    for nested in message.nested_type:
        yield from _message_facts(name, nested)
    for enum in message.enum_type:
        yield from _enum_facts(name, enum)


def _field_meaning(field: FieldDescriptorProto, oneof: str) -> object:
    return field.number, field.type.name, field.type_name, field.label.name, oneof, field.json_name


def _enum_facts(scope: str, enum: EnumDescriptorProto) -> Iterator[tuple[str, object]]:
    name = f"{scope}.{enum.name}"
    yield f"enum {name}", True
    for value in enum.value:
        yield f"value {name}.{value.name}", value.number
        yield f"number {name} {value.number}", value.name


def _service_facts(scope: str, service: ServiceDescriptorProto) -> Iterator[tuple[str, object]]:
    name = f"{scope}.{service.name}"
    yield f"service {name}", True
    for method in service.method:
        streams = method.client_streaming, method.server_streaming
        options = b"" if method.options is None else method.options.to_binary()
        yield f"method {name}.{method.name}", (method.input_type, method.output_type, streams, options)
