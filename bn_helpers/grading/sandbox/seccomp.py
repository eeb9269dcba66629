"""The filter of system calls that a kernel runs under, built by libseccomp and installed in the kernel's process.

An answer computes. What it may ask the system for is listed: memory, reading files of the image, the sockets that it
was given, clocks and waiting. The list is what remains of Docker's default profile without processes, new connections,
signals to others, scheduling of others, writing, and every way to look at or to leave something in what outlives a
process: shared memory, the page cache, names of sockets. A call that is newer than this list does not exist there
(ENOSYS), so that libraries fall back; any other one is not permitted (EPERM).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from functools import cache

ALLOW, FAIL = 0x7FFF0000, 0x00050000
CLONE_THREAD = 0x00010000
# Of enum scmp_compare: masked with the third number and equal to the fourth, or equal to the third.
MASKED_EQUAL, EQUAL = 7, 4
LOAD, IF_GREATER, RETURN = 0x20, 0x25, 0x06  # BPF's instructions; a filter begins with the number of the call at 0
NEWEST = 470  # the highest number that this list has considered; numbers are the same on all machines since 424
AF_UNIX, SOCK_STREAM, SOCK_KIND = 1, 1, 0xF
MSG_DONTWAIT, MSG_NOSIGNAL = 0x40, 0x4000

# What a kernel calls until it is ready, and an answer has no use for. Pipes and sockets have numbers that count through
# the whole machine (inodes, cookies), and what lies in them is counted for all that a user runs.
STARTING = (
    *("sched_getscheduler", "sched_getparam", "pipe", "pipe2", "accept", "accept4", "sendmsg", "recvmsg"),
    *("getsockname", "getpeername", "getsockopt", "setsockopt"),
)
ALLOWED = (
    # memory of its own
    *("brk", "mmap", "munmap", "mremap", "mprotect", "membarrier", "arch_prctl", "rseq", "getrandom"),
    # files, which the image has for reading only
    *("open", "openat", "close", "close_range", "read", "readv", "pread64", "preadv", "lseek"),
    *("stat", "fstat", "lstat", "newfstatat", "fstatat64", "statx", "access", "faccessat", "faccessat2", "readlink"),
    *("readlinkat", "getdents64", "getcwd", "chdir", "umask", "dup", "dup2", "dup3"),
    # the sockets that it has, and waiting for them
    *("write", "writev", "eventfd2", "poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl"),
    *("epoll_wait", "epoll_pwait", "epoll_pwait2", "shutdown"),
    # clocks
    *("nanosleep", "gettimeofday", "time", "timerfd_create", "timerfd_settime", "setitimer", "getitimer"),
    *("alarm", "times"),
    # threads and signals within the process, and its end
    *("futex", "set_robust_list", "set_tid_address", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack"),
    *("rt_sigtimedwait", "rt_sigpending", "pause", "restart_syscall", "sched_yield", "exit", "exit_group"),
    *STARTING,
    # what it is
    *("getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "uname", "getcpu"),
    *("getrusage", "getrlimit", "setrlimit", "sched_get_priority_max", "sched_get_priority_min"),
)
# Of these calls: which argument, how it is compared, and with what.
_OWN = ((0, EQUAL, 0, 0),)  # the process that calls
_IN_ORDER = ((3, MASKED_EQUAL, 0xFFFFFFFF & ~(MSG_DONTWAIT | MSG_NOSIGNAL), 0),)  # no MSG_OOB, no MSG_PEEK
CONDITIONAL = {
    "clone": ((0, MASKED_EQUAL, CLONE_THREAD, CLONE_THREAD),),  # a thread, not a process
    "prlimit64": _OWN,
    "sched_getaffinity": _OWN,
    "sendto": _IN_ORDER,
    "recvfrom": _IN_ORDER,
    "sched_setscheduler": ((1, EQUAL, 0, 0),),  # zmq sets the policy that is set
    # Datagram sockets may get names, which others see.
    "socketpair": ((0, EQUAL, AF_UNIX, 0), (1, MASKED_EQUAL, SOCK_KIND, SOCK_STREAM)),
    "seccomp": ((0, EQUAL, 1, 0), (1, EQUAL, 1, 0)),  # one more filter, for all threads
}
# Of these calls, the commands that are harmless, and which argument they are. By F_SETOWN and the like a file signals
# a process; by MADV_PAGEOUT and the like one looks at what others have read; a clock below 0 is another process's time.
_CLOCKS = (0, tuple(range(12)))
COMMANDS = {
    **dict.fromkeys(("clock_gettime", "clock_getres", "clock_nanosleep"), _CLOCKS),
    "fcntl": (1, (0, 1, 2, 3, 4, 1030)),  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
    "ioctl": (1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),  # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIO(N)CLEX
    "prctl": (0, (15, 0x53564D41)),  # PR_SET_NAME, PR_SET_VMA; by PR_SET_SECCOMP one lets the system log calls
    "madvise": (2, (0, 4, 8, 14, 15, 16, 17, 102, 103)),  # MADV_NORMAL, _DONTNEED, _FREE, (NO)HUGEPAGE, DUMP, GUARD
}
# Of these, what only a kernel that starts may do: set flags of open files.
STARTING_COMMANDS = {"fcntl": (1, (4,)), "ioctl": (1, (0x5421,))}


class _Compare(ctypes.Structure):
    """struct scmp_arg_cmp: which argument, how it is compared, and with what."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


