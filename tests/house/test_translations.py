"""Chinese first, English complete: every sentence of the house has both."""

from __future__ import annotations

from tests.house import catalogues
from tests.house.catalogues import CHINESE, PLACES


def test_every_sentence_has_english() -> None:
    missing = catalogues.missing()
    listed = "\n".join(str(one) for one in missing[:60])
    assert not missing, f"{len(missing)} sentences without English:\n{listed}"


def test_english_keeps_the_places_of_the_sentence() -> None:
    wrong = [
        (text, form)
        for text, entries in catalogues.english().items()
        for forms in entries
        for number, form in enumerate(forms)
        if form
        # One of something may be said in words: “1 unit”, “a minute ago”.
        and not (number == 0 and len(forms) > 1)
        and set(PLACES.findall(form)) != set(PLACES.findall(text))
    ]
    assert not wrong


def test_english_has_no_chinese_in_it() -> None:
    wrong = [
        form
        for text, entries in catalogues.english().items()
        for forms in entries
        for form in forms
        if CHINESE.search(form) and text not in NAMES
    ]
    assert not wrong


# Names that are written in both scripts.
NAMES: frozenset[str] = frozenset()


def test_two_catalogues_never_disagree() -> None:
    """They are merged: which English won would depend on the order of folders."""
    wrong = {
        text: entries for text, entries in catalogues.english().items() if len(set(entries)) > 1
    }
    assert not wrong


def test_the_extractor_finds_what_python_and_templates_say() -> None:
    found = {one.text for one in catalogues.sentences(catalogues.APP / "web")}
    assert "跳到正文" in found  # a template
    assert "请填写整数。" in found  # Python
    assert "%(num)s 天前" in found  # counted
