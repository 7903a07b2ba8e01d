"""The gallery's document: whole, and nothing else may run on it."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from functions.search.gallery import page

SCRIPTS = re.compile(r"<script>(.*?)</script>", re.DOTALL)
STYLES = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@pytest.mark.parametrize(("directive", "blocks"), [("script-src", SCRIPTS), ("style-src", STYLES)])
def test_the_policy_names_what_is_on_the_page_and_nothing_else(directive: str, blocks: re.Pattern[str]) -> None:
    gallery = page.assemble()
    policy = dict(part.split(" ", 1) for part in gallery.headers["Content-Security-Policy"].split("; "))
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in blocks.findall(gallery.html)]

    assert policy[directive].split() == [f"'sha256-{digest}'" for digest in digests]
    assert (policy["default-src"], policy["connect-src"], policy["trusted-types"]) == ("'none'", "'self'", "'none'")


def test_every_file_of_the_folder_is_on_the_page() -> None:
    files = [path for path in page.FOLDER.iterdir() if path.suffix in (".js", ".css")]
    html = page.assemble().html

    assert len(files) > 10
    assert [path.name for path in files if path.read_text() not in html] == []


def test_the_page_needs_no_second_file_and_no_other_place() -> None:
    html = page.assemble().html

    assert not re.findall(r"<script src|<link rel=\"stylesheet\"|<base|@import|url\(|https://[\w.]", html)
    assert not re.findall(r"\sstyle=|\son\w+=", SCRIPTS.sub("", STYLES.sub("", html)))


def test_no_script_makes_html_of_a_text() -> None:
    scripts = "".join(path.read_text() for path in page.FOLDER.glob("*.js"))

    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser", scripts)
    assert "</script" not in scripts


def test_every_function_class_and_constant_of_the_scripts_is_used() -> None:
    scripts = "".join(path.read_text() for path in page.FOLDER.glob("*.js"))
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", scripts, re.MULTILINE)

    assert len(names) > 80
    assert [name for name in names if len(re.findall(rf"\b{name}\b", scripts)) < 2] == []


def test_files_are_taken_in_the_order_in_which_the_page_names_them(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<script src="b.js"></script><script src="a.js"></script>')
    (tmp_path / "a.js").write_text("'\\1 a'")
    (tmp_path / "b.js").write_text("'b'")

    assert page.assemble(tmp_path).html == "<script>'b'</script><script>'\\1 a'</script>"
