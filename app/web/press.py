"""From texts to paper: typst with the house's own font, no clock, no network, no other fonts."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import segno
import typst

from app.kernel.errors import N_, HouseError
from app.web.assets import FONT_DIR

FAMILY = "Noto Sans SC"

_local = threading.local()  # a compiler belongs to the thread that made it


class FontMissing(HouseError):
    """The fonts of the front-end packages were not copied yet."""

    status = 503


def compile_pdf(
    template: str | Path, data: Mapping[str, Any], *, font_dir: Path | None = None
) -> bytes:
    """Set a room's template, named by its absolute path, with its data.

    The same data gives the same bytes. Raises FontMissing when the font is not installed,
    because a bill in a fallback font would lose the rare characters in people's names.
    """
    compiler = _compiler(str(template), font_dir or FONT_DIR)
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
        path = Path(template)
        known[key] = typst.Compiler(
            str(path), root=str(path.parent), font_paths=[str(font_dir)], ignore_system_fonts=True
        )
    return known[key]


def qr_svg(url: str) -> str:
    """A QR code as an SVG document, error correction M, quiet zone of two modules."""
    svg: str = segno.make(url, error="m", micro=False).svg_inline(border=2, omitsize=True)
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
