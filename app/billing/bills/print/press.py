"""From texts to PDF: typst with the house's own font, no clock, no network, no other fonts."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typst

from app.kernel.errors import N_, HouseError
from app.web.assets import FONT_DIR

HERE = Path(__file__).resolve().parent
FAMILY = "Noto Sans SC"

_local = threading.local()  # a compiler belongs to the thread that made it


class FontMissing(HouseError):
    """The fonts of the front-end packages were not copied yet."""

    status = 503


def compile_pdf(template: str, data: Mapping[str, Any], *, font_dir: Path | None = None) -> bytes:
    """Set a template of this folder (or of another room, by absolute path) with its data.

    The same data gives the same bytes. Raises FontMissing when the font is not installed,
    because a bill in a fallback font would lose the rare characters in people's names.
    """
    compiler = _compiler(template, font_dir or FONT_DIR)
    words = json.dumps(data, ensure_ascii=False)
    if data.get("lang") == "en":
        words = words.replace("\u2019", "'")  # a Chinese font's curly quote is as wide as a 字
    made: bytes = compiler.compile(format="pdf", sys_inputs={"data": words})
    return made


def _compiler(template: str, font_dir: Path) -> Any:
    known: dict[tuple[str, Path], Any] = _local.__dict__.setdefault("compilers", {})
    key = (template, font_dir)
    if key not in known:
        if not any(font_dir.glob("NotoSansSC*.ttf")):
            raise FontMissing("print.font", N_("打印字体尚未安装，请联系平台运维。"))
        path = HERE / template  # an absolute template stays as it is
        known[key] = typst.Compiler(
            str(path), root=str(path.parent), font_paths=[str(font_dir)], ignore_system_fonts=True
        )
    return known[key]
