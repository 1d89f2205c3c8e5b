"""Runs a program for which the kernel fails one system call: `python failing.py CALL ERROR PROGRAM …`.

A filter of the kernel's own (seccomp) answers that call with the error instead of doing it, for the program and for all
that it starts. That needs neither a tracer nor any right, and cannot be taken back: start the program anew without it.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

NUMBERS = {
    "x86_64": {"fdatasync": 75, "fallocate": 285},
    "aarch64": {"fdatasync": 83, "fallocate": 47},
}
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
SECCOMP_MODE_FILTER = 2
ALLOW, FAIL = 0x7FFF0000, 0x00050000
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
"""Of the kernel's packet-filter language, which filters are written in."""


class Program(ctypes.Structure):
    """A filter as the kernel takes it: how many instructions, and where they are."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def fail(call: str, error: int) -> None:
    """From here on the call fails with the error, in this process and its children. Raises `OSError`."""
    code = b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in (
            (LOAD_WORD, 0, 0, 0),  # the number of the call
            (JUMP_IF_EQUAL, 0, 1, NUMBERS[platform.machine()][call]),
            (RETURN, 0, 0, FAIL | error),
            (RETURN, 0, 0, ALLOW),
        )
    )
    program = Program(4, code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")


if __name__ == "__main__":
    fail(sys.argv[1], getattr(errno, sys.argv[2]))
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606 (a program that the tests name)
