"""The table of picture formats: whatever names a format agrees with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lookalike.adapters.http.fetcher import HttpFetcher
from lookalike.pictures import decoding
from lookalike.pictures.formats import (
    ALL_MEDIA_TYPES,
    MEDIA_TYPES,
    NAMES,
    PICTURE_FORMATS,
    REGISTERED_MEDIA_TYPES,
    SUFFIXES,
    PictureFormat,
    media_type_of,
)
from PIL import Image

from functions.search import openapi
from functions.search.gallery import page
from infra.demo.catalogue import folder_catalogue
from infra.local import gateway
from tests.made_pictures import file_of
from tests.unit.sam_template import ROOT, transform


@pytest.mark.parametrize("row", PICTURE_FORMATS, ids=NAMES)
def test_a_picture_of_each_format_is_decoded(row: PictureFormat) -> None:
    content = file_of(Image.new("RGB", (40, 30), "red"), row.name)

    assert decoding.decode(content, at_least=(10, 10)).width == 40


@pytest.mark.parametrize("row", PICTURE_FORMATS, ids=NAMES)
def test_media_type_and_suffixes_are_those_that_pillow_knows(row: PictureFormat) -> None:
    assert Image.MIME[row.name] in row.media_types
    assert {Image.registered_extensions()[suffix] for suffix in row.suffixes} == {row.name}


WITHOUT_HEIC = """
import sys
sys.modules["pillow_heif"] = None
from lookalike.errors import PictureUnusable
from lookalike.pictures import decoding
from lookalike.pictures.formats import MEDIA_TYPES, NAMES
assert NAMES == ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"), NAMES
assert "image/heic" not in MEDIA_TYPES
try:
    decoding.decode(bytes.fromhex(sys.argv[1]), at_least=(10, 10))
except PictureUnusable as error:
    print(error)
"""


def test_without_its_decoder_a_heic_is_refused_with_the_way_to_a_jpeg() -> None:
    content = file_of(Image.new("RGB", (40, 30), "red"), "HEIF")
    command = [sys.executable, "-c", WITHOUT_HEIC, content.hex()]
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT / "layers")})

    assert run.stdout.startswith("HEIC is not accepted, send a JPEG")


def test_no_two_formats_share_a_name_a_media_type_or_a_suffix() -> None:
    for values in ([row.name for row in PICTURE_FORMATS], MEDIA_TYPES, SUFFIXES):
        assert len(set(values)) == len(values)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.jpeg", "image/jpeg"),
        ("A.B.PNG", "image/png"),
        ("a.TIF", "image/tiff"),
        ("a.avif", "image/avif"),
        ("IMG_0001.HEIC", "image/heic"),
        ("a.txt", "application/octet-stream"),
        ("jpg", "application/octet-stream"),
    ],
)
def test_a_file_s_name_stands_for_a_media_type(name: str, media_type: str) -> None:
    assert media_type_of(name) == media_type


def test_api_gateway_passes_pictures_and_forms_on_as_bytes() -> None:
    declared = transform().only("ApiGateway::RestApi")["Body"]["x-amazon-apigateway-binary-media-types"]

    assert sorted(declared) == sorted([*ALL_MEDIA_TYPES, "multipart/form-data"])
    assert set(declared) == gateway.BINARY_MEDIA_TYPES


def test_the_openapi_document_offers_every_media_type_as_a_body() -> None:
    content = openapi.document()["paths"]["/search"]["post"]["requestBody"]["content"]

    assert list(content) == ["application/json", "multipart/form-data", *REGISTERED_MEDIA_TYPES]


def test_the_gallery_is_told_which_pictures_it_may_send_as_they_are() -> None:
    assert f'data-accepted-types="{" ".join(MEDIA_TYPES)}"' in page.assemble().html


def test_a_picture_s_server_is_asked_for_these_formats_first() -> None:
    accepted = str(HttpFetcher()._session.headers["Accept"])

    assert accepted.split(", ") == [*REGISTERED_MEDIA_TYPES, "image/*;q=0.5"]


def test_the_demo_takes_files_with_these_suffixes(tmp_path: Path) -> None:
    for suffix in (*SUFFIXES, ".txt"):
        (tmp_path / f"picture-{suffix[1:]}{suffix}").touch()

    catalogue = folder_catalogue(tmp_path)

    assert sorted(item.path.suffix for item in catalogue) == sorted(SUFFIXES)
    assert catalogue.ignored == 1


def test_no_other_python_file_or_script_lists_media_types_of_pictures() -> None:
    files = [*(ROOT / "layers/lookalike").rglob("*.py"), *(ROOT / "functions").rglob("*.py"), *(ROOT / "functions").rglob("*.js")]
    listing = [path.name for path in files if sum(media_type in path.read_text() for media_type in MEDIA_TYPES) > 1]

    assert listing == ["formats.py"]
