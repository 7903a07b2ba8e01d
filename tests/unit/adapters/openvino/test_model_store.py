import threading
from pathlib import Path

from lookalike.adapters.openvino.model_store import ModelStore
from lookalike.domain import Embedder, Model

from layers.models import remote


def test_nothing_is_made_beside_other_work_for_a_model_elsewhere(tmp_path: Path) -> None:
    """Its AWS client would be made while the function makes others, which boto3's default session does not allow."""
    remote.export("bedrock/amazon.titan-embed-image-v1", tmp_path, print)
    made: list[str] = []

    def make(model: Model) -> Embedder:
        made.append(model.id)
        raise AssertionError

    ModelStore(tmp_path, "LATENCY", make).begin()

    for thread in threading.enumerate():
        if thread.name == "model":
            thread.join()
    assert made == []
