"""Runs `gavel` with this program's arguments from a copy of its source that can be written to, anew at each SIGHUP.

For development only: Tilt copies what was edited into /source and sends the signal. The rest of the file system stays
read-only, as in production.
"""

import os
import shutil
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

SOURCE = Path(os.environ.get("GAVEL_RELOAD_SOURCE", "/source"))
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def main() -> int:
    """The exit status of the process that was stopped, or that ended on its own."""
    copy = SOURCE / "gavel"
    if not copy.exists():
        # Without the image's bytecode, which is never checked against a source.
        shutil.copytree(str(files("gavel")), copy, ignore=shutil.ignore_patterns("__pycache__"))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGCHLD, *STOP_SIGNALS})
    while True:
        child = start()
        received = signal.sigwait({signal.SIGHUP, signal.SIGCHLD, *STOP_SIGNALS})
        if received == signal.SIGCHLD:
            return child.wait()
        child.terminate()
        status = child.wait()
        if received in STOP_SIGNALS:
            return status
        sys.stderr.write("reload.py: starting anew\n")
        # The end of the process that was stopped is expected.
        while signal.SIGCHLD in signal.sigpending():
            signal.sigwait({signal.SIGCHLD})


def start() -> subprocess.Popen[bytes]:
    """The process, with no signal blocked."""
    return subprocess.Popen(
        [sys.executable, "-m", "gavel", *sys.argv[1:]],
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, set()),  # noqa: PLW1509 - there are no threads
    )


if __name__ == "__main__":
    sys.exit(main())
