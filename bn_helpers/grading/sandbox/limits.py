"""What a kernel may use up, and what both sides of the sandbox go by; the driver inside is told in its request."""

KERNEL = "bn-sandbox"  # what nbval calls the kernel that starts in a sandbox
MIME = "application/vnd.bn-helpers.outcomes+json"
DRIVER, SITE = "/driver", "/site"  # folders in a sandbox: what forks kernels, and the libraries

# For one exercise; for a submission there is a time of its own.
CPU_SECONDS, WALL_SECONDS, SUBMISSION_SECONDS = 8, 10.0, 120.0
MEMORY = 3 * 2**29  # bytes that may be mapped; an idle kernel maps more than half of it
IMAGE = 2**28  # bytes that the libraries of all sandboxes of a grading process take
PROCESSES = 64  # the kernel's own threads among them
OUTPUT = 2**20  # bytes
MESSAGES = 1_000  # of one cell; more is a flood
PARTS = 64  # of a message
ARRAY = 20_000  # numbers in an array that is told; what any right answer returns is smaller
WORDS = 300  # characters of a message that are read

LIMITS = {
    "RLIMIT_CPU": (CPU_SECONDS, CPU_SECONDS + 1),
    "RLIMIT_AS": (MEMORY, MEMORY),
    "RLIMIT_FSIZE": (0, 0),
    "RLIMIT_NOFILE": (128, 128),
    "RLIMIT_CORE": (0, 0),
}
