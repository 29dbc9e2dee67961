"""Runs `gavel` with this program's arguments from a copy of its source that can be written to, anew at each SIGHUP.

For development only: Tilt copies what was edited into /source and sends the signal. The rest of the file system stays
read-only, as in production.
"""

import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

SOURCE = Path(os.environ.get("GAVEL_RELOAD_SOURCE", "/source"))
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def main() -> int:
    """The exit status of the process that was told to stop, or that ended by itself."""
    copy = SOURCE / "gavel"
    if not copy.exists():
        spec = find_spec("gavel")
        assert spec is not None and spec.origin is not None
        # Without the image's bytecode, which is never checked against a source.
        shutil.copytree(Path(spec.origin).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
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
        print("reload.py: started anew", flush=True)
        # The end of the one that was told to end is no news.
        while signal.SIGCHLD in signal.sigpending():
            signal.sigwait({signal.SIGCHLD})


def start() -> subprocess.Popen[bytes]:
    """The process, with no signal blocked."""
    return subprocess.Popen(
        [sys.executable, "-m", "gavel", *sys.argv[1:]],
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, set()),
    )


if __name__ == "__main__":
    sys.exit(main())
