"""What every template and static file keeps to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parent.parent.parent / "app"
TEMPLATES = sorted(APP.rglob("templates/**/*.html"))
LONGEST = 60  # lines; a longer page is two pages, or wants a macro of its own
STYLES = APP / "web" / "static"
STYLE = "".join((STYLES / f"{one}.css").read_text("utf-8") for one in ("linli", "modes"))


def extends(path: Path) -> bool:
    """Whether it is a page, not a drawer of macros."""
    return "{% extends" in path.read_text("utf-8")


def name(path: Path) -> str:
    return str(path.relative_to(APP))


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_has_no_inline_style_or_script(path: Path) -> None:
    """The content policy would not run them."""
    text = path.read_text("utf-8")
    assert not re.search(r"<style|\sstyle\s*=|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=\s*[\"']", text)
    assert "javascript:" not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_shows_and_does_not_decide_what_is_safe(path: Path) -> None:
    assert not re.search(r"\|\s*safe\b|autoescape\s+false", path.read_text("utf-8"))


@pytest.mark.parametrize("path", [one for one in TEMPLATES if extends(one)], ids=name)
def test_a_page_is_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_form_that_posts_carries_its_token(path: Path) -> None:
    text = path.read_text("utf-8")
    for form in re.findall(r"<form[^>]*method=.post.*?</form>", text, re.DOTALL):
        assert "csrf_token" in form


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_every_icon_is_in_the_sprite(path: Path) -> None:
    listed = (APP / "web" / "icons.txt").read_text("utf-8").split()
    for icon in re.findall(r"icon\(\"([a-z0-9-]+)\"", path.read_text("utf-8")):
        assert icon in listed


def test_every_menu_icon_is_in_the_sprite() -> None:
    from app.web.navigation import ITEMS

    listed = (APP / "web" / "icons.txt").read_text("utf-8").split()
    assert [item for item in ITEMS if item.icon not in listed] == []


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colour(variable: str) -> str:
    found = re.search(rf"--{variable}: (#[0-9a-f]{{6}})", STYLE)
    assert found
    return found[1]


@pytest.mark.parametrize("ground", ["paper", "sheet", "sunk"])
@pytest.mark.parametrize("ink", ["ink", "muted", "green", "brick", "red", "focus"])
def test_words_can_be_read_on_every_ground(ink: str, ground: str) -> None:
    """WCAG 2.2 AA, 1.4.3: 4.5 to 1."""
    assert contrast(colour(ink), colour(ground)) >= 4.5


@pytest.mark.parametrize(
    ("ink", "ground"),
    [("gold", "gold-pale"), ("red", "red-pale"), ("brick-deep", "brick-pale")],
)
def test_words_can_be_read_on_tinted_grounds(ink: str, ground: str) -> None:
    assert contrast(colour(ink), colour(ground)) >= 4.5


@pytest.mark.parametrize("ground", ["paper", "sheet"])
def test_the_edge_of_a_field_can_be_seen(ground: str) -> None:
    """WCAG 2.2 AA, 1.4.11: 3 to 1."""
    assert contrast(colour("line-strong"), colour(ground)) >= 3