class _Filter:
    """A filter under construction."""

    def __init__(self, default: int) -> None:
        self._library = ctypes.CDLL("libseccomp.so.2")
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._filter = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action: int, name: str, *compare: tuple[int, int, int, int]) -> None:
        """A rule for a call, if this machine has it, where its arguments are as they are compared."""
        number = call_number(name)
        if number < 0:
            return
        rules = (_Compare * max(1, len(compare)))(*(_Compare(*each) for each in compare))
        code = self._library.seccomp_rule_add_array(self._filter, ctypes.c_uint32(action), number, len(compare), rules)
        if code:
            raise OSError(-code, f"libseccomp refuses the rule for {name}")

    def program(self) -> bytes:
        """The filter as the kernel takes it."""
        descriptor = os.memfd_create("filter")
        try:
            if self._library.seccomp_export_bpf(self._filter, descriptor):
                raise OSError("libseccomp cannot write the filter")
            return os.pread(descriptor, 2**16, 0)
        finally:
            os.close(descriptor)
            self._library.seccomp_release(self._filter)


@cache
def filter_program() -> bytes:
    """The filter of a kernel that starts, in instructions of eight bytes each.

    Raises
    ------
    OSError
        If libseccomp is not installed, or refuses.
    """
    filter_ = _Filter(FAIL | errno.EPERM)
    for name in ALLOWED:
        filter_.add(ALLOW, name)
    for name, compare in CONDITIONAL.items():
        filter_.add(ALLOW, name, *compare)
    for name, (place, commands) in COMMANDS.items():
        for command in commands:
            filter_.add(ALLOW, name, (place, MASKED_EQUAL, 0xFFFFFFFF, command))
    filter_.add(FAIL | errno.ENOSYS, "clone3")  # its flags cannot be read here; libc then takes clone
    newer = (LOAD, 0, 0, 0), (IF_GREATER, 0, 1, NEWEST), (RETURN, 0, 0, FAIL | errno.ENOSYS)
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in newer) + filter_.program()


@cache
def ready_program() -> bytes:
    """The filter that is added as soon as a kernel is ready for answers, which start nothing."""
    filter_ = _Filter(ALLOW)
    for name in ("clone", "seccomp", "sched_setscheduler", "socketpair", *STARTING):
        filter_.add(FAIL | errno.EPERM, name)
    for name, (place, commands) in STARTING_COMMANDS.items():
        for command in commands:
            filter_.add(FAIL | errno.EPERM, name, (place, MASKED_EQUAL, 0xFFFFFFFF, command))
    return filter_.program()


def call_number(name: str) -> int:
    """The number of a system call on this machine; below 0 where there is none of this name."""
    return ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name(name.encode())
