"""The containers themselves, for tests that look inside."""

import pytest

from infra.local.sam.engine import Engine
from infra.local.sam.system import SamSystem


@pytest.fixture(scope="session")
def sam(containers: SamSystem | None) -> SamSystem:
    """The system on `sam local`."""
    assert containers
    return containers


@pytest.fixture(scope="session")
def docker(sam: SamSystem) -> Engine:
    """The engine that it runs on."""
    return sam.engine
