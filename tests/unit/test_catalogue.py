import os
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image

from infra.demo.catalogue import drawn_catalogue, folder_catalogue
from infra.local.child_process import Failure


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), "red").save(path)
    return path


def test_a_drawn_catalogue_is_drawn_once_and_found_again(tmp_path: Path) -> None:
    first = drawn_catalogue(tmp_path, 6)
    drawn_at = [item.path.stat().st_mtime_ns for item in first]
    more = drawn_catalogue(tmp_path, 8)
    assert tuple(more)[:6] == first.items
    assert [item.path.stat().st_mtime_ns for item in first] == drawn_at
    assert {item.product_id + ".jpg" for item in more} == {path.name for path in first.items[0].path.parent.iterdir()}


def test_the_first_sub_folder_is_the_category(tmp_path: Path) -> None:
    for place in ("dress/a.jpg", "dress/red/b.jpg", "hat/c.png", "d.webp"):
        picture(tmp_path / place)
    categories = {item.path.name: item.attributes.get("category") for item in folder_catalogue(tmp_path)}
    assert categories == {"a.jpg": "dress", "b.jpg": "dress", "c.png": "hat", "d.webp": None}


def test_files_that_are_no_pictures_by_name_are_counted_and_broken_pictures_are_kept(tmp_path: Path) -> None:
    picture(tmp_path / "good.JPG")
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    (tmp_path / "empty.png").touch()
    for name in ("SOURCE.md", ".DS_Store", "._good.jpg"):
        (tmp_path / name).write_text("no picture")
    catalogue = folder_catalogue(tmp_path)
    assert [item.path.name for item in catalogue] == ["broken.jpg", "empty.png", "good.JPG"]
    assert catalogue.ignored == 3


ODD_NAMES = ["Grünes Kleid.jpg", "été à la mer.png", "裙子.jpg", "a b+c&d?e=f#g.jpg", "100%.jpg", "-.jpg", "x" * 240 + ".jpg"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_file_name_gives_an_id_that_is_safe_in_an_address_and_keeps_the_name_as_an_attribute(tmp_path: Path, name: str) -> None:
    path = picture(tmp_path / "Damen Röcke" / name)
    [item] = folder_catalogue(tmp_path)
    assert item.product_id == quote(item.product_id, safe="") != ""
    assert item.path.read_bytes() == path.read_bytes()
    assert item.attributes == {"name": path.stem, "category": "Damen Röcke"}


def test_a_file_name_that_is_no_utf8_is_a_product_too(tmp_path: Path) -> None:
    path = picture(tmp_path / "plain.jpg")
    try:
        path.rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    [item] = folder_catalogue(tmp_path)
    assert item.attributes["name"] == "caf\N{REPLACEMENT CHARACTER}"
    assert item.product_id.isascii()


def test_files_of_one_name_have_different_ids_that_do_not_depend_on_what_else_is_there(tmp_path: Path) -> None:
    for place in ("hat/1.jpg", "dress/1.jpg", "dress/1.png", "hat/Ä b.jpg", "hat/a-b.jpg"):
        picture(tmp_path / place)
    before = {item.path: item.product_id for item in folder_catalogue(tmp_path)}
    picture(tmp_path / "shoes" / "1.jpg")
    after = {item.path: item.product_id for item in folder_catalogue(tmp_path)}
    assert len(set(after.values())) == 6
    assert before.items() <= after.items()


def test_a_missing_or_empty_folder_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="nowhere is not a folder"):
        folder_catalogue(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(Failure, match="no pictures among its 1 files"):
        folder_catalogue(tmp_path)
