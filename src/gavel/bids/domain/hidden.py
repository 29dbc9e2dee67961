"""Repr of named tuples without their hidden fields, so that no log line and no error text can show one."""

from typing import Any, NamedTuple


def repr_without(value: NamedTuple, *hidden: str) -> str:
    """Format a named tuple like its own repr, but for the hidden fields."""
    fields: dict[str, Any] = value._asdict()
    shown = ", ".join(f"{name}={field!r}" for name, field in fields.items() if name not in hidden)
    return f"{type(value).__name__}({shown})"
