"""Child processes come from a server that forks; each is limited, apart from the others, and replaceable."""

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from hevesy.imaging.dicomio import ImageRefused, children, decode_frames_sandboxed
from hevesy.imaging.dicomio.sandbox import run_task

pytestmark = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="asks /proc, as Linux has it"
)


@pytest.fixture
def an_object(tmp_path, make_slice):
    path = tmp_path / "object.dcm"
    make_slice(value=7).save_as(path, enforce_file_format=True)
    return path


def server_number():
    return children._the_server._process.pid


def parent_of(number):
    status = Path(f"/proc/{number}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid"))


def test_one_server_forks_all_children(an_object):
    decode_frames_sandboxed(an_object, [0])
    first = server_number()

    decode_frames_sandboxed(an_object, [0])

    assert server_number() == first
    assert parent_of(first) == os.getpid()


def test_many_ask_at_once_and_each_gets_its_own_answer(tmp_path, make_slice):
    paths = [tmp_path / f"{value}.dcm" for value in range(12)]
    for value, path in enumerate(paths):
        make_slice(value=value).save_as(path, enforce_file_format=True)
    answers = {}

    def ask(value):
        answers[value] = np.frombuffer(decode_frames_sandboxed(paths[value], [0])[0], "<i2")[0]

    threads = [threading.Thread(target=ask, args=(value,)) for value in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {value: value for value in range(12)}


def test_a_child_that_dies_takes_nobody_with_it(an_object, tmp_path):
    decode_frames_sandboxed(an_object, [0])
    before = server_number()

    with pytest.raises(ImageRefused, match="reader_crashed"):
        run_task("no such task", {}, tmp_path)

    decode_frames_sandboxed(an_object, [0])
    assert server_number() == before


def test_a_server_that_was_killed_is_replaced(an_object):
    expected = decode_frames_sandboxed(an_object, [0])
    before = server_number()

    os.kill(before, signal.SIGKILL)
    children._the_server._process.wait()

    assert decode_frames_sandboxed(an_object, [0]) == expected
    assert decode_frames_sandboxed(an_object, [0]) == expected
    assert server_number() != before


def test_no_credentials_of_this_process_reach_a_child(monkeypatch, an_object):
    monkeypatch.setenv("HEVESY_SECRET_KEY", "a-secret")
    children._forget()

    decode_frames_sandboxed(an_object, [0])

    assert b"a-secret" not in Path(f"/proc/{server_number()}/environ").read_bytes()
