"""Become a program that the kernel sends a signal when our parent dies: `with_parent.py SIGNAL PARENT PROGRAM...`.

A program of its own rather than code between fork and exec: there, gRPC's fork handlers crash the child of a process
that has calls on the way.
"""

import ctypes
import os
import sys

SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG in <linux/prctl.h>


def main(stop_signal: str, parent: str, *command: str) -> None:
    """Arrange it, and become the program; end at once if the parent is gone already."""
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, int(stop_signal))
    if os.getppid() != int(parent):
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - our own command, and no shell


if __name__ == "__main__":
    main(*sys.argv[1:])
