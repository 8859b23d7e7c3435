"""Every line of a bill in words whose arithmetic gives the stored figure again.

The words are made from stored columns alone, in the language of the page or of
`flask_babel.force_locale`. Arithmetic is written down only when it reproduces the figure to
the fen; where a spare fen was laid here by the largest remainder, the words say so; else the
figure stands without arithmetic, rather than with a wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from flask_babel import gettext

from app.billing.bills.rows import LineRow, Shared, SubsidySpell, Tier
from app.kernel.errors import N_
from app.kernel.money import Fen, round_to_fen, to_yuan

SHARED_WEIGHTS = {"area": N_("平方米"), "unit": N_("户（按户分）")}
REDUCTIONS = {"vacancy": N_("空置减免"), "hardship": N_("困难减免"), "other": N_("其他减免")}
PRICE_BASES = {
    "guided": N_("政府指导价"),
    "market": N_("市场调节价"),
    "contract": N_("合同约定"),
    "resolution": N_("业主共同决定"),
}


@dataclass(frozen=True)
class Words:
    """A line in words: each part a clause, empty where it does not apply."""

    name: str
    charge: str  # 88.88 m² × 1.35 元/m²·月 × 30/30 天 = 119.99 元
    part: str  # 本月 119.99 元，您持有 20/30 天，按天分摊 79.99 元
    reduction: str
    subsidy: str
    resident: str  # 您付 75.55 元
    source: str
    gross_fen: Fen
    subsidy_fen: Fen
    resident_fen: Fen

    @property
    def sentence(self) -> str:
        """The whole line as one sentence."""
        clauses = (self.charge, self.part, self.reduction, self.subsidy, self.resident)
        return gettext("%(name)s：%(words)s", name=self.name, words=joined(clauses))

    @property
    def formula(self) -> str:
        """How the gross was found, without subsidy and resident's share."""
        return joined((self.charge, self.part, self.reduction))


def explain(line: LineRow) -> Words:
    """Put a line into words. Sums in yuan with two decimals, quantities without idle zeros."""
    return Words(
        name=line.tariff_name,
        charge=_charge(line),
        part=_part(line),
        reduction=_reduction(line),
        subsidy=_subsidy(line),
        resident=gettext("您付 %(amount)s 元", amount=yuan(line.resident_fen)),
        source=_source(line),
        gross_fen=line.gross_fen,
        subsidy_fen=line.subsidy_fen,
        resident_fen=line.resident_fen,
    )


def joined(clauses: Iterable[str]) -> str:
    """Clauses as one sentence."""
    return gettext("；").join(clause for clause in clauses if clause)


def yuan(amount_fen: Fen) -> str:
    """`1,234.50`, without a sign: the sentence brings it."""
    return f"{to_yuan(amount_fen):,.2f}"


def plain(value: Decimal) -> str:
    """A quantity with thousands commas, without exponent or idle zeros."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def priced(value: Decimal) -> str:
    """A price with two decimals, or up to four where it has them."""
    text = f"{value:,.4f}"
    return text[:-2] if text.endswith("00") else text.rstrip("0")


def tiered_fen(quantity: Decimal, price: Decimal, tiers: tuple[Tier, ...]) -> Fen:
    """A metered charge by steps, rounded once. Source: RULES C2, global arithmetic."""
    total = sum((used * at for used, at in _steps(quantity, price, tiers)), Decimal(0))
    return round_to_fen(total)


def _charge(line: LineRow) -> str:
    if line.basis == "metered":
        return _metered(line)
    if line.basis == "shared" and line.shared:
        return _shared(line, line.shared)
    if line.basis in ("area", "unit", "space"):
        computed = _per_month(line.whole_measured, line.price, Decimal(1), line.month_days)
        if computed == line.whole_gross_fen:
            return _by_days(line)
    words = gettext("%(amount)s 元", amount=yuan(line.whole_gross_fen))
    return f"{line.description} {words}" if line.description else words


def _per_month(quantity: Decimal, price: Decimal, days: Decimal, month_days: int) -> Fen:
    """quantity × price × days ÷ month's days, rounded once (C2)."""
    return round_to_fen(Fraction(quantity) * Fraction(price) * Fraction(days) / month_days)


