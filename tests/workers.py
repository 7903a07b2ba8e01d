"""Workers of pytest-xdist beside each other: how tests that share servers are shared out, and how all end in order after Ctrl-C."""

import os
import signal
from contextlib import suppress

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

TOGETHER = ("tests/e2e/", "tests/integration/secured/")
"""Folders whose files share a system: one worker runs them, so that it is started once."""

ALONE = ("tests/e2e/test_faults.py", "tests/e2e/test_new_model.py")
"""Files in them that start one of their own."""

ENDED_WITHIN_S = 120

_NODES = pytest.StashKey[list[WorkerController]]()


class Schedule(LoadFileScheduling):  # type: ignore[misc]
    """Gives a worker all tests for which `shared_by` is the same."""

    def _split_scope(self, nodeid: str) -> str:
        return shared_by(nodeid)


def shared_by(nodeid: str) -> str:
    """The file that a test is in, or the folder in `TOGETHER`."""
    file = nodeid.split("::", 1)[0]
    return file if file in ALONE else next((folder for folder in TOGETHER if file.startswith(folder)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Schedule | None:
    return Schedule(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        signal.signal(signal.SIGINT, _interrupt_once)


def _interrupt_once(*_: object) -> None:
    """Execnet sends a second signal after five seconds, which would end the first one's tidying up half way."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    node.config.stash.setdefault(_NODES, []).append(node)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Before xdist kills its workers, they are interrupted too, and may stop their servers and remove their folders."""
    running = [node for node in session.config.stash.get(_NODES, []) if not hasattr(node, "workeroutput") and not node.channel.isclosed()]
    for node in running:
        os.kill(node.gateway._rinfo().pid, signal.SIGINT)
    for node in running:
        with suppress(EOFError, OSError, node.channel.RemoteError):  # it ended otherwise, or does not end: xdist says so, and kills it
            node.channel.waitclose(ENDED_WITHIN_S)
