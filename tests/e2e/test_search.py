"""The HTTP API: good questions, bad ones, and what each is answered."""

import struct
import zlib
from base64 import b64encode
from collections.abc import Callable
from io import BytesIO

import pytest
import requests
from PIL import Image, ImageDraw

from infra.demo.catalogue import CatalogueItem
from infra.demo.image_server import ImageServer
from infra.local.running_system import RunningSystem
from tests.e2e.shop_client import ShopClient

Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="module")
def catalogue(shop: ShopClient, items: list[CatalogueItem], eventually: Eventually) -> list[CatalogueItem]:
    """Twelve products that are indexed."""
    chosen = items[100:112]
    for number, item in enumerate(chosen):
        shop.put(f"images/s-{number}.jpg", item.path.read_bytes(), {"number": str(number), "kind": "even" if number % 2 == 0 else "odd"})
    eventually(lambda: all(shop.documents(f"s-{number}") for number in range(len(chosen))))
    return chosen


def test_every_way_to_give_a_picture_finds_it(shop: ShopClient, catalogue: list[CatalogueItem], images: ImageServer) -> None:
    picture = catalogue[0].path.read_bytes()
    answers = [
        shop.get("/search", image_url=images.url(catalogue[0].path.name)),
        shop.search({"image_url": images.url(catalogue[0].path.name)}),
        shop.search({"image": b64encode(picture).decode()}),
        shop.search_by_upload(picture),
        shop.search_by_form(picture),
        shop.search({"product_id": "s-0", "include_self": True}),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert [answer.json()["hits"][0][name] for name in ("product_id", "score")] == ["s-0", 1.0]
        assert set(answer.json()["timings_ms"]) == {"fetch", "decode", "embed", "search"}


def test_similar_products_leave_the_product_itself_out(shop: ShopClient, catalogue: list[CatalogueItem]) -> None:
    hits = shop.get("/products/s-0/similar", size=5).json()["hits"]

    assert len(hits) == 5
    assert "s-0" not in [hit["product_id"] for hit in hits]


def test_filter_size_fields_min_score_and_exact_do_what_they_say(shop: ShopClient, catalogue: list[CatalogueItem]) -> None:
    wanted = {"product_id": "s-0", "filter": {"kind": "odd", "number": {"lt": 8}}, "size": 3, "fields": ["product_id", "attributes.number"]}
    hits = shop.search(wanted).json()["hits"]

    assert len(hits) == 3
    assert all(set(hit) == {"product_id", "attributes"} and int(hit["attributes"]["number"]) in (1, 3, 5, 7) for hit in hits)
    assert shop.search(wanted | {"exact": True}).json()["hits"] == hits
    assert shop.search({"product_id": "s-0", "min_score": 1.0}).json()["hits"] == []


def test_pages_repeat_nothing_and_reach_every_product(shop: ShopClient, catalogue: list[CatalogueItem]) -> None:
    """The picture is none of the index, so that the cursor carries its vector."""
    everything = {"filter": {"number": {"exists": True}}}
    picture = b64encode(catalogue[0].path.read_bytes() + b"other bytes").decode()
    page = shop.search(everything | {"image": picture, "size": 5}).json()
    hits = page["hits"]
    while page["next_cursor"]:
        page = shop.search({"cursor": page["next_cursor"]}).json()
        assert page["timings_ms"]["fetch"] == page["timings_ms"]["decode"] == page["timings_ms"]["embed"] == 0
        hits += page["hits"]

    whole = shop.search(everything | {"image": picture, "size": 100}).json()["hits"]
    assert [hit["product_id"] for hit in hits] == [hit["product_id"] for hit in whole]
    assert len({hit["product_id"] for hit in hits}) == len(hits) >= len(catalogue)


def test_a_copy_that_was_encoded_anew_resized_and_cropped_is_told_from_look_alikes(
    shop: ShopClient, catalogue: list[CatalogueItem]
) -> None:
    with Image.open(catalogue[3].path) as image:
        width, height = image.size
        cropped = image.crop((round(0.02 * width), round(0.02 * height), round(0.98 * width), round(0.98 * height)))
        buffer = BytesIO()
        cropped.resize((width // 2, height // 2)).convert("RGB").save(buffer, "JPEG", quality=60)
    asked = {"image": b64encode(buffer.getvalue()).decode(), "filter": {"number": {"exists": True}}}

    copies = shop.search(asked | {"near_duplicates": True}).json()["hits"]

    assert [hit["product_id"] for hit in copies] == ["s-3"]
    assert len(shop.search(asked).json()["hits"]) == 10


def test_the_thing_in_a_photograph_is_found_and_searched_by(shop: ShopClient, catalogue: list[CatalogueItem]) -> None:
    photograph = Image.new("RGB", (640, 480), (228, 228, 224))
    ImageDraw.Draw(photograph).rounded_rectangle((384, 60, 600, 380), 20, fill="firebrick")
    buffer = BytesIO()
    photograph.save(buffer, "PNG")
    picture = b64encode(buffer.getvalue()).decode()

    answer = requests.post(f"{shop.system.search_url}/detect", data=buffer.getvalue(), headers={"Content-Type": "image/png"}, timeout=60)

    assert (answer.status_code, answer.json()["model"]) == (200, "u2netp"), answer.text
    crop = answer.json()["boxes"][0]["crop"]
    corners = (crop["left"], crop["top"], crop["right"], crop["bottom"])
    assert corners == pytest.approx((0.6, 0.125, 0.9375, 0.79), abs=0.06)
    auto, given = (shop.search({"image": picture, "crop": each}).json() for each in ("auto", crop))
    assert auto["crops"] == given["crops"] == [crop]
    found, expected = ([(hit["product_id"], hit["score"]) for hit in each["hits"]] for each in (auto, given))
    assert found == expected != []


def test_several_pictures_and_diverse_ones_and_single_ones_are_found(shop: ShopClient, catalogue: list[CatalogueItem]) -> None:
    filtered = {"filter": {"number": {"exists": True}}, "size": 4}
    blend = {"images": [{"product_id": "s-1"}, {"image_url": "data:;base64," + b64encode(catalogue[2].path.read_bytes()).decode()}]}
    unlike = {"images": [{"product_id": "s-1"}, {"product_id": "s-2", "weight": -1}]}

    liked = shop.search(filtered | blend | {"include_self": True}).json()["hits"]
    assert {"s-1", "s-2"} <= {hit["product_id"] for hit in liked}
    assert not {"s-1", "s-2"} & {hit["product_id"] for hit in shop.search(filtered | unlike).json()["hits"]}
    nearest, diverse = (shop.search(filtered | {"product_id": "s-1", "diversity": share}).json()["hits"] for share in (0, 0.9))
    assert len(diverse) == 4
    assert sum(hit["score"] for hit in diverse) < sum(hit["score"] for hit in nearest)
    assert len({hit["image_id"] for hit in shop.search(filtered | {"product_id": "s-1", "per": "image"}).json()["hits"]}) == 4


def test_a_product_can_be_looked_at_and_gone_on_from(shop: ShopClient, catalogue: list[CatalogueItem]) -> None:
    product = shop.get("/products/s-5").json()

    assert product["attributes"] == {"number": "5", "kind": "odd"}
    [picture] = product["pictures"]
    assert requests.get(picture["image_url"], timeout=30).content == catalogue[5].path.read_bytes()
    [hit] = shop.search({"image_id": picture["image_id"], "include_self": True, "size": 1}).json()["hits"]
    assert (hit["product_id"], hit["score"]) == ("s-5", 1.0)


def test_attributes_and_stats_tell_what_there_is(shop: ShopClient, catalogue: list[CatalogueItem]) -> None:
    attributes = {each["name"]: each for each in shop.get("/attributes").json()["attributes"]}
    stats = shop.get("/stats").json()

    assert attributes["number"]["filters"] == ["value", "values", "exists", "range"]
    assert {"odd", "even"} <= {value["value"] for value in attributes["kind"]["values"]}
    assert stats["pictures"] >= stats["products"] >= len(catalogue)
    assert stats["last_indexed_at"]


def test_health_says_that_all_agree(shop: ShopClient, catalogue: list[CatalogueItem]) -> None:
    answer = shop.get("/health")

    assert (answer.status_code, answer.json()["status"], answer.json()["fault"]) == (200, "ok", None)
    assert answer.json()["index"].startswith(f"lookalike-{answer.json()['model']}-")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "image_url"),
        ({"image_url": "http://a/b.jpg", "product_id": "s-0"}, "product_id"),
        ({"product_id": "s-0", "sizes": 3}, "sizes"),
        ({"product_id": "s-0", "size": 101}, "size"),
        ({"product_id": "s-0", "filter": {"any": []}}, "filter.any"),
        ({"image": "not base64!"}, "image"),
        ({"image_url": "ftp://a/b.jpg"}, "image_url"),
    ],
)
def test_a_wrong_request_is_answered_400_and_names_the_field(
    shop: ShopClient, catalogue: list[CatalogueItem], body: dict[str, object], field: str
) -> None:
    answer = shop.search(body)

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert answer.json()["error"]["request_id"]


