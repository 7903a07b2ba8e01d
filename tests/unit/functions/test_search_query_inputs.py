"""The HTTP API: every form of query input, such as URLs, bytes, forms, crop boxes and several pictures."""

from io import BytesIO
from typing import Any

import pytest
from lookalike.errors import PictureUnreachable
from PIL import Image

from tests.fakes import picture
from tests.unit.functions.events import http
from tests.unit.functions.search_function import COUNT, SearchFunction, in_base64

BOUNDARY = "a-line"
FORM = f'multipart/form-data; charset=utf-8; boundary="{BOUNDARY}"'


def _form(*parts: tuple[str, bytes]) -> bytes:
    """Parts, each with what stands after ``form-data;`` in its header, and its content."""
    lines = [b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (BOUNDARY.encode(), head.encode(), body) for head, body in parts]
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def api() -> SearchFunction:
    return SearchFunction()


def _image_id(api: SearchFunction, product_id: str) -> str:
    return next(image for image, (indexed, _) in api.index.documents.items() if indexed.product_id == product_id)


def test_a_picture_of_the_index_is_searched_by_its_id_without_its_own_product(api: SearchFunction) -> None:
    of_product, of_image = (api.post(given) for given in ({"product_id": "p-7"}, {"image_id": _image_id(api, "p-7")}))

    assert of_image.products == of_product.products
    assert api.post({"image_id": _image_id(api, "p-7"), "include_self": True}).products[0] == "p-7"
    assert api.get(image_id=_image_id(api, "p-7")).products == of_product.products
    assert api.embedder.embedded == COUNT


def test_a_picture_that_is_not_in_the_index_is_a_404(api: SearchFunction) -> None:
    assert api.post({"image_id": "nobody's"}).refused == (404, "not_found", "image_id")


@pytest.mark.parametrize(
    "url",
    ["data:image/png;base64,{}", "DATA:image/png;charset=x;base64,{}", "  data:;base64,{}  ", "data:image/png;BASE64 ,{}"],
)
def test_a_data_url_is_a_picture(url: str, api: SearchFunction) -> None:
    given = url.format(in_base64(picture(7)))

    assert api.post({"image_url": given, "size": 1}).products == ["p-7"]
    assert api.post({"image": given.strip(), "size": 1}).products == ["p-7"]


def test_a_data_url_without_base64_is_percent_encoded(api: SearchFunction) -> None:
    given = "data:image/png," + "".join(f"%{byte:02X}" for byte in picture(7))

    assert api.post({"image_url": given, "size": 1}).products == ["p-7"]


def test_base64_may_be_broken_into_lines_and_lack_its_padding(api: SearchFunction) -> None:
    text = in_base64(picture(7))
    lines = "\r\n".join(text[start : start + 76] for start in range(0, len(text), 76)).rstrip("=")

    assert api.post({"image": lines, "size": 1}).products == ["p-7"]


def test_a_form_carries_a_file_and_options(api: SearchFunction) -> None:
    body = _form(
        ('name="image"; filename="grün.png"\r\nContent-Type: image/png', picture(7)),
        ('name="size"', b"3"),
        ('name="filter"', b'{"category": "dress"}'),
        ('name="fields"', b"product_id,score"),
    )

    answer = api.post(body, kind=FORM, is_base64=True)

    assert (answer.products[0], len(answer.products), set(answer.body["hits"][0])) == ("p-7", 3, {"product_id", "score"})


def test_a_file_that_holds_line_breaks_and_dashes_arrives_whole(api: SearchFunction) -> None:
    content = picture(7) + b"\r\n--\r\n\n\r--another-line\r\n"
    api.fetcher.files["https://a/odd.png"] = content

    body = _form(('name="image"; filename="a.png"', content), ('name="size"', b"1"))

    assert api.post(body, kind=FORM, is_base64=True).products == ["p-7"]


@pytest.mark.parametrize("name", ["image_url", "product_id", "image"])
def test_a_form_carries_the_fields_of_a_request(name: str, api: SearchFunction) -> None:
    value = {"image_url": "https://a/7.jpg", "product_id": "p-7", "image": in_base64(picture(7))}[name]

    answer = api.post(_form((f'name="{name}"', value.encode()), ('name="size"', b"2")), kind=FORM, is_base64=True)

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
def test_a_wrong_form_is_a_400_that_names_the_field(body: bytes, field: str, api: SearchFunction) -> None:
    assert api.post(body, kind=FORM, is_base64=True).refused == (400, "request_invalid", field)


