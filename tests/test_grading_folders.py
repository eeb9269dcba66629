import os
import signal
import stat
import subprocess
import sys

from bn_helpers.grading.folders import PREFIX, OwnedFolder, sweep


def test_a_folder_is_its_owners_alone_and_goes_with_it(tmp_path):
    folder = OwnedFolder(tmp_path)
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    sweep(tmp_path)
    assert folder.path.exists()
    folder.close()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_the_next_one_removes(tmp_path):
    code = (
        "import os, pathlib, signal, sys\nfrom bn_helpers.grading.folders import OwnedFolder\n"
        "folder = OwnedFolder(pathlib.Path(sys.argv[1]))\n(folder.path / 'file').touch()\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)])
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    folder = OwnedFolder(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {folder.path.name, f"{folder.path.name}.lock"}
    folder.close()


def test_links_are_not_followed(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    os.symlink(kept, tmp_path / f"{PREFIX}x")
    (tmp_path / f"{PREFIX}x.lock").touch()
    os.symlink(kept, tmp_path / f"{PREFIX}y.lock")
    sweep(tmp_path)
    assert kept.exists()
