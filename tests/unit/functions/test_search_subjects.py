"""The HTTP API: every way to say what is searched for."""

from io import BytesIO
from typing import Any

import pytest
from lookalike.errors import PictureUnreachable
from PIL import Image

from tests.fakes import picture
from tests.unit.functions.events import http
from tests.unit.functions.search_shop import COUNT, Shop, in_base64

BOUNDARY = "a-line"
FORM = f'multipart/form-data; charset=utf-8; boundary="{BOUNDARY}"'


def _form(*parts: tuple[str, bytes]) -> bytes:
    """Parts, each with what stands after ``form-data;`` in its header, and its content."""
    lines = [b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (BOUNDARY.encode(), head.encode(), body) for head, body in parts]
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def shop() -> Shop:
    return Shop()


def _image_id(shop: Shop, product_id: str) -> str:
    return next(image for image, (indexed, _) in shop.index.documents.items() if indexed.product_id == product_id)


def test_a_picture_of_the_index_is_searched_by_its_id_without_its_own_product(shop: Shop) -> None:
    of_product, of_image = (shop.post(given) for given in ({"product_id": "p-7"}, {"image_id": _image_id(shop, "p-7")}))

    assert of_image.products == of_product.products
    assert shop.post({"image_id": _image_id(shop, "p-7"), "include_self": True}).products[0] == "p-7"
    assert shop.get(image_id=_image_id(shop, "p-7")).products == of_product.products
    assert shop.embedder.embedded == COUNT


def test_a_picture_that_is_not_in_the_index_is_a_404(shop: Shop) -> None:
    assert shop.post({"image_id": "nobody's"}).refused == (404, "not_found", "image_id")


@pytest.mark.parametrize(
    "url",
    ["data:image/png;base64,{}", "DATA:image/png;charset=x;base64,{}", "  data:;base64,{}  ", "data:image/png;BASE64 ,{}"],
)
def test_a_data_url_is_a_picture(url: str, shop: Shop) -> None:
    given = url.format(in_base64(picture(7)))

    assert shop.post({"image_url": given, "size": 1}).products == ["p-7"]
    assert shop.post({"image": given.strip(), "size": 1}).products == ["p-7"]


def test_a_data_url_without_base64_is_percent_encoded(shop: Shop) -> None:
    given = "data:image/png," + "".join(f"%{byte:02X}" for byte in picture(7))

    assert shop.post({"image_url": given, "size": 1}).products == ["p-7"]


def test_base64_may_be_broken_into_lines_and_lack_its_padding(shop: Shop) -> None:
    text = in_base64(picture(7))
    lines = "\r\n".join(text[start : start + 76] for start in range(0, len(text), 76)).rstrip("=")

    assert shop.post({"image": lines, "size": 1}).products == ["p-7"]


def test_a_form_carries_a_file_and_options(shop: Shop) -> None:
    body = _form(
        ('name="image"; filename="grün.png"\r\nContent-Type: image/png', picture(7)),
        ('name="size"', b"3"),
        ('name="filter"', b'{"category": "dress"}'),
        ('name="fields"', b"product_id,score"),
    )

    answer = shop.post(body, kind=FORM, is_base64=True)

    assert (answer.products[0], len(answer.products), set(answer.body["hits"][0])) == ("p-7", 3, {"product_id", "score"})


def test_a_file_that_holds_line_breaks_and_dashes_arrives_whole(shop: Shop) -> None:
    content = picture(7) + b"\r\n--\r\n\n\r--another-line\r\n"
    shop.pictures.files["https://a/odd.png"] = content

    body = _form(('name="image"; filename="a.png"', content), ('name="size"', b"1"))

    assert shop.post(body, kind=FORM, is_base64=True).products == ["p-7"]


@pytest.mark.parametrize("name", ["image_url", "product_id", "image"])
def test_a_form_carries_the_fields_of_a_request(name: str, shop: Shop) -> None:
    value = {"image_url": "https://a/7.jpg", "product_id": "p-7", "image": in_base64(picture(7))}[name]

    answer = shop.post(_form((f'name="{name}"', value.encode()), ('name="size"', b"2")), kind=FORM, is_base64=True)

    assert len(answer.products) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"no form", "body"),
        (_form(('name="image"; filename="a.png"', picture(7)))[:-8], "body"),
        (_form(("no-name", b"1")), "body"),
        (_form(('name="size"', b"\xff")), "body"),
        (_form(*[('name="size"', b"1")] * 51), "body"),
        (_form(('name="size"', b"1")), "image_url"),
        (_form(('name="picture"; filename="a.png"', picture(7))), "image"),
        (_form(*[('name="image"; filename="a.png"', picture(7))] * 2), "image"),
        (_form(('name="image"; filename="a.png"', picture(7)), ('name="product_id"', b"p-7")), "product_id"),
        (_form(('name="product_id"', b"p-7"), ('name="size"', b"0")), "size"),
        (_form(('name="product_id"', b"p-7"), ('name="product_id"', b"p-8")), "product_id"),
    ],
)
def test_a_wrong_form_is_a_400_that_names_the_field(body: bytes, field: str, shop: Shop) -> None:
    assert shop.post(body, kind=FORM, is_base64=True).refused == (400, "request_invalid", field)


