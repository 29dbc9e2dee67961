"""The limit on this process's open files."""

import resource


def allow_open_files(wanted: int) -> int:
    """Raise this process's limit on open files to `wanted`, or as near to it as the system allows; the limit then."""
    allowed, allowed_max = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return wanted
    if allowed_max != resource.RLIM_INFINITY:
        wanted = min(wanted, allowed_max)
    while allowed < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, allowed_max))
        except (OSError, ValueError):
            # macOS reports no maximum, but has one.
            wanted //= 2
        else:
            return wanted
    return allowed
