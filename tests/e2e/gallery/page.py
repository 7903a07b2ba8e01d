"""The gallery as a user meets it: what is seen, and what hands can do."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, Route

SCREENSHOTS = Path("build/screenshots")
API_KEY = "key-of-the-test"
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}

_FILE = """([base64, type, name]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name, { type }));
    return data;
}"""
_TEXT = "([type, text]) => { const data = new DataTransfer(); data.setData(type, text); return data; }"
_PASTE = "(data) => document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))"

_CONTRASTS = """() => {
    const rgba = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
    const luminance = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const ground = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const colour = rgba(getComputedStyle(each).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const isExempt = (element) => element.closest('.visually-hidden, .skeleton, .crop');
    const isSeen = (element) => element.checkVisibility({ visibilityProperty: true }) && !isExempt(element);
    return [...document.body.querySelectorAll('*')].filter((element) => hasText(element) && isSeen(element)).map((element) => {
        const [light, dark] = [rgba(getComputedStyle(element).color), ground(element)].map(luminance).sort((a, b) => b - a);
        return [element.textContent.trim().slice(0, 40), (light + 0.05) / (dark + 0.05)];
    });
}"""


class Gallery:
    """An open page.

    Args:
        page: the browser's.
        url: of the API.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        """What the browser complained of on its console: errors of scripts, violations of the policy, answers that failed."""
        self.expected: list[str] = []
        """Parts of complaints that a test causes."""
        self.requested: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requested.append(request.url))

    def open(self, address: str = "/") -> "Gallery":
        """Goes there."""
        self.page.goto(f"{self.url}{address}")
        return self

    def expect_failure(self, status: int) -> None:
        """The browser may complain of answers with this status."""
        self.expected.append(f"status of {status}")

    @property
    def unexpected_complaints(self) -> list[str]:
        """Complaints that nobody expected."""
        return [text for text in self.complaints if not any(part in text for part in self.expected)]

    # ---- What is seen

    @property
    def cards(self) -> Locator:
        """The products found."""
        return self.page.get_by_role("region", name="Similar products").get_by_role("listitem").get_by_role("link")

    @property
    def products(self) -> list[str]:
        """Their ids, the best first."""
        self.cards.first.wait_for()
        return [str(card.get_attribute("data-product-id")) for card in self.cards.all()]

    @property
    def scores(self) -> list[float]:
        """Their scores as shown."""
        return [float(re.findall(r"score (\d\.\d{3})", text)[0]) for text in self.cards.all_text_contents()]

    @property
    def announced(self) -> Locator:
        """What a screen reader says by itself."""
        return self.page.get_by_role("status")

    @property
    def heading(self) -> Locator:
        """What is searched for."""
        return self.page.get_by_role("heading", level=1)

    @property
    def focused(self) -> Locator:
        """What has the keyboard."""
        return self.page.locator(":focus")

    def button(self, name: str) -> Locator:
        """A button by its name."""
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def frames(self) -> Locator:
        """The things in the query picture that can be chosen."""
        return self.page.get_by_role("group", name="Things in the picture").get_by_role("button")

    @property
    def crop_box(self) -> Locator:
        """The box on the query picture."""
        return self.page.get_by_role("application")

    def contrasts(self) -> dict[str, float]:
        """The contrast of each text that is seen with what is behind it."""
        return dict(self.page.evaluate(_CONTRASTS))

    def is_wider_than_the_window(self) -> bool:
        """Whether one must scroll sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

    def wait_for_pictures(self) -> None:
        """Until every picture in sight is there."""
        self.page.wait_for_function(
            "() => [...document.images].filter((image) => image.checkVisibility())"
            ".every((image) => image.complete || image.getBoundingClientRect().top > innerHeight)"
        )

    def is_focus_visible(self) -> bool:
        """Whether the focus has an outline: on the element, or on the label of a hidden one."""
        script = """(element) => [element, ...(element.labels ?? [])].some((each) => getComputedStyle(each).outlineStyle !== 'none')"""
        return bool(self.focused.evaluate(script))

    def photograph(self, name: str, *, whole: bool = False) -> None:
        """Keeps a screenshot."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.wait_for_pictures()
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)

    # ---- What hands do

    def search(self, act: Callable[[], Any]) -> dict[str, Any]:
        """Does something that searches; returns the request's body when the answer is there."""
        with self.page.expect_response(lambda response: response.url.endswith("/search")) as answered:
            act()
        body: dict[str, Any] = json.loads(answered.value.request.post_data or "{}")
        answered.value.finished()
        self.page.locator("#results[aria-busy='false']").wait_for()
        return body

    def choose(self, path: Path) -> dict[str, Any]:
        """Chooses a file."""
        return self.search(lambda: self.page.set_input_files("#file", path))

    def link(self, address: str) -> dict[str, Any]:
        """Enters the address of a picture."""
        self.page.get_by_label("Link to a picture").fill(address)
        return self.search(lambda: self.page.keyboard.press("Enter"))

    def open_facet(self, name: str) -> None:
        """Opens the fields of an attribute."""
        self.cards.first.wait_for()
        details = self.page.locator(f"details[data-name='{name}']")
        details.wait_for()
        if details.get_attribute("open") is None:
            details.locator("summary").click()

    def drop(self, path: Path) -> None:
        """Drops a file somewhere on the page."""
        data = self.page.evaluate_handle(_FILE, _file(path))
        self.page.dispatch_event("main", "dragover", {"dataTransfer": data})
        self.page.get_by_text("Drop the picture").wait_for()
        self.page.dispatch_event("main", "drop", {"dataTransfer": data})

    def paste(self, path: Path) -> None:
        """Pastes a picture."""
        self.page.evaluate(_PASTE, self.page.evaluate_handle(_FILE, _file(path)))

    def paste_text(self, text: str) -> None:
        """Pastes a text while no field has the keyboard."""
        self.page.evaluate(_PASTE, self.page.evaluate_handle(_TEXT, ["text", text]))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drags the mouse over the query picture, from and to fractions of it."""
        (x0, y0), (x1, y1) = self.place(*start), self.place(*end)
        self.page.mouse.move(x0, y0)
        self.page.mouse.down()
        self.page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
        self.page.mouse.move(x1, y1)
        self.page.mouse.up()

    def swipe(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """The same with a finger."""
        session = self.page.context.new_cdp_session(self.page)
        for kind, points in (("touchStart", [start]), ("touchMove", [end]), ("touchEnd", [])):
            places = [dict(zip("xy", self.place(*point), strict=True)) for point in points]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where in the window a place of the query picture is, once it is there to be drawn on."""
        self.page.locator("#crop-tools").wait_for()
        picture = self.page.get_by_alt_text("The picture you are searching with")
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        assert box
        return box["x"] + x * box["width"], box["y"] + y * box["height"]


def _file(path: Path) -> list[str]:
    return [base64.b64encode(path.read_bytes()).decode(), "image/jpeg", path.name]


OpenGallery = Callable[..., Gallery]
"""The fixture ``open_gallery``."""


class HeldSearches:
    """Holds back the responses to searches until they are released."""

    def __init__(self) -> None:
        self._held: list[Route] = []
        self._is_holding = True

    def hold(self, gallery: Gallery) -> None:
        """Holds back what a page searches for from now on."""
        gallery.page.route("**/search", self._take)

    def release(self) -> None:
        """Lets all of them go on."""
        self._is_holding = False
        for route in self._held:
            route.continue_()

    def _take(self, route: Route) -> None:
        if self._is_holding:
            self._held.append(route)
        else:
            route.continue_()