def test_a_filter_that_nobody_can_meet_is_answered_with_a_warning_each_time(shop: ShopClient, catalogue: list[CatalogueItem]) -> None:
    for _ in range(2):
        answer = shop.search({"product_id": "s-0", "filter": {"not": {"no-such": "x"}, "any": [{"kind": {"gte": 1}}]}})

        assert (answer.status_code, answer.json()["hits"]) == (200, [])
        assert [warning["field"] for warning in answer.json()["warnings"]] == ["filter.no-such", "filter.kind"]


def test_an_unknown_product_is_answered_404(shop: ShopClient, catalogue: list[CatalogueItem]) -> None:
    assert shop.search({"product_id": "nobody"}).status_code == 404
    assert shop.get("/products/nobody/similar").status_code == 404


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("text.jpg", "not a picture"),
        ("half.jpg", "truncated"),
        ("empty.jpg", "zero bytes"),
        ("missing.jpg", "404"),
        ("fault/huge", "too large"),
    ],
)
def test_a_bad_picture_is_answered_422_and_says_why(
    shop: ShopClient, catalogue: list[CatalogueItem], images: ImageServer, name: str, reason: str
) -> None:
    answer = shop.get("/search", image_url=images.url(name))

    assert answer.status_code == 422
    assert reason in answer.json()["error"]["message"]


def test_a_private_address_is_refused_also_behind_a_redirect(
    shop: ShopClient, system: RunningSystem, catalogue: list[CatalogueItem], images: ImageServer
) -> None:
    for url in (system.elasticsearch_url, f"{images.url('fault/redirect')}?to={system.elasticsearch_url}/"):
        answer = shop.get("/search", image_url=url)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "picture_unreachable")
        assert "private" in answer.json()["error"]["message"]


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(shop: ShopClient, catalogue: list[CatalogueItem]) -> None:
    answer = shop.search_by_upload(_png(30_000, 30_000), "image/png")

    assert answer.status_code == 422
    assert "30,000 x 30,000" in answer.json()["error"]["message"]


@pytest.mark.processes
def test_a_body_that_the_gateway_cannot_carry_is_answered_413(shop: ShopClient) -> None:
    answer = shop.search_by_upload(b"\xff" * 6_000_000)

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.processes
def test_a_route_that_is_none_is_answered_404_in_the_same_shape(system: RunningSystem) -> None:
    answer = requests.get(f"{system.search_url}/nowhere", timeout=30)

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def _png(width: int, height: int) -> bytes:
    """A black PNG of one bit a pixel: small as a file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((width // 8 + 1) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
