"""Runs a program that dies with the process that asked for it: `leash.py PARENT_PID PROGRAM [ARGUMENT…]`.

The kernel's own mechanism is used, because a test that is killed runs no clean-up. Setting it needs a system call between fork and exec;
in Rust that is `unsafe`, which this project keeps out of its tests.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
# The parent may have died before the call above.
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
