import os
from pathlib import Path

import pytest

from infra.local.elasticsearch import distribution, server


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_roots_data_in_a_private_folder_becomes_a_link_to_where_the_other_user_can_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PLACE_OF_ROOT", tmp_path / "place")
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    first = server.place(private / "data", "nobody")
    assert (private / "data").is_symlink()
    assert first.parent == tmp_path / "place"
    assert server.place(private / "data", "nobody") == first
    first.rmdir()
    assert server.place(private / "data", "nobody").is_dir()


def test_an_own_folder_stays_where_it_is(tmp_path: Path) -> None:
    assert server.place(tmp_path / "data", "") == (tmp_path / "data").resolve()
    assert not (tmp_path / "data").is_symlink()


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOOKALIKE_CACHE", str(tmp_path))
    assert distribution.default_cache() == tmp_path
