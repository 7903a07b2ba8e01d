"""The containers themselves, for tests that look inside."""

import pytest

from infra.sam.system import SamSystem
from infra.sam.without_registry.engine import Engine


@pytest.fixture(scope="session")
def sam(containers: SamSystem | None) -> SamSystem:
    """The system on `sam local`."""
    assert containers
    return containers


@pytest.fixture(scope="session")
def docker(sam: SamSystem) -> Engine:
    """The engine that it runs on."""
    return sam.engine
