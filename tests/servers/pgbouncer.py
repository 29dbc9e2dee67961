"""PgBouncer for the tests: a real one on a private port, which is no service."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gavel_tools.local_servers.ports import free_port
from gavel_tools.local_servers.server_process import ServerProcess, find_program
from tests.servers.nginx import STOP_SECONDS_MAX, wait_listening

_CONFIGURATION = """\
[databases]
* = host=127.0.0.1 port=1
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = session
"""


@contextmanager
def running_pgbouncer() -> Generator[str]:
    """The URL of a database behind a PgBouncer as it is by default; it reaches no server."""
    # Its own user may not enter pytest's folder.
    with TemporaryDirectory(prefix="gavel-tests-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        port = free_port()
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(_CONFIGURATION.format(port=port), encoding="utf-8")
        # It refuses to run as root.
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        pgbouncer = ServerProcess("pgbouncer", folder)
        pgbouncer.start([str(find_program("pgbouncer")), *user, str(configuration)], {})
        try:
            wait_listening(pgbouncer, port)
            yield f"postgresql://gavel:s3cret@127.0.0.1:{port}/bid_db"
        finally:
            pgbouncer.stop(STOP_SECONDS_MAX)