def test_the_options_of_a_form_may_be_query_parameters(api: SearchFunction) -> None:
    body = _form(('name="image"; filename="a.png"', picture(7)), ('name="fields"', b"product_id"))

    answer = api.post(body, kind=FORM, is_base64=True, size="1", fields="score")

    assert answer.body["hits"] == [{"product_id": "p-7", "score": 1.0}]
    twice = _form(('name="image"; filename="a.png"', picture(7)), ('name="size"', b"2"))
    assert api.post(twice, kind=FORM, is_base64=True, size="1").refused == (400, "request_invalid", "size")


def test_with_json_a_query_parameter_is_refused_instead_of_being_ignored(api: SearchFunction) -> None:
    assert api.post({"product_id": "p-7"}, size="3").refused == (400, "request_invalid", "size")


def test_a_form_without_a_boundary_is_a_400(api: SearchFunction) -> None:
    assert api.post(b"--a--", kind="multipart/form-data", is_base64=True).refused == (400, "request_invalid", "Content-Type")


LEFT_HALF = {"left": 0, "top": 0, "right": 0.5, "bottom": 1}


def test_only_the_part_in_the_crop_box_is_searched_for(api: SearchFunction) -> None:
    """A picture of two: each half finds the one that it shows."""
    both = Image.new("RGB", (64, 32))
    for place, number in ((0, 3), (32, 9)):
        both.paste(_image(number), (place, 0))
    content = _png(both)
    api.fetcher.files["https://a/both.png"] = content
    right_half = {"left": 0.5, "top": 0, "right": 1, "bottom": 1}

    answers = [
        api.post({"image_url": "https://a/both.png", "crop": LEFT_HALF}),
        api.get(image_url="https://a/both.png", crop="0,0,0.5,1"),
        api.post_picture(content, crop="0,0,0.5,1"),
        api.post(_form(('name="image"; filename="a.png"', content), ('name="crop"', b"0,0,.5,1")), kind=FORM, is_base64=True),
        api.post({"images": [{"image_url": "https://a/both.png", "crop": LEFT_HALF}]}),
        api.post({"image": in_base64(content), "crop": right_half}),
    ]

    assert [answer.products[0] for answer in answers] == ["p-3"] * 5 + ["p-9"]
    assert [answer.body["hits"][0]["score"] for answer in answers] == [1.0] * 6


@pytest.mark.parametrize("crop", ["0,0,1", "0,0,1,x", "0.5,0,0.5,1", '{"left": 0}', ""])
def test_a_crop_box_that_is_none_is_a_400(crop: str, api: SearchFunction) -> None:
    status, code, field = api.get(image_url="https://a/7.jpg", crop=crop).refused

    assert (status, code) == (400, "request_invalid")
    assert (field or "").startswith("crop")


def test_several_pictures_are_searched_by_at_once(api: SearchFunction) -> None:
    both = {"images": [{"product_id": "p-3"}, {"image_url": "https://a/9.jpg"}], "include_self": True, "size": 2}

    assert set(api.post(both).products) == {"p-3", "p-9"}
    assert api.post(both | {"images": [{"product_id": "p-3", "weight": 5}, {"image_url": "https://a/9.jpg"}]}).products[0] == "p-3"


def test_products_that_are_among_several_are_left_out_unless_asked_for(api: SearchFunction) -> None:
    given: dict[str, Any] = {"images": [{"product_id": "p-3"}, {"product_id": "p-9", "weight": -0.5}], "size": 100}

    assert len(api.post(given).products) == COUNT - 2
    assert set(api.post(given | {"include_self": True}).products) == {f"p-{n}" for n in range(COUNT)}


def test_what_is_not_liked_goes_down_and_proposes_nothing(api: SearchFunction) -> None:
    liked = {"image_url": "https://a/3.jpg"}
    without = api.post({"images": [liked], "size": 100}).products
    nearest = without[1]
    unlike = {"product_id": nearest, "weight": -0.9}

    ranked = api.post({"images": [liked, unlike], "size": 100, "include_self": True}).products

    assert ranked[0] == "p-3"
    assert ranked.index(nearest) > without.index(nearest)
    assert set(ranked) == set(without)


def test_of_several_pictures_one_that_is_not_there_refuses_the_request(api: SearchFunction) -> None:
    api.fetcher.files["https://a/gone.jpg"] = PictureUnreachable("the picture's server answered 410", status=410)

    assert api.post({"images": [{"image_url": "https://a/3.jpg"}, {"image_url": "https://a/gone.jpg"}]}).refused == (
        422,
        "picture_unreachable",
        None,
    )


def test_several_pictures_may_be_asked_for_in_the_query(api: SearchFunction) -> None:
    assert api.get(images='[{"product_id": "p-3"}, {"product_id": "p-9", "weight": 2}]', size="3").status == 200
    assert api.call(http("search_get", multiValueQueryStringParameters={"images": ["no JSON"]})).refused[2] == "images"


def _image(number: int) -> Image.Image:
    return Image.open(BytesIO(picture(number)))


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
