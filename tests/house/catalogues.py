"""Every sentence of the house and its English, read from the sources.

`python -m tests.house.catalogues [folder]` prints, ready to paste into a room's catalogue,
what has no English yet.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.extract import extract
from babel.messages.pofile import read_po

APP = Path(__file__).resolve().parent.parent.parent / "app"
KEYWORDS = {"_": None, "N_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
CHINESE = re.compile(r"[\u3400-\u9fff\uff01-\uff5e\u3000-\u303f]")
PLACES = re.compile(r"%\((\w+)\)[sdf]")


@dataclass(frozen=True)
class Sentence:
    """A sentence and where it stands; `plural` where it counts something."""

    text: str
    plural: str | None
    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file.relative_to(APP.parent)}:{self.line} “{self.text}”"


def sentences(folder: Path = APP) -> Iterator[Sentence]:
    """All sentences below a folder."""
    for path in sorted(folder.rglob("*")):
        method = {".py": "python", ".html": "jinja2.ext:babel_extract"}.get(path.suffix)
        if method is None or "static" in path.parts or path.stat().st_size == 0:
            continue
        options = {"silent": "false", "trimmed": "false"} if path.suffix == ".html" else {}
        with path.open("rb") as source:
            found = extract(method, source, KEYWORDS, (), options)
            for line, message, _comments, _context in found:
                words = message if isinstance(message, tuple) else (message, None)
                if words[0]:
                    yield Sentence(words[0], words[1], path, line)


def english() -> dict[str, list[tuple[str, ...]]]:
    """Sentence → its English forms, one entry per catalogue that has it."""
    known: dict[str, list[tuple[str, ...]]] = {}
    for path in sorted(APP.rglob("translations/en/LC_MESSAGES/messages.po")):
        with path.open("rb") as source:
            for message in read_po(source, locale="en", abort_invalid=True):
                if not message.id or message.fuzzy:
                    continue
                key = message.id if isinstance(message.id, str) else message.id[0]
                forms = (
                    (message.string,) if isinstance(message.string, str) else tuple(message.string)
                )
                known.setdefault(key, []).append(forms)
    return known


def missing(folder: Path = APP) -> list[Sentence]:
    """Sentences without English, each once."""
    known = english()
    found: dict[str, Sentence] = {}
    for sentence in sentences(folder):
        forms = known.get(sentence.text, [])
        wanted = 2 if sentence.plural else 1
        complete = any(len(one) >= wanted and all(one) for one in forms)
        if not complete and CHINESE.search(sentence.text):
            found.setdefault(sentence.text, sentence)
    return list(found.values())


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


if __name__ == "__main__":
    where = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else APP
    for one in missing(where):
        print(f"#: {one.file.relative_to(APP.parent)}:{one.line}")
        print(f"msgid {_quoted(one.text)}")
        if one.plural:
            print(f'msgid_plural {_quoted(one.plural)}\nmsgstr[0] ""\nmsgstr[1] ""\n')
        else:
            print('msgstr ""\n')
