"""What a kernel may use up for one exercise."""

from __future__ import annotations

GIGABYTE = 2**30
CPU_SECONDS, WALL_SECONDS, MEMORY, PROCESSES, OUTPUT = 8, 10.0, int(1.5 * GIGABYTE), 64, 2**20  # of one exercise
LIMITS = {
    "RLIMIT_CPU": (CPU_SECONDS, CPU_SECONDS + 1),
    "RLIMIT_AS": (MEMORY, MEMORY),
    "RLIMIT_FSIZE": (0, 0),
    "RLIMIT_NOFILE": (128, 128),
    "RLIMIT_CORE": (0, 0),
}
