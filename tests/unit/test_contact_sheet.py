from io import BytesIO

from PIL import Image

from infra.demo.contact_sheet import Tile, contact_sheet


def picture(colour: str, size: tuple[int, int] = (60, 40), mode: str = "RGB") -> bytes:
    content = BytesIO()
    Image.new(mode, size, colour).save(content, "PNG")
    return content.getvalue()


def opened(sheet: bytes) -> Image.Image:
    image = Image.open(BytesIO(sheet))
    assert image.format == "PNG"
    return image.convert("RGB")


def colours(sheet: bytes) -> set[tuple[int, ...]]:
    found = opened(sheet).getcolors(1 << 24)
    assert found
    return {colour for _, colour in found if isinstance(colour, tuple)}


def test_a_sheet_shows_the_query_and_every_hit() -> None:
    row = [Tile(picture("red"), "query"), Tile(picture("lime"), "0.91", "hat"), Tile(picture("blue"), "0.88", "hat")]
    assert {(255, 0, 0), (0, 255, 0), (0, 0, 255)} <= colours(contact_sheet([row], "Look-alikes"))


def test_pictures_of_any_shape_fit_and_are_shown_whole() -> None:
    shapes = [(4000, 20), (20, 4000), (1, 1), (500, 500)]
    rows = [[Tile(picture("red", shape), "query"), Tile(picture("blue", shape), "hit")] for shape in shapes]
    sheet = contact_sheet(rows, "Look-alikes")
    assert opened(sheet).size == opened(contact_sheet(rows[::-1], "Look-alikes")).size


def test_rows_of_different_lengths_stand_on_one_sheet() -> None:
    long = [Tile(picture("red"), "query")] + [Tile(picture("blue"), "hit")] * 5
    short = [Tile(picture("red"), "query")]
    assert opened(contact_sheet([short, long], "")).width == opened(contact_sheet([long], "")).width


def test_transparent_grey_and_unreadable_pictures_do_not_stop_a_sheet() -> None:
    tiles = [
        Tile(picture("#ff000080", mode="RGBA"), "half"),
        Tile(picture("grey", mode="L"), "grey"),
        Tile(b"no picture", "broken"),
        Tile(b"", ""),
    ]
    assert opened(contact_sheet([tiles], "Look-alikes")).height > 0


def test_captions_of_any_length_and_script_fit() -> None:
    row = [Tile(picture("red"), "Ein sehr langer Name " * 20, "été 裙子 \N{SNOWMAN}")]
    assert opened(contact_sheet([row], "title " * 200, "subtitle " * 200)).width == opened(contact_sheet([[Tile(b"", "")]], "")).width


def test_the_same_pictures_give_the_same_sheet() -> None:
    row = [Tile(picture("red"), "query"), Tile(picture("blue"), "hit")]
    assert contact_sheet([row], "Look-alikes") == contact_sheet([row], "Look-alikes")
