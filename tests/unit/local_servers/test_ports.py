"""Free ports are unused, now and a little later."""

import socket

from gavel_tools.local_servers.ports import FIRST_PORT, LAST_PORT, free_port, is_free


def test_no_port_is_given_twice_and_eachis_free() -> None:
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == len(ports)
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()


def test_no_outgoing_connection_is_given_such_a_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        _, port = server.getsockname()
        with socket.create_connection(("127.0.0.1", port)) as outgoing:
            assert not FIRST_PORT <= outgoing.getsockname()[1] <= LAST_PORT


def test_a_port_in_use_can_not_be_had() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
    assert is_free(port)
