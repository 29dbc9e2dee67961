"""Whether containers can serve."""

import shutil
import subprocess
from functools import cache

ANSWER_SECONDS_MAX = 10


@cache
def engine_answers() -> bool:
    """Whether a Docker engine answers; the client alone is not enough."""
    client = shutil.which("docker")
    if client is None:
        return False
    try:
        asked = subprocess.run([client, "version"], capture_output=True, timeout=ANSWER_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0
