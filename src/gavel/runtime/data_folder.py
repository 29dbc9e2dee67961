"""Where what lies on this machine alone is kept."""

import os
import sys
from pathlib import Path


def default_data_folder() -> Path:
    """The user's data folder by the habits of the platform; root's is the system's, which Postgres' user can enter."""
    if os.geteuid() == 0:
        return Path("/var/lib/gavel")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "gavel"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "gavel"


def data_folder() -> Path:
    """The folder that GAVEL_DATA_DIR names, else the default one."""
    return Path(os.environ.get("GAVEL_DATA_DIR") or default_data_folder()).expanduser()
