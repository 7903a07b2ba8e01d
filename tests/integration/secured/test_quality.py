"""A secured index is measured and learned from with the credentials and the authority that the environment gives."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lookalike.adapters.openvino.manifests import read_manifest

from infra.local.aws import AwsServer, session
from layers.quality import adapt, evaluate
from layers.quality.labelled import Labelled
from tests.integration import labelled_index
from tests.integration.secured.server import SecuredServer

MODELS = Path("build/models")
INDEX = "lookalike-measured-1"
CA, SECRET, ARN = (f"LOOKALIKE_ELASTICSEARCH_{name}" for name in ("CA", "SECRET", "SECRET_ARN"))


@pytest.fixture
def source(secured: SecuredServer) -> Iterator[list[str]]:
    """The arguments that name an index of products whose pictures are alike."""
    drawn = np.random.default_rng(3)
    model = read_manifest(MODELS / "efficientnet_lite0")
    labels, bits = np.repeat(np.arange(20), 4), drawn.integers(0, 2**63, (80, 4), dtype=np.uint64)
    vectors = drawn.normal(size=(20, model.dimensions))[labels] + 0.1 * drawn.normal(size=(80, model.dimensions))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    pictures = Labelled([str(number) for number in range(80)], [f"p{number}" for number in range(20)], labels, bits)
    labelled_index.fill(secured.admin, INDEX, model, pictures, vectors)
    yield ["--index", INDEX, "--elasticsearch", secured.url, "--attribute", "product_id"]
    secured.admin.indices.delete(index=INDEX)


def _key(secured: SecuredServer) -> str:
    """A key that may read the index, and create its copy."""
    rights = [
        {"names": ["lookalike-*"], "privileges": ["read", "view_index_metadata"]},
        {"names": ["evaluation-*"], "privileges": ["all"]},
    ]
    made = secured.admin.security.create_api_key(name="quality", role_descriptors={"quality": {"indices": rights}})
    return json.dumps(made.body)


@pytest.mark.parametrize("is_in_secrets_manager", [False, True])
def test_a_secured_index_is_measured(
    is_in_secrets_manager: bool, secured: SecuredServer, aws: AwsServer, source: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in aws.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv(CA, secured.ca)
    if is_in_secrets_manager:
        secrets = session().client("secretsmanager", endpoint_url=aws.url)
        monkeypatch.setenv(ARN, secrets.create_secret(Name="quality", SecretString=_key(secured))["ARN"])
    else:
        monkeypatch.setenv(SECRET, _key(secured))
    monkeypatch.setattr(sys, "argv", ["evaluate", *source, "--copy", "--report", str(tmp_path)])

    assert evaluate.main() == 0

    said = json.loads((tmp_path / "evaluation.json").read_text())["models"][INDEX]
    assert said["means"]["P@1"] == 1
    assert [step["means"]["P@1"] for step in said["losses"]] == [1, 1, 1]


def test_a_secured_index_is_measured_with_the_rights_of_a_search_and_copied_only_with_more(
    secured: SecuredServer, source: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv(CA, secured.ca)
    monkeypatch.setenv(SECRET, secured.key("search"))
    monkeypatch.setattr(sys, "argv", ["evaluate", *source, "--report", str(tmp_path)])
    assert evaluate.main() == 0
    assert json.loads((tmp_path / "evaluation.json").read_text())["models"][INDEX]["means"]["P@1"] == 1

    monkeypatch.setattr(sys, "argv", ["evaluate", *source, "--copy", "--report", str(tmp_path)])
    assert evaluate.main() == 2
    assert "evaluation-" in capsys.readouterr().err


def test_a_secured_index_is_learned_from(
    secured: SecuredServer, source: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CA, secured.ca)
    monkeypatch.setenv(SECRET, secured.key("search"))
    monkeypatch.setattr(sys, "argv", ["adapt", *source, "--output", str(MODELS)])

    assert adapt.main() == 2

    said = capsys.readouterr()
    assert "80 pictures of 20 classes" in said.out
    assert "no model was made" in said.err


@pytest.mark.parametrize(("variable", "value"), [(CA, "garbage"), (SECRET, "garbage")])
def test_what_is_wrong_in_the_environment_is_told(variable: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "argv", ["evaluate", "--index", INDEX, "--elasticsearch", "https://127.0.0.1:1"])

    assert evaluate.main() == 2
    assert ("JSON" if variable == SECRET else CA) in capsys.readouterr().err
