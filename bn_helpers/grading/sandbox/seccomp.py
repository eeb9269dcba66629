"""The filter of system calls that a kernel runs under, built by libseccomp and installed in the kernel's process.

An answer computes. It starts no process, opens no connection, shares no memory and sends no signal, so these calls
fail with "operation not permitted". Threads may be started: NumPy and zmq need them.
"""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache

ALLOW, FAIL = 0x7FFF0000, 0x00050000
CLONE_THREAD = 0x00010000
MASKED_EQUAL, NOT_EQUAL = 7, 1  # of enum scmp_compare

DENIED = (
    # processes, and signals to them
    *("fork", "vfork", "execve", "execveat", "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
    *("pidfd_open", "pidfd_send_signal", "pidfd_getfd", "ptrace", "process_vm_readv", "process_vm_writev"),
    *("process_madvise", "kcmp", "setpriority", "ioprio_set", "sched_setattr", "sched_setaffinity"),
    # connections
    *("socket", "connect", "bind", "listen", "socketcall"),
    # memory that outlives a process, or that no limit counts
    *("shmget", "shmat", "shmctl", "msgget", "msgsnd", "semget", "semop", "mq_open", "memfd_create", "memfd_secret"),
    # what is shared by all processes of a machine or a user, or is a way around this filter
    *("io_setup", "io_uring_setup", "inotify_init", "inotify_init1", "fanotify_init", "userfaultfd"),
    *("perf_event_open", "bpf", "keyctl", "add_key", "request_key", "sync", "syncfs", "quotactl", "acct"),
    *("swapon", "swapoff", "reboot", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_tree"),
    *("move_mount", "fsopen", "fsmount", "open_by_handle_at"),
)

# A file that is ready signals a process that one of these names: F_SETOWN, F_SETSIG, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP.
SIGNALLING = {"fcntl": (8, 10, 15), "ioctl": (0x8901, 0x8902)}


class _Compare(ctypes.Structure):
    """struct scmp_arg_cmp: which argument, how it is compared, and with what."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


@cache
def filter_program() -> bytes:
    """The filter as the kernel takes it.

    Returns
    -------
    program : bytes
        Instructions of eight bytes each.

    Raises
    ------
    OSError
        If libseccomp is not installed, or refuses.
    """
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    filter_ = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ALLOW)))
    fail = ctypes.c_uint32(FAIL | errno.EPERM)

    def deny(name: str, action: ctypes.c_uint32, *compare: _Compare) -> None:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number != -1:  # not known to this libseccomp
            code = library.seccomp_rule_add_array(filter_, action, number, len(compare), (_Compare * 1)(*compare))
            if code:
                raise OSError(-code, f"libseccomp refuses the rule for {name}")

    for name in DENIED:
        deny(name, fail)
    for name, commands in SIGNALLING.items():
        for command in commands:
            deny(name, fail, _Compare(1, MASKED_EQUAL, 0xFFFFFFFF, command))
    deny("clone", fail, _Compare(0, MASKED_EQUAL, CLONE_THREAD, 0))  # a process, not a thread
    deny("clone3", ctypes.c_uint32(FAIL | errno.ENOSYS))  # its flags cannot be read here; libc then takes clone
    deny("prlimit64", fail, _Compare(0, NOT_EQUAL, 0, 0))  # of another process
    deny("sched_setscheduler", fail, _Compare(1, NOT_EQUAL, 0, 0))  # zmq sets the policy that is set
    descriptor = os.memfd_create("filter")
    try:
        if library.seccomp_export_bpf(filter_, descriptor):
            raise OSError("libseccomp cannot write the filter")
        return os.pread(descriptor, 2**16, 0)
    finally:
        os.close(descriptor)
        library.seccomp_release(filter_)
