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
