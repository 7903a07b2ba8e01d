"""The gallery in the system's Chromium. Screenshots are kept in build/screenshots."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import requests
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Playwright, Route, expect, sync_playwright
from werkzeug import wrappers

from infra.local import invocation
from infra.local.catalogue import CatalogueItem
from infra.local.gateway import Gateway
from infra.local.image_server import ImageServer
from infra.local.loopback import LoopbackServer
from infra.local.running_system import RunningSystem
from tests.e2e.gallery import Gallery
from tests.e2e.shop import Shop

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

pytestmark = pytest.mark.processes

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COUNT = 60
PAGE = 24
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
KEY = "key-of-the-test"

Opens = Callable[..., Gallery]


@pytest.fixture(scope="module")
def catalogue(
    system: RunningSystem,
    sqs: "SQSClient",
    shop: Shop,
    images: ImageServer,
    items: list[CatalogueItem],
    eventually: Callable[[Callable[[], bool]], None],
) -> list[CatalogueItem]:
    """Sixty products with the attributes of a shop, the first with two pictures; and one that was uploaded."""
    chosen = items[200 : 200 + COUNT]
    products: list[dict[str, Any]] = [
        {"product_id": _id(n), "image_urls": [images.url(item.path.name)], "attributes": {**item.attributes, "suite": "gallery"}}
        for n, item in enumerate(chosen)
    ]
    products[0]["image_urls"].append(images.url(items[261].path.name))
    for start in range(0, COUNT, 20):
        sqs.send_message(QueueUrl=system.resources.products.url, MessageBody=json.dumps({"put": products[start : start + 20]}))
    shop.put("images/g-uploaded.jpg", items[262].path.read_bytes(), {"suite": "gallery", "name": "Uploaded"})
    eventually(lambda: all(shop.documents(product_id) for product_id in (_id(0), _id(COUNT - 1), "g-uploaded")))
    eventually(lambda: shop.get("/search", product_id=_id(0), size=100, filter={"suite": "gallery"}).text.count("product_id") == COUNT)
    return chosen


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: install Debian's package chromium, or Google Chrome")
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def opens(browser: Browser, system: RunningSystem, catalogue: list[CatalogueItem]) -> Iterator[Opens]:
    """Opens the gallery in a window of its own; in the end no window may have complained."""
    contexts: list[BrowserContext] = []
    galleries: list[Gallery] = []

    def open_(address: str = "/", *, url: str = "", prepare: Callable[[Gallery], Any] = lambda gallery: None, **options: Any) -> Gallery:
        contexts.append(browser.new_context(**{"viewport": DESKTOP, **options}))
        contexts[-1].set_default_timeout(20_000)
        galleries.append(Gallery(contexts[-1].new_page(), url or system.search_url))
        prepare(galleries[-1])
        return galleries[-1].open(address)

    yield open_
    for context in contexts:
        context.close()
    assert [text for gallery in galleries for text in gallery.surprises] == []


# ---- Ways in


def test_a_chosen_picture_finds_its_product_first(opens: Opens, catalogue: list[CatalogueItem]) -> None:
    gallery = opens()
    gallery.choose(catalogue[3].path)

    assert (gallery.products[0], gallery.scores[0]) == (_id(3), 1.0)
    expect(gallery.heading).to_have_text("Your picture")


def test_a_picture_can_be_dropped_anywhere(opens: Opens, catalogue: list[CatalogueItem]) -> None:
    gallery = opens()
    gallery.searching(lambda: gallery.drop(catalogue[4].path))

    assert gallery.products[0] == _id(4)
    expect(gallery.page.get_by_text("Drop it")).to_be_hidden()


def test_a_picture_can_be_pasted(opens: Opens, catalogue: list[CatalogueItem]) -> None:
    gallery = opens()
    gallery.searching(lambda: gallery.paste(catalogue[5].path))

    assert gallery.products[0] == _id(5)


def test_an_address_can_be_pasted_or_entered(opens: Opens, catalogue: list[CatalogueItem], images: ImageServer) -> None:
    gallery = opens()
    gallery.searching(lambda: gallery.paste_text(images.url(catalogue[6].path.name)))
    assert gallery.products[0] == _id(6)

    gallery.link(images.url(catalogue[7].path.name))
    assert gallery.products[0] == _id(7)
    expect(gallery.heading).to_have_text("Linked picture")


def test_what_is_no_address_is_not_sent_and_the_field_says_what_is_wanted(opens: Opens) -> None:
    gallery = opens()
    field = gallery.page.get_by_label("Link to a picture")
    field.fill("red shoes")
    field.press("Enter")

    expect(gallery.page.get_by_role("alert").first).to_contain_text("https://")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    assert not any(url.endswith("/search") for url in gallery.requested)


def test_a_click_on_a_product_goes_on_from_there(opens: Opens, catalogue: list[CatalogueItem]) -> None:
    gallery = opens(f"/?product_id={_id(0)}")
    next_product = gallery.products[1]
    body = gallery.searching(lambda: gallery.cards.nth(1).click())

    assert body["product_id"] == next_product
    assert next_product not in gallery.products
    expect(gallery.heading).to_have_text(str(catalogue[int(next_product.removeprefix("g-"))].attributes["name"]))
    expect(gallery.heading).to_be_focused()


def test_the_start_says_how_much_there_is_and_shows_products_to_begin_with(opens: Opens) -> None:
    gallery = opens()
    suggestions = gallery.page.get_by_role("list", name="Or begin with one of these").get_by_role("link")
    expect(suggestions).to_have_count(12)
    expect(gallery.page.get_by_text(re.compile(r"the \d+ products"))).to_be_visible()
    product_id = suggestions.first.get_attribute("data-product-id")

    assert gallery.searching(lambda: suggestions.first.click())["product_id"] == product_id


def test_a_large_picture_is_scaled_down_before_it_is_sent(opens: Opens, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (2600, 3000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    assert (tmp_path / "large.png").stat().st_size > 10_000_000

    body = opens().choose(tmp_path / "large.png")

    assert len(body["image"]) < 4_400_000


def test_a_file_that_is_no_picture_is_refused_with_advice(opens: Opens, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear shop")
    gallery = opens()
    gallery.page.set_input_files("#file", tmp_path / "letter.txt")

    expect(gallery.page.get_by_role("alert").first).to_contain_text("Save it as JPEG or PNG")


# ---- The crop box


def test_a_crop_box_is_drawn_with_the_mouse(opens: Opens, catalogue: list[CatalogueItem], images: ImageServer) -> None:
    gallery = opens()
    gallery.link(images.url(catalogue[0].path.name))
    body = gallery.searching(lambda: gallery.drag((0.2, 0.3), (0.8, 0.9)))

    assert body["crop"] == pytest.approx({"left": 0.2, "top": 0.3, "right": 0.8, "bottom": 0.9}, abs=0.02)
    assert parse_qs(urlsplit(gallery.page.url).query)["crop"]
    gallery.photograph("crop")
    body = gallery.searching(lambda: gallery.drag((0.8, 0.9), (0.6, 0.7)))
    assert body["crop"] == pytest.approx({"left": 0.2, "top": 0.3, "right": 0.6, "bottom": 0.7}, abs=0.02)
    body = gallery.searching(lambda: gallery.drag((0.4, 0.5), (0.5, 0.6)))
    assert body["crop"] == pytest.approx({"left": 0.3, "top": 0.4, "right": 0.7, "bottom": 0.8}, abs=0.02)

    body = gallery.searching(lambda: gallery.button("Whole picture").click())
    assert "crop" not in body


def test_a_crop_box_is_drawn_with_a_finger(opens: Opens) -> None:
    gallery = opens(f"/?product_id={_id(2)}", **PHONE)
    gallery.cards.first.wait_for()
    gallery.searching(lambda: gallery.button("Search a part").tap())
    body = gallery.searching(lambda: gallery.swipe((0.85, 0.85), (0.6, 0.7)))

    assert body["crop"] == pytest.approx({"left": 0.15, "top": 0.15, "right": 0.6, "bottom": 0.7}, abs=0.03)


def test_a_crop_box_is_moved_and_resized_with_the_keys(opens: Opens, catalogue: list[CatalogueItem]) -> None:
    gallery = opens()
    gallery.choose(catalogue[1].path)
    gallery.searching(lambda: gallery.button("Search a part").press("Enter"))
    expect(gallery.crop_box).to_be_focused()
    expect(gallery.crop_box).to_have_accessible_description(re.compile("Arrow keys move"))

    def press() -> None:
        for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowLeft"):
            gallery.page.keyboard.press(key)

    assert gallery.searching(press)["crop"] == pytest.approx({"left": 0.19, "top": 0.13, "right": 0.87, "bottom": 0.83})
    expect(gallery.crop_box).to_have_accessible_name("19 to 87 percent across, 13 to 83 percent down")
    assert "crop" not in gallery.searching(lambda: gallery.page.keyboard.press("Escape"))
    expect(gallery.button("Search a part")).to_be_focused()


def test_a_part_of_an_uploaded_product_can_be_searched(opens: Opens) -> None:
    gallery = opens("/?product_id=g-uploaded")
    gallery.cards.first.wait_for()
    gallery.searching(lambda: gallery.drag((0.1, 0.1), (0.9, 0.9)))

    assert "g-uploaded" in gallery.products
    shared = parse_qs(urlsplit(gallery.page.url).query)
    assert (shared["product_id"], set(shared)) == (["g-uploaded"], {"product_id", "image_id", "crop"})


def test_boxes_that_follow_on_each_other_are_one_step_for_back(opens: Opens) -> None:
    gallery = opens(f"/?product_id={_id(2)}")
    gallery.cards.first.wait_for()
    gallery.searching(lambda: gallery.drag((0.2, 0.2), (0.7, 0.7)))
    gallery.searching(lambda: gallery.drag((0.7, 0.7), (0.9, 0.9)))
    gallery.page.go_back()

    expect(gallery.crop_box).to_be_hidden()
    assert gallery.page.url.endswith(f"/?product_id={_id(2)}")


def test_one_of_several_pictures_of_a_product_can_be_searched_by(opens: Opens) -> None:
    gallery = opens(f"/?product_id={_id(0)}")
    gallery.cards.first.wait_for()
    body = gallery.searching(lambda: gallery.button("Search by picture 2 only").click())

    assert set(body) == {"image_id", "size"}
    expect(gallery.button("Search by picture 2 only")).to_have_attribute("aria-pressed", "true")


# ---- Filters


def test_filters_come_from_the_indexs_own_attributes_and_narrow_the_hits(opens: Opens, catalogue: list[CatalogueItem]) -> None:
    gallery = opens(f"/?product_id={_id(0)}")
    colours = gallery.page.get_by_role("form", name="Filters").get_by_role("group", name="colour", exact=True)
    _unfold(gallery, "colour")
    colour = str(catalogue[1].attributes["colour"])
    body = gallery.searching(lambda: colours.get_by_role("checkbox", name=re.compile(colour)).check())

    assert body["filter"] == {"colour": colour}
    assert {_attribute(catalogue, product, "colour") for product in gallery.products if product != "g-uploaded"} == {colour}
    expect(colours.get_by_role("checkbox", name=re.compile(colour))).to_be_focused()
    gallery.photograph("filters")
    body = gallery.searching(lambda: gallery.button(f"Remove the filter colour: {colour}").click())
    assert "filter" not in body
    expect(colours.get_by_role("checkbox", name=re.compile(colour))).not_to_be_checked()


def test_numbers_are_filtered_by_bounds_and_several_values_widen(opens: Opens, catalogue: list[CatalogueItem]) -> None:
    gallery = opens(f"/?product_id={_id(0)}")
    _unfold(gallery, "price")
    price = gallery.page.get_by_role("group", name="price", exact=True)
    price.get_by_label("from").fill("20")
    gallery.searching(lambda: price.get_by_label("from").press("Tab"))
    price.get_by_label("to").fill("100")
    body = gallery.searching(lambda: price.get_by_label("to").press("Tab"))

    assert body["filter"] == {"price": {"gte": 20, "lte": 100}}
    assert all(20 <= _attribute(catalogue, product, "price") <= 100 for product in gallery.products)
    _unfold(gallery, "category")
    boxes = gallery.page.get_by_role("group", name="category", exact=True).get_by_role("checkbox")
    gallery.searching(lambda: boxes.nth(0).check())
    body = gallery.searching(lambda: boxes.nth(1).check())
    assert len(body["filter"]["category"]) == 2


def test_a_filter_of_the_address_that_no_field_can_show_is_kept_and_can_be_removed(opens: Opens) -> None:
    wanted = {"not": {"category": "dress"}, "suite": "gallery"}
    gallery = opens(f"/?product_id={_id(0)}&filter={json.dumps(wanted)}")
    _unfold(gallery, "in_stock")
    body = gallery.searching(lambda: gallery.page.get_by_role("checkbox", name=re.compile("^true")).check())
    assert body["filter"] == {**wanted, "in_stock": "true"}

    body = gallery.searching(lambda: gallery.page.get_by_role("button", name="Remove the filter not").click())
    assert body["filter"] == {"suite": "gallery", "in_stock": "true"}


# ---- Hits


def test_every_hit_shows_its_score_the_best_first(opens: Opens) -> None:
    gallery = opens(f"/?product_id={_id(0)}")

    assert len(gallery.products) == len(gallery.scores) == PAGE
    assert gallery.scores == sorted(gallery.scores, reverse=True)
    assert all(0.3 < score < 1 for score in gallery.scores)


def test_more_products_are_loaded_none_of_them_twice(opens: Opens) -> None:
    gallery = opens(f"/?product_id={_id(0)}&filter={json.dumps({'suite': 'gallery'})}")
    first = gallery.products
    body = gallery.searching(lambda: gallery.button("Show more").click())

    expect(gallery.cards).to_have_count(2 * PAGE)
    assert set(body) == {"cursor", "size"}
    expect(gallery.cards.nth(PAGE)).to_be_focused()
    expect(gallery.announced).to_have_text(f"{PAGE} more products, {2 * PAGE} in all")
    gallery.searching(lambda: gallery.button("Show more").click())
    expect(gallery.cards).to_have_count(COUNT)
    assert gallery.products[:PAGE] == first
    assert len(set(gallery.products)) == COUNT
    expect(gallery.button("Show more")).to_be_hidden()


def test_a_picture_that_cannot_be_loaded_leaves_a_hit_that_says_so(opens: Opens) -> None:
    gallery = opens(f"/?product_id={_id(0)}", prepare=lambda gallery: gallery.page.route("**/*.jpg*", lambda route: route.abort()))
    gallery.expected.append("ERR_FAILED")
    gallery.cards.first.wait_for()

    expect(gallery.cards.first.get_by_text("The picture cannot be shown")).to_be_visible()


# ---- The address bar


def test_the_query_in_the_address_can_be_shared(opens: Opens) -> None:
    gallery = opens(f"/?product_id={_id(0)}")
    gallery.searching(lambda: gallery.drag((0.1, 0.1), (0.9, 0.7)))
    _unfold(gallery, "in_stock")
    gallery.searching(lambda: gallery.page.get_by_role("checkbox", name=re.compile("^true")).check())
    shared = gallery.page.url.removeprefix(gallery.url)

    other = opens(shared)

    assert (other.products, other.scores) == (gallery.products, gallery.scores)
    expect(other.crop_box).to_be_visible()
    expect(other.button("Remove the filter in_stock: true")).to_be_visible()


def test_back_shows_what_was_found_where_one_was_without_searching_again(opens: Opens, catalogue: list[CatalogueItem]) -> None:
    gallery = opens()
    gallery.choose(catalogue[3].path)
    gallery.searching(lambda: gallery.button("Show more").click())
    found = gallery.products
    gallery.cards.nth(40).scroll_into_view_if_needed()
    height = gallery.page.evaluate("scrollY")
    assert height > 500
    gallery.searching(lambda: gallery.cards.nth(40).click())
    assert gallery.page.evaluate("scrollY") == 0
    searches = [url for url in gallery.requested if url.endswith("/search")]

    gallery.page.go_back()
    expect(gallery.heading).to_have_text("Your picture")
    assert gallery.products == found
    expect(gallery.cards.nth(40)).to_be_focused()
    assert gallery.page.evaluate("scrollY") == pytest.approx(height, abs=5)
    gallery.page.go_forward()
    expect(gallery.cards).to_have_count(PAGE)
    assert [url for url in gallery.requested if url.endswith("/search")] == searches
    gallery.page.go_back()
    gallery.page.go_back()
    expect(gallery.heading).to_have_text("Find what looks like it")


def test_an_uploaded_picture_is_kept_for_back_and_said_not_to_be_in_the_address(opens: Opens, catalogue: list[CatalogueItem]) -> None:
    gallery = opens()
    gallery.choose(catalogue[3].path)
    expect(gallery.page.get_by_text("the address cannot be shared")).to_be_visible()
    assert gallery.page.url == f"{gallery.url}/"
    gallery.searching(lambda: gallery.cards.nth(1).click())
    gallery.page.go_back()
    body = gallery.searching(lambda: gallery.drag((0.2, 0.2), (0.8, 0.8)))
    assert set(body) == {"image", "crop", "size"}

    gallery.page.reload()
    expect(gallery.page.get_by_text("kept only until")).to_be_visible()
    gallery.choose(catalogue[3].path)
    assert gallery.products[0] == _id(3)


@pytest.mark.parametrize("address", ["/v1", "/v1/"])
def test_it_works_under_a_stage_path_with_and_without_its_slash(opens: Opens, system: RunningSystem, address: str) -> None:
    def behind_a_stage(request: wrappers.Request) -> wrappers.Response:
        url = f"{system.search_url}/{request.full_path.removeprefix('/v1').lstrip('/')}"
        passed = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
        answer = requests.request(request.method, url, data=request.get_data(), headers=passed, timeout=60)
        return wrappers.Response(answer.content, answer.status_code, {"Content-Type": answer.headers["Content-Type"]})

    with LoopbackServer(behind_a_stage) as server:
        gallery = opens(f"{address}?product_id={_id(0)}", url=server.url)
        gallery.searching(lambda: gallery.cards.first.click())

        assert urlsplit(gallery.page.url).path == "/v1/"
        assert all(urlsplit(url).path.startswith("/v1") for url in gallery.requested if url.startswith(server.url))


# ---- For everybody


def test_it_can_be_used_by_keys_alone(opens: Opens, catalogue: list[CatalogueItem], images: ImageServer) -> None:
    gallery = opens()
    press = gallery.page.keyboard.press
    press("Tab")
    expect(gallery.page.get_by_role("link", name="Skip to the products")).to_be_focused()
    while gallery.focused.get_attribute("id") != "link":
        press("Tab")
        assert _is_outlined(gallery)
    gallery.page.keyboard.type(images.url(catalogue[8].path.name))
    gallery.searching(lambda: press("Enter"))
    expect(gallery.heading).to_be_focused()
    gallery.page.get_by_role("link", name="Skip to the products").focus()
    press("Enter")
    expect(gallery.page.get_by_role("heading", name="Products that look like it")).to_be_focused()
    press("Tab")
    expect(gallery.cards.first).to_be_focused()
    assert _is_outlined(gallery)
    assert gallery.searching(lambda: press("Enter"))["product_id"] == _id(8)


def test_parts_have_roles_and_names_and_results_are_announced(opens: Opens) -> None:
    gallery = opens(f"/?product_id={_id(0)}")
    page = gallery.page
    gallery.cards.first.wait_for()

    for role, name in {
        "search": "Search by picture",
        "main": None,
        "banner": None,
        "form": "Filters",
        "region": "Products that look like it",
    }.items():
        expect(page.get_by_role(role, name=name) if name else page.get_by_role(role)).to_be_visible()  # type: ignore[arg-type]
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_label("Choose a picture")).to_be_attached()
    expect(page.get_by_role("img", name="The picture that is searched for")).to_be_visible()
    expect(gallery.cards.first).to_have_accessible_name(re.compile(r"\w+.*score 0\.\d{3}"))
    expect(gallery.announced).to_have_text(re.compile(r"^The 24 nearest products\. The nearest has the score 0\.\d{3}\.$"))
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, input, a')].filter((e) => e.checkVisibility() && "
        "!(e.ariaLabel || e.textContent.trim() || e.labels?.length)).map((e) => e.outerHTML)"
    )
    assert unnamed == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_a_contrast_of_four_and_a_half(opens: Opens, scheme: str) -> None:
    gallery = opens(color_scheme=scheme)
    assert [text for text, contrast in gallery.contrasts().items() if contrast < 4.5] == []
    gallery.photograph(f"start-{scheme}")
    gallery.open(f"/?product_id={_id(0)}&filter={json.dumps({'suite': 'gallery'})}")
    gallery.cards.first.wait_for()
    gallery.button("Remove the filter suite: gallery").wait_for()
    assert [text for text, contrast in gallery.contrasts().items() if contrast < 4.5] == []
    gallery.photograph(f"desktop-{scheme}")


def test_nothing_moves_for_who_wants_no_motion(opens: Opens) -> None:
    gallery = opens(f"/?product_id={_id(0)}", reduced_motion="reduce", prepare=Delay().hold)
    gallery.page.locator(".skeleton").first.wait_for()

    assert gallery.page.evaluate("document.getAnimations().length") == 0


def test_it_fits_a_phone(opens: Opens) -> None:
    gallery = opens(**PHONE)
    assert not gallery.is_wider_than_the_window()
    gallery.photograph("phone-start")
    gallery.open(f"/?product_id={_id(0)}")
    gallery.cards.first.wait_for()

    assert not gallery.is_wider_than_the_window()
    boxes = [card.bounding_box() for card in gallery.cards.all()[:3]]
    assert len({box["x"] for box in boxes if box}) == 2
    gallery.photograph("phone")
    expect(gallery.page.get_by_role("form", name="Filters")).to_be_hidden()
    gallery.button("Filters").tap()
    expect(gallery.page.get_by_role("form", name="Filters")).to_be_visible()
    expect(gallery.button("Filters")).to_have_attribute("aria-expanded", "true")
    assert not gallery.is_wider_than_the_window()
    gallery.photograph("phone-filters")


# ---- Waiting, nothing, and what went wrong


def test_while_it_searches_skeletons_stand_where_products_will(opens: Opens) -> None:
    delay = Delay()
    gallery = opens(f"/?product_id={_id(0)}", prepare=delay.hold)
    expect(gallery.page.locator(".skeleton").first).to_be_visible()
    expect(gallery.page.get_by_role("region", name="Products that look like it")).to_have_attribute("aria-busy", "true")
    expect(gallery.announced).to_have_text("Searching")
    gallery.photograph("searching")
    delay.let_go()
    expect(gallery.cards).to_have_count(PAGE)
    expect(gallery.page.locator(".skeleton")).to_have_count(0)


def test_nothing_found_says_what_to_do(opens: Opens) -> None:
    gallery = opens(f"/?product_id={_id(0)}&filter={json.dumps({'price': {'gte': 1_000_000}})}")

    expect(gallery.page.get_by_role("heading", name="Nothing passes these filters")).to_be_visible()
    expect(gallery.announced).to_contain_text("Nothing passes these filters")
    gallery.photograph("empty")
    gallery.searching(lambda: gallery.button("Remove all filters").click())
    expect(gallery.cards).to_have_count(PAGE)


@pytest.mark.parametrize(
    ("address", "status", "title", "remedy"),
    [
        ("/?image_url={images}/text.jpg", 422, "This picture cannot be used", "Choose another picture"),
        ("/?image_url={images}/missing.jpg", 422, "There is no picture at this address", "Choose another picture"),
        ("/?image_url={images}/fault/status/503", 503, "No answer just now", "Try again"),
        ("/?product_id=nobody", 404, "This product is gone", "Choose another picture"),
        ('/?product_id=g-0&filter={"no-such":1}', 400, "This filter cannot be used", "Remove all filters"),
    ],
)
def test_a_failure_says_what_happened_and_what_to_do(
    opens: Opens, images: ImageServer, address: str, status: int, title: str, remedy: str
) -> None:
    gallery = opens(address.replace("{images}", f"http://{images.origin}"))

    expect(gallery.page.get_by_role("heading", name=title)).to_be_visible()
    expect(gallery.button(remedy)).to_be_visible()
    expect(gallery.page.get_by_text("Reference for support:")).to_be_visible()
    expect(gallery.announced).to_contain_text(title)
    gallery.photograph(f"error-{status}")
    gallery.expected.append("Failed to load resource")


def test_a_lost_connection_is_said_and_the_search_can_be_tried_again(opens: Opens) -> None:
    gallery = opens(f"/?product_id={_id(0)}")
    gallery.cards.first.wait_for()
    gallery.page.context.set_offline(True)
    gallery.cards.first.click()
    expect(gallery.page.get_by_role("heading", name="No connection")).to_be_visible()
    gallery.photograph("error-offline")
    gallery.page.context.set_offline(False)
    gallery.searching(lambda: gallery.button("Try again").click())

    expect(gallery.cards).to_have_count(PAGE)
    gallery.expected.append("ERR_INTERNET_DISCONNECTED")


# ---- The key


@pytest.fixture
def locked(system: RunningSystem, invoke: invocation.Invoke) -> Iterator[Gateway]:
    """The same API behind a gateway that wants a key."""
    with Gateway(invoke, "lookalike-search", api_key=KEY) as gateway:
        yield gateway


def test_the_key_is_asked_for_once_and_kept_for_the_tab(opens: Opens, locked: Gateway) -> None:
    gallery = opens(url=locked.url)
    expect(gallery.page.get_by_role("dialog")).to_be_hidden()
    gallery.page.goto(f"{gallery.url}/?product_id={_id(0)}")
    dialog = gallery.page.get_by_role("dialog", name="API key")
    expect(dialog.get_by_label("Key", exact=True)).to_be_focused()
    gallery.photograph("key")
    dialog.get_by_label("Key", exact=True).fill("wrong")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_role("alert")).to_contain_text("This key was refused")
    dialog.get_by_label("Key", exact=True).fill(KEY)
    gallery.searching(lambda: dialog.get_by_role("button", name="Continue").click())

    expect(gallery.cards).to_have_count(PAGE)
    expect(dialog).to_be_hidden()
    gallery.page.reload()
    expect(gallery.cards).to_have_count(PAGE)
    expect(dialog).to_be_hidden()
    assert gallery.page.evaluate("[sessionStorage.length, localStorage.length]") == [1, 0]
    gallery.button("Forget API key").click()
    assert gallery.page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 0]
    gallery.cards.first.click()
    expect(dialog).to_be_visible()
    gallery.expect_failure(403)


def test_the_key_is_remembered_on_the_device_only_if_asked_to(opens: Opens, locked: Gateway) -> None:
    gallery = opens(f"/?product_id={_id(0)}", url=locked.url)
    dialog = gallery.page.get_by_role("dialog", name="API key")
    dialog.get_by_label("Key", exact=True).fill(KEY)
    dialog.get_by_label("Remember it on this device").check()
    gallery.searching(lambda: dialog.get_by_role("button", name="Continue").click())

    assert gallery.page.evaluate("[sessionStorage.length, localStorage.length]") == [0, 1]
    gallery.expect_failure(403)


def test_without_a_key_the_page_says_that_one_is_needed(opens: Opens, locked: Gateway) -> None:
    gallery = opens(f"/?product_id={_id(0)}", url=locked.url)
    gallery.page.get_by_role("dialog", name="API key").get_by_role("button", name="Not now").click()
    expect(gallery.page.get_by_role("heading", name="An API key is needed")).to_be_visible()
    gallery.button("Enter an API key").click()
    dialog = gallery.page.get_by_role("dialog", name="API key")
    dialog.get_by_label("Key", exact=True).fill(KEY)
    gallery.searching(lambda: dialog.get_by_role("button", name="Continue").click())

    expect(gallery.cards).to_have_count(PAGE)
    gallery.expect_failure(403)


# ---- Safety


def test_the_page_loads_nothing_but_pictures_and_the_api(opens: Opens, system: RunningSystem, images: ImageServer) -> None:
    gallery = opens(f"/?product_id={_id(0)}")
    gallery.cards.first.wait_for()
    gallery.wait_for_pictures()

    origins = {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in gallery.requested if not url.startswith(("data:", "blob:"))}
    assert origins <= {system.search_url, f"http://{images.origin}", system.aws_url}
    paths = {urlsplit(url).path for url in gallery.requested if url.startswith(system.search_url)}
    assert paths == {"/", "/search", "/attributes", f"/products/{_id(0)}"}


def test_what_is_not_on_the_page_does_not_run(opens: Opens) -> None:
    gallery = opens()
    policy = requests.get(f"{gallery.url}/", timeout=30).headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    gallery.page.evaluate("document.body.append(Object.assign(document.createElement('script'), { type: 'text/plain' }))")
    ran = gallery.page.evaluate(
        """async () => {
            const script = document.createElement('script');
            try { script.textContent = 'window.ran = true'; document.body.append(script); } catch { return 'refused'; }
            return window.ran ?? 'blocked';
        }"""
    )

    assert ran in ("refused", "blocked")
    assert gallery.complaints
    gallery.complaints.clear()


def test_what_comes_from_the_index_stays_text(opens: Opens) -> None:
    bad = '"><img src=x onerror="window.ran=1"><script>window.ran=1</script>'
    hit = {"product_id": f"../{bad}", "image_id": "1", "score": 0.5, "attributes": {"name": bad, bad: [bad, {bad: bad}], "__proto__": bad}}
    urls = ["javascript:window.ran=1", "data:text/html,<script>window.ran=1</script>", bad, ""]
    answer: dict[str, Any] = {"hits": [{**hit, "image_url": url} for url in urls], "next_cursor": None, "model": bad, "timings_ms": {}}
    facets = [{"name": bad, "pictures": 2, "values": [{"value": bad, "pictures": 2}], "least": None, "most": None}]

    def lie(gallery: Gallery) -> None:
        gallery.page.route("**/search", lambda route: route.fulfill(json=answer))
        gallery.page.route("**/attributes", lambda route: route.fulfill(json={"attributes": facets}))
        gallery.page.route("**/products/**", lambda route: route.fulfill(json={**hit, "pictures": answer["hits"]}))

    gallery = opens(prepare=lie)
    gallery.open(f"/?product_id={_id(0)}")
    expect(gallery.cards).to_have_count(len(urls))
    gallery.cards.first.click()
    expect(gallery.page.get_by_role("heading", level=1)).to_contain_text("<img src=x")
    expect(gallery.cards.get_by_text("The picture cannot be shown")).to_have_count(len(urls))

    assert gallery.page.evaluate("window.ran ?? null") is None
    assert gallery.page.evaluate("document.querySelectorAll('main img[src=x], main script').length") == 0


# ---- What helps the tests


class Delay:
    """Holds back the answers of searches until it is told to let go."""

    def __init__(self) -> None:
        self._held: list[Route] = []
        self._is_holding = True

    def hold(self, gallery: Gallery) -> None:
        gallery.page.route("**/search", self._take)

    def let_go(self) -> None:
        self._is_holding = False
        for route in self._held:
            route.continue_()

    def _take(self, route: Route) -> None:
        if self._is_holding:
            self._held.append(route)
        else:
            route.continue_()


def _id(number: int) -> str:
    return f"g-{number}"


def _attribute(catalogue: list[CatalogueItem], product_id: str, name: str) -> Any:
    return catalogue[int(product_id.removeprefix("g-"))].attributes[name]


def _unfold(gallery: Gallery, name: str) -> None:
    """Opens the fields of an attribute."""
    gallery.cards.first.wait_for()
    details = gallery.page.locator(f"details[data-name='{name}']")
    details.wait_for()
    if details.get_attribute("open") is None:
        details.locator("summary").click()


def _is_outlined(gallery: Gallery) -> bool:
    """Whether the focus is seen: on the element, or on the label that stands for a hidden one."""
    script = """(element) => [element, ...(element.labels ?? [])].some((each) => getComputedStyle(each).outlineStyle !== 'none')"""
    return bool(gallery.focused.evaluate(script))
