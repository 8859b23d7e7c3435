"""Exact division of a sum among many, by largest remainder."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from app.kernel.errors import N_, RuleBroken
from app.kernel.money import Fen

Key = TypeVar("Key", int, str)


def apportion(total_fen: Fen, weights: Mapping[Key, Decimal | Fraction | int]) -> dict[Key, Fen]:
    """Divide a sum in proportion to weights; the parts always sum to the whole.

    Fen in, fen out. Each part is its exact share rounded down, and the spare fen go one
    each to the largest remainders; ties go to the smaller key. A negative total is
    divided as its mirror image, so that a reversal undoes a division exactly.
    Raises RuleBroken when there is no positive weight to carry a sum.
    Source: RULES, global arithmetic; worked case M02.
    """
    if any(weight < 0 for weight in weights.values()):
        raise RuleBroken("apportion.negative", N_("分摊权数不能为负。"))
    whole = sum((Fraction(weight) for weight in weights.values()), Fraction(0))
    if whole == 0:
        if total_fen == 0:
            return dict.fromkeys(weights, 0)
        raise RuleBroken("apportion.nobody", N_("没有可以分摊的对象。"))
    sign, size = (1, total_fen) if total_fen >= 0 else (-1, -total_fen)
    exact = {key: size * Fraction(weight) / whole for key, weight in weights.items()}
    parts = {key: int(share) for key, share in exact.items()}
    spare = size - sum(parts.values())
    by_remainder = sorted(exact, key=lambda key: (parts[key] - exact[key], key))
    for key in by_remainder[:spare]:
        parts[key] += 1
    return {key: sign * part for key, part in parts.items()}
