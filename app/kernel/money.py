"""Money is an integer number of fen (分); yuan (元) appear only at the edges."""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import TypeAlias

from app.kernel.errors import N_, RuleBroken

Fen: TypeAlias = int

LARGEST_FEN = 10**15  # ten trillion yuan: past any community, well inside a bigint


def round_to_fen(yuan: Decimal | Fraction | int) -> Fen:
    """Round an exact sum in yuan to whole fen, half up, mirrored below zero.

    Mirrored so that a reversal of a line is exactly its negative, and so that
    PostgreSQL's round(numeric) gives the same. Source: RULES, global arithmetic.
    """
    fen = Fraction(yuan) * 100
    size = abs(fen)
    rounded = (2 * size.numerator + size.denominator) // (2 * size.denominator)
    return rounded if fen >= 0 else -rounded


def ceil_to_fen(yuan: Decimal) -> Fen:
    """Round a legal minimum in yuan up to whole fen. Source: RULES, global arithmetic."""
    return int((yuan * 100).to_integral_value(rounding=ROUND_CEILING))


def to_yuan(amount_fen: Fen) -> Decimal:
    """Fen as yuan with two decimals, exact."""
    return (Decimal(amount_fen) / 100).quantize(Decimal("0.01"))


def parse_yuan(text: str) -> Fen:
    """Read a sum a person typed, in yuan, into fen.

    Accepts full-width digits, thousands commas and a currency sign; at most two decimals,
    because silently rounding what a person typed would change their money.
    Raises RuleBroken with a sentence.
    """
    plain = unicodedata.normalize("NFKC", text).strip().lstrip("¥").rstrip("元").strip()
    number = re.fullmatch(r"([+-]?)(\d+)(?:\.(\d*))?", plain.replace(",", ""), re.ASCII)
    if not number:
        raise RuleBroken(
            "money.unreadable", N_("“%(text)s”不是金额，请填写如 1234.50 的数字。"), text=text[:40]
        )
    sign, whole, decimals = number[1], number[2].lstrip("0"), (number[3] or "").rstrip("0")
    if len(decimals) > 2:
        raise RuleBroken(
            "money.precision", N_("金额“%(text)s”最多只能有两位小数。"), text=text[:40]
        )
    # Length first: a number of a million digits takes Python minutes to read.
    if len(whole) > 14 or int(whole + decimals.ljust(2, "0")) > LARGEST_FEN:
        raise RuleBroken("money.too_large", N_("金额“%(text)s”过大，请核对。"), text=text[:40])
    fen = int(whole + decimals.ljust(2, "0"))
    return -fen if sign == "-" else fen
