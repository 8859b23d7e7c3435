"""Fields of words: text, choices, yes or no, phones, ids, files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext
from marshmallow import ValidationError, fields
from werkzeug.datastructures import FileStorage

from app.kernel.seal import normal_phone
from app.web.fields.base import Length, OneOf, listed, plain

LARGEST_ID = 2**63 - 1


class Text(fields.String):
    """A line or paragraph: trimmed, no control characters, at most `most` characters.

    `least` above zero refuses the empty text too.
    """

    def __init__(self, *, most: int = 200, least: int = 0, lines: bool = False, **words: Any):
        self.lines = lines
        given = listed(words.pop("validate", None))
        super().__init__(validate=[Length(min=least or None, max=most), *given], **words)

    def read_text(self, text: str) -> str:
        """As it was typed, trimmed."""
        return text.strip()

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> str:
        text = super()._deserialize(value, attr, data, **more)
        assert isinstance(text, str)
        text = text.replace("\r\n", "\n").strip()
        kept = "\n\t" if self.lines else ""
        if any(unicodedata.category(char) in {"Cc", "Cs"} and char not in kept for char in text):
            raise ValidationError(gettext("含有不可见的控制字符，请重新输入。"))
        return text


class Choice(Text):
    """One of a room's codes. `words` maps each to its msgid, in the order to offer them."""

    def __init__(self, words: Mapping[str, str] | Iterable[str], **more: Any):
        self.words = dict(words) if isinstance(words, Mapping) else {one: one for one in words}
        super().__init__(validate=OneOf(list(self.words)), **more)

    def options(self) -> list[tuple[str, str]]:
        """Codes and their words in the reader's language."""
        return [(code, gettext(word)) for code, word in self.words.items()]


class Choices(fields.List):
    """Any of a room's codes."""

    def __init__(self, words: Mapping[str, str], **more: Any):
        self.words = dict(words)
        super().__init__(fields.String(validate=OneOf(list(self.words))), **more)

    def options(self) -> list[tuple[str, str]]:
        """Codes and their words in the reader's language."""
        return [(code, gettext(word)) for code, word in self.words.items()]


class Flag(fields.Boolean):
    """Yes or no; a form's unticked box is no."""

    def __init__(self, **words: Any):
        words.setdefault("load_default", False)
        super().__init__(truthy={True, "true", "on", "1"}, falsy={False, "false", "0", ""}, **words)

    def read_text(self, text: str) -> bool | str:
        """Ticked boxes say `on`."""
        return {"on": True, "1": True, "": False, "0": False}.get(text, text)


class Phone(fields.String):
    """A mainland mobile number, or a landline with its area code; digits alone afterwards.

    Where it is not required, an empty text says that there is none.
    """

    def __init__(self, **words: Any):
        super().__init__(**words)
        none = "" if self.required else "|"
        self.metadata.setdefault("pattern", rf"^({none}1[3-9]\d{{9}}|0\d{{9,11}})$")

    def read_text(self, text: str) -> str:
        """Digits alone."""
        return normal_phone(text) if re.search(r"\d", plain(text)) else text

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if value == "" and not self.required:
            return value
        if not isinstance(value, str) or not re.fullmatch(
            r"1[3-9]\d{9}|0\d{9,11}", value, re.ASCII
        ):
            raise ValidationError(gettext("请填写 11 位手机号，或带区号的座机号。"))
        return value


class Id(fields.String):
    """A row's number: an int in Python, a string of digits in JSON."""

    def __init__(self, **words: Any):
        super().__init__(**words)
        self.metadata.setdefault("pattern", r"^[1-9]\d{0,18}$")

    def write_text(self, value: int) -> str:
        """Digits."""
        return str(value)

    def _serialize(self, value: Any, attr: Any, obj: Any, **more: Any) -> str | None:
        return None if value is None else str(value)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        known = isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,18}", value, re.ASCII)
        if not known or int(value) > LARGEST_ID:
            raise ValidationError(gettext("请从列出的选项中选择。"))
        return int(value)


class Upload(fields.Field):
    """A file of a form (`werkzeug.FileStorage`); `endings` such as `.xlsx` say which."""

    def __init__(self, *, endings: Iterable[str] = (), **words: Any):
        self.endings = tuple(endings)
        super().__init__(**words)
        self.metadata.setdefault("type", "string")
        self.metadata.setdefault("format", "binary")

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not isinstance(value, FileStorage):  # a text where the file belongs
            raise ValidationError(gettext("请选择一个文件。"))
        if self.endings and not str(value.filename).lower().endswith(self.endings):
            raise ValidationError(
                gettext("请选择 %(endings)s 文件。", endings="、".join(self.endings))
            )
        return value
