"""Hostile documents through the command line: each ends in two seconds and 512 MiB, with a finding or a clear error."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.soak.hostile import HOSTILE

TREADLE = Path(sys.executable).with_name("treadle")
LIMITED = ("sh", "-c", 'ulimit -S -t 2; exec "$@"', "sh", TREADLE)
"""Two seconds of computing, so that other work on the machine does not count; then the system sends SIGXCPU."""
PATIENCE_S = 60.0
MEMORY_KIB_MAX = 512 * 1024


def run(*arguments):
    """Exit code, what was said, and the most memory of any of its processes, which is counted from an `exec`."""
    with subprocess.Popen([*LIMITED, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        said = [b"", b""]
        readers = [
            threading.Thread(target=lambda at=at, pipe=pipe: said.__setitem__(at, pipe.read()))
            for at, pipe in enumerate((process.stdout, process.stderr))
        ]
        for reader in readers:
            reader.start()
        alarm = threading.Timer(PATIENCE_S, process.kill)
        alarm.start()
        _, status, usage = os.wait4(process.pid, 0)
        alarm.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        for reader in readers:
            reader.join()
    return process.returncode, b"".join(said), usage.ru_maxrss


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Each document twice, the second with something changed."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, (file, make, _, size) in HOSTILE.items():
        (folder / name).mkdir()
        data = make(size)
        (folder / name / file).write_bytes(data)
        (folder / name / f"old-{file}").write_bytes(data.replace(b"string", b"number"))
    return folder


@pytest.mark.parametrize("verb", ["lint", "diff", "bundle"])
@pytest.mark.parametrize("name", HOSTILE)
def test_it_ends_soon_and_says_why(corpus, name, verb):
    file = HOSTILE[name][0]
    names = [corpus / name / f"old-{file}"] if verb == "diff" else []
    code, said, memory_kib = run(verb, *names, corpus / name / file)
    assert code in (0, 1, 3), said[-2000:]
    assert b"SIGXCPU" not in said
    assert b"Traceback" not in said
    assert b"\x1b" not in said
    assert code == 0 or said
    assert memory_kib <= MEMORY_KIB_MAX
