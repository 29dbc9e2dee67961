"""Just enough of Protobuf's wire format to write what no encoder would."""

_VARINT, _BYTES = 0, 2
_SIXTY_FOUR_BITS = 2**64 - 1


def number_field(number: int, value: int) -> bytes:
    """A field of a varint; of what has more than 64 bits, the lowest."""
    return _varint(number << 3 | _VARINT) + _varint(value & _SIXTY_FOUR_BITS)


def bytes_field(number: int, value: bytes) -> bytes:
    """A field of text, bytes or a message."""
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
