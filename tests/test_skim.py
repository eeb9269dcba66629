import subprocess
import sys

import pytest

UNREAD = """
import os, resource, sys
from bn_helpers.skim import skim
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
print(skim(os.open(sys.argv[1], os.O_RDONLY), 2**20))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits are those of other systems")
@pytest.mark.parametrize(
    "outputs",
    [
        b'["' + b'\\"' * 2**19,
        b'["' + b'\\"' * 2**19 + b"\\",
        b'"' + b'\\"' * 2**19,
        b"[" * 2**20,
        b'["' + b'\\"' * 2**24 + b'"]',
    ],
    ids=["no end", "an escape at the end", "no list", "lists", "one long string"],
)
def test_the_time_and_the_room_that_outputs_take_grow_no_faster_than_they(tmp_path, outputs):
    path = tmp_path / "1.ipynb"
    path.write_bytes(b'{"outputs": ' + outputs)
    command = [sys.executable, "-c", UNREAD, str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ('{"outputs": null\n', "")
