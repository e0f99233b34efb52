"""What a shell does to our output."""

import os
import subprocess
import sys


def test_a_reader_that_goes_away_is_no_policy_violation():
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "treadle.cli.main", "explain"], stdout=writer, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_standard_input_that_is_closed_is_said():
    command = f"exec {sys.executable} -m treadle.cli.main diff - new.yaml <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith(b"error: no-such-file: standard input is closed")