def test_the_options_of_a_form_may_be_query_parameters(shop: Shop) -> None:
    body = _form(('name="image"; filename="a.png"', picture(7)), ('name="fields"', b"product_id"))

    answer = shop.post(body, kind=FORM, is_base64=True, size="1", fields="score")

    assert answer.body["hits"] == [{"product_id": "p-7", "score": 1.0}]
    twice = _form(('name="image"; filename="a.png"', picture(7)), ('name="size"', b"2"))
    assert shop.post(twice, kind=FORM, is_base64=True, size="1").refused == (400, "request_invalid", "size")


def test_with_json_a_query_parameter_is_refused_instead_of_being_ignored(shop: Shop) -> None:
    assert shop.post({"product_id": "p-7"}, size="3").refused == (400, "request_invalid", "size")


def test_a_form_without_a_boundary_is_a_400(shop: Shop) -> None:
    assert shop.post(b"--a--", kind="multipart/form-data", is_base64=True).refused == (400, "request_invalid", "Content-Type")


LEFT_HALF = {"left": 0, "top": 0, "right": 0.5, "bottom": 1}


def test_only_the_part_in_the_crop_box_is_searched_for(shop: Shop) -> None:
    """A picture of two: each half finds the one that it shows."""
    both = Image.new("RGB", (64, 32))
    for place, number in ((0, 3), (32, 9)):
        both.paste(_image(number), (place, 0))
    content = _png(both)
    shop.pictures.files["https://a/both.png"] = content
    right_half = {"left": 0.5, "top": 0, "right": 1, "bottom": 1}

    answers = [
        shop.post({"image_url": "https://a/both.png", "crop": LEFT_HALF}),
        shop.get(image_url="https://a/both.png", crop="0,0,0.5,1"),
        shop.post_picture(content, crop="0,0,0.5,1"),
        shop.post(_form(('name="image"; filename="a.png"', content), ('name="crop"', b"0,0,.5,1")), kind=FORM, is_base64=True),
        shop.post({"images": [{"image_url": "https://a/both.png", "crop": LEFT_HALF}]}),
        shop.post({"image": in_base64(content), "crop": right_half}),
    ]

    assert [answer.products[0] for answer in answers] == ["p-3"] * 5 + ["p-9"]
    assert [answer.body["hits"][0]["score"] for answer in answers] == [1.0] * 6


@pytest.mark.parametrize("crop", ["0,0,1", "0,0,1,x", "0.5,0,0.5,1", '{"left": 0}', ""])
def test_a_crop_box_that_is_none_is_a_400(crop: str, shop: Shop) -> None:
    status, code, field = shop.get(image_url="https://a/7.jpg", crop=crop).refused

    assert (status, code) == (400, "request_invalid")
    assert (field or "").startswith("crop")


def test_several_pictures_are_searched_by_at_once(shop: Shop) -> None:
    both = {"images": [{"product_id": "p-3"}, {"image_url": "https://a/9.jpg"}], "include_self": True, "size": 2}

    assert set(shop.post(both).products) == {"p-3", "p-9"}
    assert shop.post(both | {"images": [{"product_id": "p-3", "weight": 5}, {"image_url": "https://a/9.jpg"}]}).products[0] == "p-3"


def test_products_that_are_among_several_are_left_out_unless_asked_for(shop: Shop) -> None:
    given: dict[str, Any] = {"images": [{"product_id": "p-3"}, {"product_id": "p-9", "weight": -0.5}], "size": 100}

    assert len(shop.post(given).products) == COUNT - 2
    assert set(shop.post(given | {"include_self": True}).products) == {f"p-{n}" for n in range(COUNT)}


def test_what_is_not_liked_goes_down_and_proposes_nothing(shop: Shop) -> None:
    liked = {"image_url": "https://a/3.jpg"}
    without = shop.post({"images": [liked], "size": 100}).products
    nearest = without[1]
    unlike = {"product_id": nearest, "weight": -0.9}

    ranked = shop.post({"images": [liked, unlike], "size": 100, "include_self": True}).products

    assert ranked[0] == "p-3"
    assert ranked.index(nearest) > without.index(nearest)
    assert set(ranked) == set(without)


def test_several_pictures_that_cannot_be_had_are_told(shop: Shop) -> None:
    shop.pictures.files["https://a/gone.jpg"] = PictureUnreachable("the picture's server answered 410", status=410)

    assert shop.post({"images": [{"image_url": "https://a/3.jpg"}, {"image_url": "https://a/gone.jpg"}]}).refused == (
        422,
        "picture_unreachable",
        None,
    )


def test_several_pictures_may_be_asked_for_in_the_query(shop: Shop) -> None:
    assert shop.get(images='[{"product_id": "p-3"}, {"product_id": "p-9", "weight": 2}]', size="3").status == 200
    assert shop.call(http("search_get", multiValueQueryStringParameters={"images": ["no JSON"]})).refused[2] == "images"


def _image(number: int) -> Image.Image:
    return Image.open(BytesIO(picture(number)))


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
