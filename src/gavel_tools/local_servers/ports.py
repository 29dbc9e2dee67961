"""Free ports of the loopback, for local servers."""

import random
import socket

# Below those that the kernel gives to outgoing connections: one of these could take a port away from a server that
# needs seconds to start, or is just being started again.
FIRST_PORT, LAST_PORT = 20_000, 31_999

# Random, so that two programs that ask at one moment hardly ever get the same.
_chance = random.SystemRandom()
_given: set[int] = set()


def free_port() -> int:
    """Return a free port that this process has not given out before."""
    while True:
        port = _chance.randint(FIRST_PORT, LAST_PORT)
        if port not in _given and is_free(port):
            _given.add(port)
            return port


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
