"""Readiness of a Gavel process on this machine."""

import http.client

ANSWER_SECONDS_MAX = 5.0


def is_ready(port: int) -> bool:
    """Ask GET /readyz on a port of the loopback: directly, whatever proxy the environment names."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS_MAX)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
