"""Standard streams: input, output and error output of the process."""

import os
import sys


def open_standard_streams() -> None:
    """Open the null device for each standard stream that was closed when the process started.

    Otherwise a socket gets the stream's number: children inherit it, and libuv aborts the process when it closes it.
    Call it before anything else opens a file.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free number is this stream's, since those before it are open.
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8"))
