"""The sandbox: whatever the work does, the parent lives, and knows why it ended."""

import contextlib
import ctypes
import faulthandler
import os
import pathlib
import re
import signal
import sys

import pytest

from treadle.base.errors import InputError, PolicyError, TreadleError
from treadle.control.sandbox import DocumentTooCostly, Limits, confined, grant


def spin():
    while True:
        pass


def test_a_result_comes_back_as_json():
    assert confined(lambda: {"a": [1, None, "é" * 1_000_000]}) == {"a": [1, None, "é" * 1_000_000]}


def test_an_error_comes_back_with_its_exit_code():
    def refuse():
        raise PolicyError("no", "no way", "try another")

    with pytest.raises(TreadleError) as error:
        confined(refuse)
    assert (error.value.exit_code, str(error.value)) == (1, "no: no way\n  hint: try another")


def test_an_exit_is_an_exit():
    with pytest.raises(SystemExit) as end:
        confined(lambda: sys.exit(3))
    assert end.value.code == 3


def test_a_bug_shows_its_traceback_and_exits_with_1(capfd):
    with pytest.raises(SystemExit) as end:
        confined(lambda: 1 // 0)
    assert end.value.code == 1
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_what_is_printed_is_printed_once(capfd):
    sys.stdout.write("before ")
    confined(lambda: print("inside"))
    sys.stdout.write("after\n")
    sys.stdout.flush()
    assert capfd.readouterr().out == "before inside\nafter\n"


def crash(how):
    faulthandler.disable()  # pytest would show the stack of a crash that is meant
    how()


def recurse():
    recurse()


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (spin, "more computing time"),
        (lambda: re.match(r"(a+)+$", "a" * 64 + "b"), "more computing time"),
        (lambda: bytearray(2**31), "more memory"),
        (lambda: [bytearray(2**20) for _ in range(2000)] and None, "more memory"),
        (recurse, "nested too deep"),
        (lambda: crash(os.abort), "more memory"),
        (lambda: crash(lambda: ctypes.string_at(0)), "SIGSEGV"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL"),
    ],
)
def test_what_takes_too_much_is_ended(work, why):
    limits = Limits(memory_bytes=640 * 2**20, cpu_s=0.2 if "time" in why else 20.0)
    with pytest.raises(DocumentTooCostly, match=re.escape(why)) as error:
        confined(work, limits)
    assert isinstance(error.value, InputError)
    assert error.value.hint


def test_what_waits_for_ever_is_ended():
    with pytest.raises(DocumentTooCostly, match=r"more than 0\.2 s"):
        confined(signal.pause, Limits(wall_s=0.2))


def test_nothing_is_left_behind():
    def open_files():
        return len(list(pathlib.Path("/proc/self/fd").iterdir()))

    before = open_files()
    for work in (lambda: 1, spin):
        with contextlib.suppress(DocumentTooCostly):
            confined(work, Limits(cpu_s=0.1))
    assert open_files() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_limits_grow_with_what_is_read():
    def time_left():
        grant(2 * 2**20)
        return signal.getitimer(signal.ITIMER_PROF)[0]

    assert confined(time_left, Limits(cpu_s=0.5)) > 6

    def hold():
        grant(64 * 2**20)
        return len(bytearray(900 * 2**20))

    assert confined(hold, Limits(memory_bytes=640 * 2**20, cpu_s=20.0)) == 900 * 2**20
    grant(2**20)  # outside of a child: nothing to allow
