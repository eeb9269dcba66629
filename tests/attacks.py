"""Answers to normalize that try to get points without being right, or to harm others.

None of them computes what is wanted. What must hold is the same for all: see test_attacks.py.
"""

from __future__ import annotations

from bn_helpers.grading.sandbox.limits import MIME

IMPORTS = f"import ctypes, gc, os, signal, sys, threading, time\nimport numpy as np\nMIME = {MIME!r}\n"
WRONG = "def normalize(x, eps=1e-5):\n    return 0.0 * x\n"
FORGED = '[{"raised": "", "function": "", "detail": "", "values": {"x_hat": %s}}] * 100'


def inside(body: str) -> str:
    """An attack from within the function."""
    lines = "\n".join(f"    {line}" for line in body.strip().split("\n"))
    return f"{IMPORTS}\ndef normalize(x, eps=1e-5):\n{lines}\n    return 0.0 * x\n"


def before(text: str) -> str:
    """An attack from the cell, around a wrong function."""
    return f"{IMPORTS}{text.strip()}\n\n{WRONG}"


ATTACKS = {
    # Patching what compares, or seems to
    "patches_numpy_comparisons": before("""
for name in ("allclose", "array_equal", "isclose", "all", "isfinite"):
    setattr(np, name, lambda *a, **k: True)
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None
"""),
    "patches_numpy_mathematics": before("""
for name in ("sqrt", "mean", "var", "einsum", "asarray", "result_type", "array", "ascontiguousarray", "frombuffer"):
    setattr(np, name, None)
"""),
    "patches_builtins": before("""
import builtins
builtins.len = builtins.isinstance = builtins.range = builtins.zip = lambda *a: True
"""),
    "patches_json_and_base64": before("""
import base64, json
json.dumps = json.loads = base64.b64encode = base64.b64decode = lambda *a, **k: b""
"""),
    "removes_modules": before("""
for name in ("numpy", "json", "bn_driver", "bn_outcomes", "IPython"):
    sys.modules[name] = None
"""),
    "equals_everything": inside("""
class Same(np.ndarray):
    __eq__ = __le__ = __ge__ = lambda *a: True
    __ne__ = __lt__ = __gt__ = lambda *a: False
    __hash__ = None
    def __array_ufunc__(self, *a, **k):
        return True
    def __array_function__(self, *a, **k):
        return True
return np.zeros(x.shape).view(Same)
"""),
    "array_that_answers_late": inside("""
class Late:
    def __array__(self, dtype=None, copy=None):
        return np.zeros(x.shape)
    def __getattr__(self, name):
        raise SystemExit
return Late()
"""),
    # The display machinery and forged results
    "transforms_later_cells": before("""
get_ipython().input_transformers_post.append(lambda lines: ["pass"])
"""),
    "patches_the_display": before("""
get_ipython().display_pub.publish = lambda *a, **k: None
get_ipython().displayhook.__class__.__call__ = lambda *a: None
"""),
    "forges_outcomes_before_the_probe": before(f"""
value = {{"shape": [4, 3], "data": "AAAAAAAAAAA=" * 12}}
get_ipython().display_pub.publish({{MIME: {FORGED % "value"}}})
"""),
    "forges_outcomes_in_the_probe": before(f"""
driver = sys.modules["bn_driver"]
value = {{"shape": [4, 3], "data": "AAAAAAAAAAA=" * 12}}
driver._show = lambda outcomes: get_ipython().display_pub.publish({{MIME: {FORGED % "value"}}})
"""),
    "forges_a_verdict": before("""
driver = sys.modules["bn_driver"]
get_ipython().display_pub.publish({MIME: {"passed": True, "score": 6.0, "status": "passed"}})
driver.probe = lambda *a: get_ipython().display_pub.publish({MIME: True})
"""),
    "forges_shapes": before(f"""
driver = sys.modules["bn_driver"]
value = {{"shape": [10**9] * 8, "data": ""}}
driver._show = lambda outcomes: get_ipython().display_pub.publish({{MIME: {FORGED % "value"}}})
"""),
    "forges_bad_base64": before(f"""
driver = sys.modules["bn_driver"]
value = {{"shape": [4, 3], "data": "\\ud800 no base64"}}
driver._show = lambda outcomes: get_ipython().display_pub.publish({{MIME: {FORGED % "value"}}})
"""),
    "forges_deep_json": before("""
driver = sys.modules["bn_driver"]
def deep(outcomes):
    raw = b'{"data": {"' + MIME.encode() + b'": ' + b"[" * 100_000 + b"]" * 100_000 + b'}, "metadata": {}}'
    session = get_ipython().display_pub.session
    session.pack = lambda content: raw if isinstance(content, dict) and "data" in content else type(session).pack
    get_ipython().display_pub.publish({MIME: 1})
driver._show = deep
"""),
    "forges_huge_integers": before("""
driver = sys.modules["bn_driver"]
driver._show = lambda outcomes: get_ipython().display_pub.publish({MIME: [{"raised": 10**4000, "values": {}}]})
"""),
    "forges_nan_and_infinity": before(f"""
driver = sys.modules["bn_driver"]
value = {{"shape": [float("nan"), float("inf")], "data": None}}
driver._show = lambda outcomes: get_ipython().display_pub.publish({{MIME: {FORGED % "value"}}})
"""),
    "sends_malformed_messages": before("""
def send():
    kernel = get_ipython().kernel
    for content in (b"", b"[]", b"{}", b"null", b"\\xff", b'{"execution_state": 7}', b'{"data": 1}', b'{"ename": {}}'):
        for kind in ("status", "display_data", "error", "stream", "execute_reply", "nonsense"):
            kernel.iopub_socket.send_multipart([b"", content, kind.encode()])
            message = kernel.session.msg(kind, {}, parent=kernel.get_parent())
            kernel.session.send(kernel.iopub_socket, message)
send()
"""),
    "replies_by_what_is_no_reply": before("""
kernel = get_ipython().kernel
send = kernel.session.send
def other(stream, kind, *rest, **options):
    if kind == "execute_reply":
        send(stream, "status", {"execution_state": "busy"}, *rest[1:], **options)
    return send(stream, kind, *rest, **options)
kernel.session.send = other
"""),
    "replies_to_others_without_end": before("""
kernel = get_ipython().kernel
send = kernel.session.send
def other(stream, kind, content, parent=None, **options):
    for _ in range(900 if kind == "execute_reply" else 0):
        raw = getattr(stream, "socket", stream)
        send(raw, kind, {"status": "ok"}, {"header": {"msg_id": "x"}}, ident=options.get("ident"))
        time.sleep(4)
    return send(stream, kind, content, parent, **options)
kernel.session.send = other
"""),
    "says_it_is_idle": before("""
driver = sys.modules["bn_driver"]
show = driver._show
def early(outcomes):
    kernel = get_ipython().kernel
    kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent=kernel.get_parent())
    show(outcomes)
driver._show = early
"""),
    "returns_an_object_array": inside("return np.array([[lambda: 0] * 3] * 4, dtype=object)"),
    "returns_nan": inside("return np.full(x.shape, np.nan)"),
    "returns_a_huge_array": inside("return np.zeros((20_000, 5_000))"),
    "remembers_the_visible_cases": inside("""
seen = {(4, 3): [[1.429, -0.7157, 1.11]]}
return np.resize(seen.get(x.shape, [[0.0]]), x.shape)
"""),
    # Ends, signals, crashes
    "exits_in_the_function": inside("os._exit(0)"),
    "exits_in_the_cell": before("os._exit(0)"),
    "exits_politely": inside("sys.exit(0)"),
    "exits_later": before("threading.Timer(0.05, os._exit, (0,)).start()"),
    "raises_an_interrupt": inside("raise KeyboardInterrupt"),
    "raises_what_is_no_exception": inside("raise BaseException('::error::<script>alert(1)</script>\\x1b[2J')"),
    "raises_commands_in_the_cell": before("raise ValueError('::error::\\x1b[2J\\u202e<script>\\n::stop-commands::x')"),
    "segmentation_fault": inside("ctypes.string_at(0)"),
    "aborts": inside("os.abort()"),
    "kills_itself": inside("os.kill(os.getpid(), signal.SIGKILL)"),
    "kills_its_parent": inside("os.kill(os.getppid(), signal.SIGKILL)"),
    "kills_all": inside("os.kill(-1, signal.SIGKILL)"),
    "stops_itself": inside("signal.raise_signal(signal.SIGSTOP)\nos.kill(0, signal.SIGSTOP)"),
    "recurses": inside("sys.setrecursionlimit(10**9)\nreturn normalize(x, eps)"),
    "closes_all_files": before("os.closerange(0, 256)"),
    "lowers_its_limits": before("import resource\nfor n in range(10):\n    resource.setrlimit(n, (0, 0))"),
    "lowers_the_limits_of_its_parent": before(
        "import resource\nresource.prlimit(os.getppid(), resource.RLIMIT_CPU, (0, 0))"
    ),
    "slows_its_parent": inside("""
os.sched_setscheduler(os.getppid(), os.SCHED_IDLE, os.sched_param(0))
os.sched_setaffinity(os.getppid(), {0})
"""),
    "signals_through_a_pipe": inside("""
import fcntl
reader, writer = os.pipe()
fcntl.fcntl(reader, 10, signal.SIGKILL)  # F_SETSIG
fcntl.fcntl(reader, fcntl.F_SETOWN, os.getppid())
fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC)
os.write(writer, b"x")
"""),
    "hooks_the_interpreter": before("""
def refuse(event, arguments):
    raise RuntimeError(event)
sys.addaudithook(refuse)
"""),
    # Loops
    "loops_in_python": inside("while True:\n    pass"),
    "loops_in_the_cell": before("while True:\n    pass"),
    "loops_in_c": inside("sum(iter(int, 1))"),
    "sleeps": inside("time.sleep(10**6)"),
    "ignores_interrupts": before(
        "for number in (signal.SIGINT, signal.SIGTERM, signal.SIGXCPU):\n    signal.signal(number, signal.SIG_IGN)\n"
        "while True:\n    try:\n        sum(iter(int, 1))\n    except BaseException:\n        pass"
    ),
    "wakes_the_grader_and_is_busy_while_it_looks": inside("""
import stat
opened = []
for file in range(3, 128):
    try:
        if stat.S_ISSOCK(os.fstat(file).st_mode):
            os.write(file, b"\\x02" + (10**6).to_bytes(8, "big"))  # a frame that comes byte by byte
            opened.append(file)
    except OSError:
        pass
while True:
    time.sleep(0.2)
    for file in opened:
        try:
            os.write(file, b"x")
        except OSError:
            pass
    start = time.perf_counter()
    while time.perf_counter() - start < 0.003:
        pass
"""),
    "alarms": before("""
signal.signal(signal.SIGALRM, lambda *a: os._exit(1))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
"""),
    # Memory, processes, threads, disk, output
    "fills_memory": inside("keep = []\nwhile True:\n    keep.append(np.ones(10**7))"),
    "fills_memory_in_the_cell": before("keep = [bytearray(2**30) for _ in range(64)]"),
    "forks": inside("while True:\n    os.fork()"),
    "starts_processes": inside("import subprocess\nsubprocess.Popen(['sleep', '1000'])"),
    "starts_threads": inside("""
while True:
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
"""),
    "leaves_a_thread": before("""
def spoil():
    while True:
        for name in ("sqrt", "mean", "var"):
            setattr(np, name, None)
threading.Thread(target=spoil, daemon=True).start()
"""),
    "fills_the_disk": inside("with open('full', 'wb') as file:\n    while True:\n        file.write(bytes(2**20))"),
    "fills_shared_memory": inside("libc = ctypes.CDLL(None)\nassert libc.shmget(0, 2**30, 0o1600) != -1"),
    "prints_without_end": inside("while True:\n    print('x' * 1000)"),
    "prints_at_once": inside("print('x' * 2**25)"),
    "displays_without_end": inside("while True:\n    get_ipython().display_pub.publish({'text/plain': 'x'})"),
    "writes_to_descriptors": inside("for n in range(3):\n    os.write(n, b'x' * 2**20)"),
    "raises_a_huge_message": inside("raise ValueError('x' * 10**8)"),
    "exception_that_loops": inside("""
class Endless(Exception):
    def __str__(self):
        while True:
            pass
raise Endless
"""),
    # Looking for answers
    "imports_the_reference": ("import numpy as np\nfrom bn_helpers.layers import normalize\n"),
    "imports_the_checks": inside("from bn_helpers import judging, oracles\nreturn oracles.normalize(x, eps)"),
    "imports_a_library": inside("from scipy.stats import zscore\nreturn zscore(x)"),
    "reads_the_reference": inside("""
for folder, _, names in os.walk("/"):
    for name in names:
        if name in ("layers.py", "cases.py", "oracles.py", "fingerprints.json", "01_normalization.py"):
            names = {"np": np}
            exec(open(os.path.join(folder, name)).read(), names)
            return names["normalize"](x, eps)
"""),
    "searches_frames": inside("""
frame = sys._getframe()
while frame:
    for value in list(frame.f_locals.values()):
        wanted = getattr(value, "wanted", None)
        if isinstance(wanted, dict) and getattr(wanted.get("x_hat"), "value", None) is not None:
            return wanted["x_hat"].value
    frame = frame.f_back
"""),
    "searches_objects": inside("""
for thing in gc.get_objects():
    if type(thing).__name__ == "Wanted":
        return thing.value
for thing in gc.get_objects():
    name = getattr(thing, "__name__", "") if callable(thing) and thing is not normalize else ""
    if name in ("normalize", "normalize_column"):
        return thing(x, eps)
"""),
    "reads_the_grader_over_the_socket": inside("""
import socket
socket.create_connection(("127.0.0.1", 22), timeout=1)
"""),
    "looks_into_its_parent": inside("open(f'/proc/{os.getppid()}/mem', 'rb').read(1)"),
    "keeps_handed_code_for_later": inside("""
try:
    exec(open("/tmp/handed").read(), globals())
    return globals()["normalize"](x, eps)
except OSError:
    pass
"""),
    # Leaving something for another kernel, or looking for what one has left
    "looks_at_the_page_cache": inside("""
libc = ctypes.CDLL(None, use_errno=True)
file = os.open(os.__file__, os.O_RDONLY)
seen = [libc.syscall(number, file, 0, 4096, 4) for number in (221, 187, 27, 451)]  # fadvise64, readahead, mincore, ...
seen += [os.preadv(file, [bytearray(1)], 0, 8)] if any(n != -1 for n in seen) else []
assert not any(n != -1 for n in seen)
"""),
    "names_a_socket": inside("""
import socket
left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
left.setsockopt(socket.SOL_SOCKET, 16, 1)  # SO_PASSCRED
left.send(b"x")
"""),
    "locks_a_file": inside("import fcntl\nfcntl.flock(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_EX)"),
    "counts_processes": inside("""
for _ in range(10_000):
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
"""),
    # Filling the grader
    "sends_many_empty_parts": before("""
kernel = get_ipython().kernel
kernel.iopub_thread.schedule(lambda: kernel.iopub_thread.socket.send_multipart([b""] * 1_000_000))
time.sleep(1)
"""),
    "sends_a_message_without_end": before("""
kernel = get_ipython().kernel
def send():
    import zmq
    for _ in range(10**6):
        kernel.iopub_thread.socket.send(b"", zmq.SNDMORE)
kernel.iopub_thread.schedule(send)
time.sleep(2)
"""),
    "sends_strange_dates": before("""
kernel = get_ipython().kernel
message = kernel.session.msg("status", {"execution_state": "busy"}, parent=kernel.get_parent())
for date in ("9" * 100_000, "2026-11-27T" * 1000, {}, None):
    message["header"]["date"] = message["parent_header"]["date"] = date
    kernel.session.send(kernel.iopub_socket, message)
"""),
    # Steering nbval and the notebook
    "hides_a_comment_for_nbval": (WRONG + "\n\x0c# NBVAL_SKIP\n"),
    "comments_for_nbval": ("# NBVAL_IGNORE_OUTPUT\n# NBVAL_SKIP\n# NBVAL_RAISES_EXCEPTION\n" + WRONG),
    "magics": ("%%capture\n%autoawait off\n%reset -f\n" + WRONG),
    "shell": ("!cat /etc/passwd\n!kill -9 -1\n" + WRONG),
    "system": inside("get_ipython().system('kill -9 -1')\nget_ipython().run_line_magic('run', '/etc/passwd')"),
    "stops_the_kernel_politely": before("get_ipython().ask_exit()\nget_ipython().kernel.do_shutdown(False)"),
    "asks_for_input": inside("input()"),
    "defines_other_answers": before("""
def layer_outputs(*a):
    return None
def batch_statistics(x):
    return 0, 0
"""),
    "raises_what_is_wanted_elsewhere": inside("raise ValueError('mode')"),
    "claims_not_to_be_written": inside("raise NotImplementedError"),
}  # fmt: skip
