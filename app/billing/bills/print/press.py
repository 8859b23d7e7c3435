"""From texts to PDF: the house's press (`web.press`) with this room's templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.web import press
from app.web.press import FAMILY, FontMissing

__all__ = ["FAMILY", "FontMissing", "compile_pdf"]

HERE = Path(__file__).resolve().parent


def compile_pdf(template: str, data: Mapping[str, Any], *, font_dir: Path | None = None) -> bytes:
    """Set a template of this folder, or of another by absolute path; see `web.press`."""
    return press.compile_pdf(HERE / template, data, font_dir=font_dir)
