"""The events of `tests/events`, by which each function can be invoked alone, are what AWS sends and what the functions read."""

import base64
import json
from hashlib import md5
from typing import Any
from urllib.parse import unquote_plus

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent, S3Event, SQSEvent
from lookalike.adapters.sqs import backfill_messages, messages
from lookalike.backfill.messages import ReadSlice
from lookalike.domain import Product
from lookalike.keys import DEFAULT_KEYS
from lookalike.pictures import decoding

from functions.backfill import commands
from functions.search import requests
from tests.unit.sam_template import ROOT, transform

FOLDER = ROOT / "tests" / "events"
FUNCTIONS = [folder.parent.name for folder in (ROOT / "functions").glob("*/__init__.py")]


def event(name: str) -> dict[str, Any]:
    """An example by its name."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def names(prefix: str) -> list[str]:
    """The examples of a function."""
    return sorted(path.stem for path in FOLDER.glob(f"{prefix}*.json"))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_examples(function: str) -> None:
    assert names(f"{function}_")


def test_every_example_belongs_to_a_function() -> None:
    assert all(any(name.startswith(f"{function}_") for function in FUNCTIONS) for name in names(""))


@pytest.mark.parametrize("name", [name for name in names("") if "Records" in event(name)])
def test_a_queue_s_record_has_the_checksum_of_its_body(name: str) -> None:
    for record in SQSEvent(event(name)).records:
        assert record.md5_of_body == md5(record.body.encode()).hexdigest()


@pytest.mark.parametrize("name", ["on_upload_put", "on_upload_delete", "on_upload_lifecycle_expiration"])
def test_an_upload_s_key_has_spaces_and_umlauts_once_it_is_decoded(name: str) -> None:
    [message] = SQSEvent(event(name)).records
    [change] = S3Event(message.json_body).records
    key = unquote_plus(change.s3.get_object.key)
    assert key == "images/Kleid grün 42/Vorne links.jpg"
    assert DEFAULT_KEYS.product_of_key(key) == "Kleid grün 42"


def test_index_products_can_read_the_messages_about_products() -> None:
    [put] = SQSEvent(event("index_products_put")).records
    [delete] = SQSEvent(event("index_products_delete")).records
    products = messages.decode(put.body)[0].items
    assert messages.decode(delete.body)[0].items == tuple(product.product_id for product in products if isinstance(product, Product))


@pytest.mark.parametrize("name", ["backfill_start", "backfill_status"])
def test_backfill_can_read_the_commands(name: str) -> None:
    assert commands.read(event(name)).action == name.removeprefix("backfill_")


def test_backfill_can_read_the_message_about_a_slice() -> None:
    [message] = SQSEvent(event("backfill_slice")).records
    assert isinstance(backfill_messages.decode(message.json_body), ReadSlice)


@pytest.mark.parametrize("name", names("search_"))
def test_an_http_example_calls_a_route_that_the_template_declares(name: str) -> None:
    call = APIGatewayProxyEvent(event(name))
    assert call.http_method.lower() in transform().only("ApiGateway::RestApi")["Body"]["paths"][call.resource]


def test_search_can_read_the_examples_that_ask_for_one_picture() -> None:
    by_url = requests.from_strings(event("search_get")["multiValueQueryStringParameters"])
    by_json = requests.from_json(json.loads(event("search_post_json")["body"]))
    assert by_url.image_url == "https://images.example/kleid-gr%C3%BCn.jpg"
    assert by_url.size == by_json.size == 5
    assert by_json.image


def test_the_body_of_the_example_that_posts_a_picture_is_one() -> None:
    call = event("search_post_picture")
    assert call["isBase64Encoded"] is True
    picture = decoding.decode(base64.b64decode(call["body"]), at_least=(96, 96))
    assert (picture.width, picture.height) == (96, 96)
