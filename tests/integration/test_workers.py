"""Ctrl-C while workers run tests: what their fixtures made is gone before the command ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.processes import wait_for, wait_until_gone
from tests.workers import ALONE, TOGETHER, shared_by

REPOSITORY = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "tests.workers", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile"]
CONFTEST = """
import os, pathlib, shutil, signal, time
import pytest
from xdist.workermanage import NodeManager

NodeManager.EXIT_TIMEOUT = 0.1  # seconds until the controller kills its workers, once it has told them to end
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it

@pytest.fixture(scope="session")
def folder():
    made = pathlib.Path(__file__).parent / f"of-{os.getpid()}"
    made.mkdir()
    yield made
    (made / "ending").touch()
    while not (made.parent / "told twice").exists():
        time.sleep(0.05)
    shutil.rmtree(made)
"""
TEST = """
import time

def test_that_does_not_end(folder):
    (folder / "running").touch()
    time.sleep(600)
"""


def test_after_an_interrupt_each_worker_undoes_its_fixtures_though_it_is_told_twice(tmp_path: Path) -> None:
    for name, content in {"conftest.py": CONFTEST, "test_one.py": TEST, "test_two.py": TEST}.items():
        (tmp_path / name).write_text(content)
    command = [*COMMAND, "--rootdir", str(tmp_path), str(tmp_path)]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE) as controller:
        try:
            workers = _interrupted(controller, tmp_path)
            assert b"KeyboardInterrupt" in controller.communicate()[0]
        finally:
            controller.kill()

    assert not list(tmp_path.glob("of-*"))
    for worker in workers:
        wait_until_gone(worker)


def _interrupted(controller: "subprocess.Popen[bytes]", folder: Path) -> list[int]:
    """Interrupts the command while both workers run a test, and each of them again while it ends; answers with their ids."""
    wait_for(lambda: len(list(folder.glob("of-*/running"))) == 2)
    workers = [int(made.name.removeprefix("of-")) for made in folder.glob("of-*")]
    controller.send_signal(signal.SIGINT)
    wait_for(lambda: len(list(folder.glob("of-*/ending"))) == 2)
    for worker in workers:
        os.kill(worker, signal.SIGINT)
    (folder / "told twice").touch()
    return workers


@pytest.mark.parametrize(
    ("test", "work"),
    [
        ("tests/e2e/test_search.py::test_a[x::y]", "tests/e2e/"),
        ("tests/e2e/gallery/test_hits.py::test_b", "tests/e2e/"),
        ("tests/e2e/test_faults.py::test_c", "tests/e2e/test_faults.py"),
        ("tests/integration/secured/test_tls.py::test_d", "tests/integration/secured/"),
        ("tests/integration/test_words.py::test_e", "tests/integration/test_words.py"),
    ],
)
def test_files_that_share_a_system_are_one_worker_s_and_others_go_to_any(test: str, work: str) -> None:
    assert shared_by(test) == work


def test_what_is_shared_out_by_name_is_there() -> None:
    assert all((REPOSITORY / path).exists() for path in (*TOGETHER, *ALONE))
