"""An index that cannot be read is told in one line by the commands that measure and adapt networks."""

import sys

import pytest

from layers.quality import adapt, evaluate

ADAPT = ["efficientnet_lite0", "--output", "build/models"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1", "Elasticsearch cannot be reached"),
        ("localhost:9200", "localhost:9200 is no address of an Elasticsearch"),
        ("", "there is no index 'no-such-index' in Elasticsearch"),
    ],
)
@pytest.mark.parametrize(("main", "arguments"), [(evaluate.main, []), (adapt.main, ADAPT)], ids=["evaluate", "adapt"])
def test_an_index_that_cannot_be_read_is_told(
    elasticsearch_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    url: str,
    reason: str,
    main: object,
    arguments: list[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["command", *arguments, "--index", "no-such-index", "--elasticsearch", url or elasticsearch_url])

    assert callable(main)
    assert main() == 2
    assert reason in capsys.readouterr().err
