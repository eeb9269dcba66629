import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_client.manager import start_new_kernel
from submissions import sandbox_here

from bn_helpers.grading.results import ANSWER, BWRAP, UNCONFINED, USER, SandboxUnavailable, Step
from bn_helpers.grading.sandbox import image
from bn_helpers.grading.sandbox import workshop as module
from bn_helpers.grading.sandbox.image import NEVER, build_image
from bn_helpers.grading.sandbox.kernel import inside
from bn_helpers.grading.sandbox.limits import KERNEL
from bn_helpers.grading.sandbox.notebooks import run_notebooks
from bn_helpers.grading.sandbox.selftest import self_test
from bn_helpers.grading.sandbox.workshop import Sandbox, Workshop, choose_sandbox


@pytest.fixture(params=[BWRAP, USER])
def confined(request):
    return sandbox_here(request.param)


def tried(sandbox):
    workshop = Workshop(sandbox)
    try:
        return self_test(workshop)
    finally:
        workshop.close()


def test_every_promise_holds(confined):
    promises = tried(confined)
    assert len(promises) == 18
    assert [promise for promise, held in promises if not held] == []


def test_an_unconfined_run_promises_limits_only():
    assert tried(UNCONFINED) == [
        ("memory is limited", True),
        ("time is limited", True),
        ("output is limited", True),
    ]


def test_without_any_sandbox_nothing_is_graded_and_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    with pytest.raises(SandboxUnavailable, match=r"apt install bubblewrap[\s\S]*root[\s\S]*--sandbox none"):
        choose_sandbox()
    assert choose_sandbox(UNCONFINED) == UNCONFINED


def test_where_namespaces_are_refused_root_falls_back_on_a_user_of_its_own(monkeypatch):
    refusal = subprocess.CompletedProcess([], 1, stdout="", stderr="bwrap: No permissions to create new namespace")
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/bwrap")
    monkeypatch.setattr(module.subprocess, "run", lambda *a, **k: refusal)
    monkeypatch.setattr(module.os, "geteuid", lambda: 0)
    assert choose_sandbox() == USER
    with pytest.raises(SandboxUnavailable, match="No permissions to create new namespace"):
        choose_sandbox(BWRAP)


def test_without_libseccomp_nothing_is_graded(monkeypatch):
    def missing():
        raise OSError("libseccomp.so.2: cannot open shared object file")

    monkeypatch.setattr(module, "filter_program", missing)
    with pytest.raises(SandboxUnavailable, match="apt install libseccomp2"):
        choose_sandbox()


def test_a_sandbox_that_does_not_exist_is_refused():
    with pytest.raises(SandboxUnavailable, match="there are bwrap, user and none"):
        choose_sandbox("docker")


def test_the_promises_are_broken_where_the_sandbox_is(monkeypatch):
    # The self-test must not hold by itself: without the filter, and with a network, it tells.
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is missing")
    for name in ("filter_program", "ready_program"):
        monkeypatch.setattr(module, name, lambda: b"")
    open_ = tuple(part for part in module._NAMESPACES if part not in ("--unshare-all",))
    monkeypatch.setattr(module, "_NAMESPACES", (*open_, "--unshare-pid"))
    broken = {promise for promise, held in tried(BWRAP) if not held}
    [served] = [promise for promise in broken if "system call" in promise]
    assert {"mincore", "cachestat", "fadvise64", "preadv2"} <= {
        *served.partition("these do: ")[2].strip(")").split(", ")
    }
    assert broken - {served} == {
        *("the network is closed", "no process can be started", "no thread can be started"),
        *("no memory outlives a kernel", "no other process can be reached"),
        *("nothing is seen of what others have read", "no flag of an open file can be set"),
        *(
            "no socket and no pipe is made or asked for its number",
            "no clock tells the time of a process by its number",
        ),
    }


def test_a_call_that_is_newer_than_the_list_does_not_exist_and_one_that_is_not_on_it_is_not_permitted(confined):
    found = in_a_kernel(
        confined,
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "errors = [(libc.syscall(n, -1, 0, 0, 0, 0, 0), ctypes.get_errno()) for n in (471, 999, 451, 161)]\n"
        "raise ValueError(errors)",
    )
    assert found == "ValueError: [(-1, 38), (-1, 38), (-1, 1), (-1, 1)]"


def in_a_kernel(sandbox, code):
    """What a cell raises in a kernel of its own."""
    workshop = Workshop(sandbox)
    with Sandbox(workshop) as box:
        steps = {"notebook": [Step(ANSWER, "normalize", code)]}
        error = run_notebooks(steps, box, time.monotonic() + 60)["notebook"]["normalize"].error
    workshop.close()
    return error


def test_what_a_sandbox_holds_knows_its_version(tmp_path):
    build_image(tmp_path / "root")
    found = {one.name for one in metadata.distributions(path=[str(tmp_path / "root" / "site")])}
    assert {"numpy", "ipykernel", "prompt_toolkit"} <= found


def test_nothing_is_left_behind(confined):
    workshop = Workshop(confined)
    with Sandbox(workshop) as box:
        box.start_kernel("key")
        assert box.poll() is None
    assert box.poll() is not None
    assert list(workshop.sockets.iterdir()) == []
    workshop.close()
    assert not workshop.folder.exists()