def _by_days(line: LineRow) -> str:
    values = {
        "quantity": plain(line.quantity),
        "price": priced(line.price),
        "days": plain(line.whole_days),
        "month_days": line.month_days,
        "amount": yuan(line.whole_gross_fen),
    }
    if line.basis == "area":
        return gettext(
            "%(quantity)s m² × %(price)s 元/m²·月 × %(days)s/%(month_days)s 天 = %(amount)s 元",
            **values,
        )
    if line.basis == "unit":
        return gettext(
            "%(quantity)s 户 × %(price)s 元/户·月 × %(days)s/%(month_days)s 天 = %(amount)s 元",
            **values,
        )
    even = line.quantity * line.whole_days == line.whole_measured
    if not even or (line.whole_days == 1 and line.quantity > 1):  # see rules.space_measure
        values["quantity"] = plain(line.whole_measured)
        return gettext(
            "%(quantity)s 个·天 × %(price)s 元/个·月 ÷ %(month_days)s 天 = %(amount)s 元", **values
        )
    return gettext(
        "%(quantity)s 个 × %(price)s 元/个·月 × %(days)s/%(month_days)s 天 = %(amount)s 元",
        **values,
    )


def _metered(line: LineRow) -> str:
    clauses = [_reading(line)]
    if tiered_fen(line.quantity, line.price, line.tiers) == line.whole_gross_fen:
        sums = " + ".join(
            gettext(
                "%(quantity)s %(measure)s × %(price)s 元",
                quantity=plain(used),
                measure=line.measure,
                price=priced(at),
            )
            for used, at in _steps(line.quantity, line.price, line.tiers)
        )
        amount = yuan(line.whole_gross_fen)
        clauses.append(gettext("%(sums)s = %(amount)s 元", sums=sums, amount=amount))
    else:
        clauses.append(gettext("%(amount)s 元", amount=yuan(line.whole_gross_fen)))
    return gettext("，").join(clause for clause in clauses if clause)


def _reading(line: LineRow) -> str:
    if line.reading is None:
        return ""
    seen = line.reading
    values = {
        "reading": plain(seen.reading),
        "previous": plain(seen.previous),
        "multiplier": plain(seen.multiplier),
        "used": plain((seen.reading - seen.previous) * seen.multiplier),
        "measure": line.measure,
    }
    if seen.multiplier != 1:
        words = gettext(
            "本次读数 %(reading)s − 上次 %(previous)s，× 倍率 %(multiplier)s"
            " = 用量 %(used)s %(measure)s",
            **values,
        )
    else:
        words = gettext(
            "本次读数 %(reading)s − 上次 %(previous)s = 用量 %(used)s %(measure)s", **values
        )
    return gettext("%(words)s（估抄）", words=words) if seen.estimated else words


def _steps(
    quantity: Decimal, price: Decimal, tiers: tuple[Tier, ...]
) -> list[tuple[Decimal, Decimal]]:
    bounds = [Tier(Decimal(0), price), *sorted(tiers, key=lambda tier: tier.from_quantity)]
    steps = []
    for index, tier in enumerate(bounds):
        until = bounds[index + 1].from_quantity if index + 1 < len(bounds) else quantity
        used = min(quantity, until) - tier.from_quantity
        if used > 0 or index == 0:
            steps.append((max(used, Decimal(0)), tier.price))
    return steps


def _shared(line: LineRow, shared: Shared) -> str:
    exact = (
        Fraction(shared.amount_fen) * Fraction(line.quantity) / Fraction(shared.total_weight) / 100
        if shared.total_weight
        else Fraction(0)
    )
    off = line.whole_gross_fen - round_to_fen(exact)
    values = {
        "scope": _scope(shared),
        "cost": yuan(shared.amount_fen),
        "weight": plain(line.quantity),
        "total": plain(shared.total_weight),
        "measure": gettext(SHARED_WEIGHTS[shared.allocation]),
        "amount": yuan(line.whole_gross_fen),
    }
    if abs(off) > 1:
        return gettext("%(scope)s合计 %(cost)s 元，您家分摊 %(amount)s 元", **values)
    words = gettext(
        "%(scope)s合计 %(cost)s 元 × 您家 %(weight)s ÷ 合计 %(total)s %(measure)s = %(amount)s 元",
        **values,
    )
    return words + _spare(off)


def _scope(shared: Shared) -> str:
    if shared.building and shared.entrance:
        return gettext(
            "%(building)s 栋 %(entrance)s 单元", building=shared.building, entrance=shared.entrance
        )
    if shared.building:
        return gettext("%(building)s 栋", building=shared.building)
    return gettext("全小区")