def test_each_process_that_grades_has_a_user_of_its_own_until_it_ends(monkeypatch):
    if os.geteuid():
        pytest.skip("it takes root")
    first, second = module._User(), module._User()
    assert first.uid != second.uid
    monkeypatch.setattr(module, "FIRST_UID", first.uid)
    monkeypatch.setattr(module, "UIDS", 1)
    with pytest.raises(SandboxUnavailable, match="taken by other"):
        module._User()
    first.close()
    again = module._User()
    assert again.uid == first.uid
    for user in (again, second):
        user.close()


def test_a_sandbox_that_cannot_start_leaves_nothing_open(monkeypatch):
    """Of bubblewrap there is no trace once grading has begun: conftest.py looks at what is open afterwards."""
    workshop = Workshop(UNCONFINED)
    monkeypatch.setattr(workshop, "command", lambda: ["no-such-program"])
    with Sandbox(workshop) as box:
        for _ in range(2):
            with pytest.raises(FileNotFoundError):
                box.start_kernel("key")
    workshop.close()


def test_a_kernel_that_nbval_gives_up_leaves_no_socket_open(tmp_path):
    workshop = Workshop(UNCONFINED)
    with Sandbox(workshop) as box, inside(box, tmp_path):
        manager, _ = start_new_kernel(kernel_name=KERNEL, stderr=(tmp_path / "stderr").open("w"))
        box.kill()
        assert not manager.is_alive()  # where nbval stops no kernel
    assert manager.context.closed
    workshop.close()


@pytest.mark.parametrize("name", [BWRAP, USER, UNCONFINED])
def test_no_process_outlives_a_grader_that_is_killed(name):
    sandbox_here(name)
    code = f"""if True:
        import os, signal
        from bn_helpers.grading.sandbox.workshop import Sandbox, Workshop
        workshop = Workshop({name!r})
        Sandbox(workshop).start_kernel("key")
        print(workshop.folder, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    folder = Path(run.stdout.strip())
    assert run.returncode == -9
    deadline = time.monotonic() + 10
    while (left := processes_in(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)  # another run may be at it
    assert left == []


def processes_in(folder):
    """Processes that have a file of a folder open, mapped or as their root."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if str(folder) in (process / "maps").read_text() + os.readlink(process / "root") + command(process):
                    found.append(process.name)
            except OSError:
                continue
    return found


def command(process):
    return (process / "cmdline").read_text(errors="replace")


def test_the_libraries_are_a_copy_of_which_reading_leaves_no_trace(confined):
    workshop = Workshop(confined)
    paths = [workshop.folder / "root", *(workshop.folder / "root").rglob("*")]
    about = [path.lstat() for path in paths]
    assert {each.st_nlink for each in about if stat.S_ISREG(each.st_mode)} == {1}
    assert {each.st_atime for each in about} == {NEVER}  # later than any change, so that reading does not move it
    workshop.close()


def test_a_file_system_that_notes_what_was_read_is_told(monkeypatch):
    if os.geteuid() or os.statvfs("/dev/shm").f_flag & os.ST_NOATIME:
        pytest.skip("this takes root, and a file system that notes it")
    monkeypatch.setattr(image, "NEVER", 0)  # for so long ago, every system notes it anew
    assert {promise for promise, held in tried(USER) if not held} == {"no time tells what was read"}


def test_a_kernel_shares_no_open_file_with_the_next(confined):
    code = "import fcntl, os\nfiles = []\nfor n in range(64):\n    try:\n        os.fstat(n)\n        files.append(n)\n"
    code += "    except OSError:\n        pass\n"
    marks = f"{code}for n in files:\n    fcntl.fcntl(n, fcntl.F_SETFL, fcntl.fcntl(n, fcntl.F_GETFL) | os.O_APPEND)\n"
    looks = f"{code}raise ValueError([n for n in files if fcntl.fcntl(n, fcntl.F_GETFL) & os.O_APPEND])"
    workshop = Workshop(confined)
    with Sandbox(workshop) as box:
        notebooks = {name: [Step(ANSWER, "normalize", text)] for name, text in {"marks": marks, "looks": looks}.items()}
        found = run_notebooks(notebooks, box, box.clock.seconds() + 60)
    workshop.close()
    assert (found["marks"]["normalize"].error, found["looks"]["normalize"].error) == ("", "ValueError: []")


@pytest.mark.parametrize("lacks", ["room", "programs", "the folder"])
def test_where_memory_cannot_hold_them_they_lie_on_disk_and_the_stamp_says_so(confined, monkeypatch, lacks):
    real = os.statvfs("/dev/shm")
    flags = real.f_flag | os.ST_NOEXEC if lacks == "programs" else real.f_flag
    blocks = 2**26 // real.f_frsize if lacks == "room" else real.f_bavail  # a default container has 64 MB
    fake = SimpleNamespace(f_flag=flags, f_bavail=blocks, f_frsize=real.f_frsize)
    if lacks == "the folder":
        monkeypatch.setattr(module, "IN_MEMORY", Path("/absent"))
    else:
        monkeypatch.setattr(module.os, "statvfs", lambda _: fake)
    workshop = Workshop(confined)
    assert workshop.stamp == f"{confined}, libraries on disk"
    assert workshop.folder.parent == Path(tempfile.gettempdir())
    workshop.close()