def _part(line: LineRow) -> str:
    if not line.is_part:
        return ""
    off = line.gross_fen - _share(line.whole_gross_fen, line.days, line.whole_days)
    values = {
        "whole": yuan(line.whole_gross_fen),
        "days": plain(line.days),
        "whole_days": plain(line.whole_days),
        "part": yuan(line.gross_fen),
    }
    if abs(off) > 1:
        return gettext("本月 %(whole)s 元，其中由您承担 %(part)s 元", **values)
    words = gettext(
        "本月 %(whole)s 元，您持有 %(days)s/%(whole_days)s 天，按天分摊 %(part)s 元", **values
    )
    return words + _spare(off)


def _share(whole_fen: Fen, days: Decimal | int, whole_days: Decimal | int) -> Fen:
    if not whole_days:
        return 0
    return round_to_fen(Fraction(whole_fen, 100) * Fraction(days) / Fraction(whole_days))


def _spare(off: Fen) -> str:
    """Where the largest remainder laid a fen otherwise than rounding would."""
    if off == 0:
        return ""
    if off > 0:
        return gettext("（含分摊尾差 0.01 元）")
    return gettext("（已减分摊尾差 0.01 元）")


def _reduction(line: LineRow) -> str:
    if not line.reductions:
        return ""
    words = []
    for one in line.reductions:
        values = {
            "kind": gettext(REDUCTIONS[one.kind]),
            "percent": plain(one.percent),
            "start": one.starts_on.isoformat(),
            "document": one.document_no,
        }
        words.append(gettext("%(kind)s %(percent)s%%（%(start)s 起，%(document)s）", **values))
    listed = gettext("、").join(words)
    return gettext("已计减免，折合 %(days)s 天：%(list)s", days=plain(line.days), list=listed)


def _subsidy(line: LineRow) -> str:
    if not line.whole_subsidy_fen:
        return ""
    factor, computed = _subsidy_factor(line)
    values = {
        "quantity": plain(line.quantity),
        "factor": factor,
        "amount": yuan(computed),
        "paid": yuan(line.whole_subsidy_fen),
    }
    if not factor or min(computed, line.whole_gross_fen) != line.whole_subsidy_fen:
        words = gettext("街道补贴 %(paid)s 元", **values)
    elif computed > line.whole_gross_fen:
        words = gettext(
            "街道补贴 %(quantity)s m² × %(factor)s = %(amount)s 元，不超过应收，补 %(paid)s 元",
            **values,
        )
    else:
        words = gettext("街道补贴 %(quantity)s m² × %(factor)s = %(amount)s 元", **values)
    return words + _subsidy_part(line)


def _subsidy_factor(line: LineRow) -> tuple[str, Fen]:
    """`0.50 元 × 30/30 天`, or the sum of several where the rate stepped, and what it comes to."""
    spells = line.spells
    if line.subsidy_rate is not None:
        spells = (SubsidySpell(line.whole_subsidy_days, line.subsidy_rate),)
    words = [
        gettext(
            "%(rate)s 元 × %(days)s/%(month_days)s 天",
            rate=priced(spell.rate),
            days=spell.days,
            month_days=line.month_days,
        )
        for spell in spells
    ]
    weighed = sum((spell.rate * spell.days for spell in spells), Decimal(0))
    computed = _per_month(line.quantity, weighed, Decimal(1), line.month_days)
    factor = " + ".join(words)
    return (f"({factor})" if len(words) > 1 else factor), computed


def _subsidy_part(line: LineRow) -> str:
    if not line.is_part:
        return ""
    off = line.subsidy_fen - _share(
        line.whole_subsidy_fen, line.subsidy_days, line.whole_subsidy_days
    )
    values = {
        "days": line.subsidy_days,
        "whole_days": line.whole_subsidy_days,
        "part": yuan(line.subsidy_fen),
    }
    if abs(off) > 1 or line.subsidy_rate is None:
        return gettext("，其中您享受 %(part)s 元", **values)
    return gettext("，您占 %(days)s/%(whole_days)s 天，享受 %(part)s 元", **values) + _spare(off)


def _source(line: LineRow) -> str:
    clauses = []
    if line.price_from is not None:
        basis = gettext(PRICE_BASES[line.price_basis]) if line.price_basis else ""
        document = gettext("（%(basis)s）", basis=basis) if basis else ""
        clauses.append(
            gettext(
                "收费依据：%(document)s%(basis)s，%(start)s 起执行",
                document=line.document_no or gettext("现行收费标准"),
                basis=document,
                start=line.price_from.isoformat(),
            )
        )
    elif line.shared and line.shared.document_no:
        clauses.append(gettext("费用依据：%(document)s", document=line.shared.document_no))
    if line.agreement_no and line.whole_subsidy_fen:
        clauses.append(gettext("补贴依据：%(agreement)s", agreement=line.agreement_no))
    return joined(clauses)
