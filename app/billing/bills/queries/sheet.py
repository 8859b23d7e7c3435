"""Whole bills: heads, lines with all that explains them, what stands around them on paper.

Two statements, however many bills. The roll, the mandate and the scheme are joined in SQL text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from app.billing.bills.rows import (
    BillRow,
    FullBill,
    Letterhead,
    LineRow,
    Outlook,
    Reading,
    ReductionRow,
    Shared,
    SubsidySpell,
    Tier,
)
from app.kernel.db import db
from app.kernel.errors import N_, NotFound
from app.kernel.money import Fen
from app.kernel.period import DateRange, Month

HEAD_COLUMNS = """
  b.community_id, b.id, b.run_id, b.unit_id, u.label AS unit_label, g.code AS building_code,
  u.area_m2, b.party, b.payer_id, p.name AS payer_name, b.month, b.starts_on, b.ends_on,
  b.due_on, (COALESCE(r.issued_at, b.created_at) AT TIME ZONE 'Asia/Shanghai')::date AS issued_on,
  b.gross_fen, b.subsidy_fen, b.resident_fen, b.notes_fen, b.paid_fen, b.open_fen, b.withdrawn
"""
HEAD_TABLES = """
  bill b
  JOIN bill_run r ON r.community_id = b.community_id AND r.id = b.run_id
  JOIN unit u ON u.community_id = b.community_id AND u.id = b.unit_id
  JOIN building g ON g.community_id = u.community_id AND g.id = u.building_id
  LEFT JOIN person p ON p.community_id = b.community_id AND p.id = b.payer_id
"""
_HEADS = f"""
SELECT {HEAD_COLUMNS}, u.binding_code, c.name AS community_name, c.service_phone,
  o.name AS company_name, o.phone AS company_phone,
  COALESCE(e.open_fen, 0) AS earlier_open_fen, COALESCE(e.bills, 0) AS earlier_count
FROM {HEAD_TABLES}
  JOIN community c ON c.id = b.community_id
  LEFT JOIN mandate m ON m.community_id = b.community_id
   AND m.starts_on <= b.month + 27 AND (m.ends_on IS NULL OR m.ends_on > b.month + 27)
  LEFT JOIN organization o ON o.id = m.organization_id
  LEFT JOIN LATERAL (
    SELECT sum(x.open_fen)::bigint AS open_fen, count(*) AS bills FROM bill x
     WHERE x.community_id = b.community_id AND x.unit_id = b.unit_id AND x.open_fen > 0
       AND x.month < b.month AND x.payer_id IS NOT DISTINCT FROM b.payer_id) e ON true
WHERE b.community_id = :c AND %s
ORDER BY u.sort_key, b.unit_id, b.month, b.party, b.id
"""  # noqa: S608 -- constants only
_LINES = """
SELECT l.bill_id, l.no, t.name AS tariff_name, t.basis, t.measure, l.quantity, l.price, l.days,
  l.month_days, l.whole_gross_fen, l.whole_subsidy_fen, l.gross_fen, l.subsidy_fen, l.resident_fen,
  l.subsidy_rate, l.subsidy_days, l.month, s.agreement_no, reg.name AS payer_region,
  LEAST(s.ends_on, COALESCE(s.terminated_on, s.ends_on)) AS subsidy_ends_on,
  step.starts_on AS next_step_on, step.rate AS next_rate,
  COALESCE(v.document_no, '') AS document_no, v.price_basis, v.starts_on AS price_from,
  v.ends_on AS price_until, COALESCE(held.days, l.days) AS whole_days,
  COALESCE(held.subsidy_days, l.subsidy_days) AS whole_subsidy_days,
  COALESCE(held.measured, l.quantity * l.days) AS whole_measured, spells.list AS spells,
  COALESCE(x.description, '') AS description,
  tiers.list AS tiers, mr.previous, mr.reading, me.multiplier, mr.estimated,
  sc.amount_fen AS shared_fen, sc.allocation, sg.code AS shared_building,
  se.code AS shared_entrance, sc.document_no AS shared_document, weight.total AS total_weight,
  red.list AS reductions
FROM bill_line l
  JOIN bill b ON b.community_id = l.community_id AND b.id = l.bill_id
  JOIN tariff t ON t.community_id = l.community_id AND t.id = l.tariff_id
  LEFT JOIN tariff_version v ON v.community_id = l.community_id AND v.id = l.version_id
  LEFT JOIN subsidy_scheme s ON s.community_id = l.community_id AND s.id = l.scheme_id
  LEFT JOIN region reg ON reg.id = s.payer_region_id
  LEFT JOIN LATERAL (
    SELECT n.starts_on, n.rate FROM subsidy_step n
     WHERE n.community_id = l.community_id AND n.scheme_id = l.scheme_id
       AND n.starts_on >= l.month + l.month_days AND l.subsidy_fen > 0
       AND n.rate IS DISTINCT FROM l.subsidy_rate
     ORDER BY n.starts_on LIMIT 1) step ON true
  LEFT JOIN LATERAL (
    SELECT sum(sl.days) AS days, sum(sl.subsidy_days) AS subsidy_days,
           sum(sl.quantity * sl.days) AS measured
      FROM bill sb JOIN bill_line sl ON sl.community_id = sb.community_id AND sl.bill_id = sb.id
     WHERE (l.gross_fen <> l.whole_gross_fen OR l.subsidy_fen <> l.whole_subsidy_fen)
       AND sb.community_id = l.community_id AND sb.unit_id = l.unit_id AND sb.month = l.month
       AND sb.run_id = b.run_id AND sl.tariff_id = l.tariff_id
       AND sl.detail_id = l.detail_id) held ON true
  LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(z.starts_on, z.until, z.rate::text) ORDER BY z.starts_on)
        AS list
      FROM (SELECT GREATEST(st.starts_on, sch.starts_on) AS starts_on, st.rate,
              LEAST(lead(st.starts_on) OVER (PARTITION BY sch.id ORDER BY st.starts_on),
                    sch.ends_on, sch.terminated_on) AS until
              FROM subsidy_scheme sch JOIN subsidy_step st
                ON st.community_id = sch.community_id AND st.scheme_id = sch.id
             WHERE l.subsidy_rate IS NULL AND l.subsidy_days > 0
               AND sch.community_id = l.community_id) z
     WHERE z.starts_on < l.month + l.month_days AND z.until > l.month) spells ON true
  LEFT JOIN one_off_charge x ON t.basis = 'one_off'
   AND x.community_id = l.community_id AND x.id = l.detail_id
  LEFT JOIN meter_reading mr ON t.basis = 'metered'
   AND mr.community_id = l.community_id AND mr.id = l.detail_id
  LEFT JOIN meter me ON me.community_id = mr.community_id AND me.id = mr.meter_id
  LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(i.from_quantity::text, i.price::text)
                     ORDER BY i.from_quantity) AS list
      FROM tariff_tier i WHERE t.basis = 'metered'
       AND i.community_id = l.community_id AND i.version_id = l.version_id) tiers ON true
  LEFT JOIN shared_cost sc ON t.basis = 'shared'
   AND sc.community_id = l.community_id AND sc.id = l.detail_id
  LEFT JOIN building sg ON sg.community_id = sc.community_id AND sg.id = sc.building_id
  LEFT JOIN entrance se ON se.community_id = sc.community_id AND se.id = sc.entrance_id
  LEFT JOIN (
    SELECT d.tariff_id, d.detail_id, sum(d.quantity) AS total FROM (
      SELECT DISTINCT w.tariff_id, w.detail_id, w.unit_id, w.quantity
        FROM bill_line w JOIN tariff wt ON wt.community_id = w.community_id AND wt.id = w.tariff_id
       WHERE w.community_id = :c AND wt.basis = 'shared' AND w.live
         AND w.month = ANY (CAST(:months AS date[]))) d
     GROUP BY 1, 2) weight ON weight.tariff_id = l.tariff_id AND weight.detail_id = l.detail_id
  LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(q.kind, q.percent::text, q.starts_on, q.ends_on,
                                       q.document_no) ORDER BY q.starts_on) AS list
      FROM reduction q WHERE t.basis IN ('area', 'unit')
       AND q.community_id = l.community_id AND q.unit_id = l.unit_id
       AND (q.tariff_id IS NULL OR q.tariff_id = l.tariff_id)
       AND q.starts_on < LEAST(v.ends_on, l.month + l.month_days)
       AND (q.ends_on IS NULL OR q.ends_on > GREATEST(v.starts_on, l.month))) red ON true
WHERE l.community_id = :c AND l.bill_id = ANY (CAST(:bills AS bigint[]))
ORDER BY l.bill_id, l.no
"""


def bill(community_id: int, bill_id: int) -> FullBill:
    """A bill with its lines, in two statements. Raises NotFound."""
    found = bills(community_id, [bill_id])
    if not found:
        raise NotFound("bill.none", N_("没有这张账单。"))
    return found[0]


def bills(community_id: int, bill_ids: Sequence[int]) -> list[FullBill]:
    """Bills with their lines, by room, month and party."""
    wanted = list(bill_ids)
    if not wanted:
        return []
    return _read(community_id, "b.id = ANY (CAST(:ids AS bigint[]))", {"ids": wanted})


def month_of_building(
    community_id: int, month: Month, building_id: int | None = None
) -> list[FullBill]:
    """The live bills of a month, of one building or of all, by room and party."""
    where = "b.month = :month AND NOT b.withdrawn"
    if building_id is not None:
        where += " AND u.building_id = :building"
    return _read(community_id, where, {"month": month.first, "building": building_id})


def bill_row(row: Any) -> BillRow:
    """A head as the queries of this room select it (HEAD_COLUMNS)."""
    names = BillRow.__dataclass_fields__
    values = {name: row[name] for name in names}
    return BillRow(**{**values, "month": Month.of(row["month"])})


def _read(community_id: int, where: str, params: Mapping[str, object]) -> list[FullBill]:
    heads = db.session.execute(text(_HEADS % where), {"c": community_id, **params}).mappings().all()
    if not heads:
        return []
    found = db.session.execute(
        text(_LINES),
        {
            "c": community_id,
            "bills": [head["id"] for head in heads],
            "months": sorted({head["month"] for head in heads}),
        },
    ).mappings()
    lines: dict[int, list[Any]] = defaultdict(list)
    for line in found:
        lines[line["bill_id"]].append(line)
    return [_full(head, lines[head["id"]]) for head in heads]


def _full(head: Any, raw: Sequence[Any]) -> FullBill:
    lines = tuple(_line(row) for row in raw)
    return FullBill(
        bill=bill_row(head),
        letterhead=Letterhead(
            community_name=head["community_name"],
            company_name=head["company_name"],
            service_phone=head["service_phone"] or head["company_phone"] or "",
            binding_code=head["binding_code"],
        ),
        lines=lines,
        outlook=_outlook(raw, lines),
        earlier_open_fen=int(head["earlier_open_fen"]),
        earlier_count=int(head["earlier_count"]),
    )


def _line(row: Any) -> LineRow:
    plain = {
        name: row[name]
        for name in LineRow.__dataclass_fields__
        if name not in ("tiers", "reading", "shared", "reductions", "spells")
    }
    reading = None
    if row["reading"] is not None:
        reading = Reading(row["previous"], row["reading"], row["multiplier"], row["estimated"])
    shared = None
    if row["shared_fen"] is not None:
        shared = Shared(
            row["shared_fen"],
            row["allocation"],
            row["shared_building"],
            row["shared_entrance"],
            row["shared_document"],
            row["total_weight"] or row["quantity"],
        )
    return LineRow(
        **plain,
        tiers=tuple(Tier(Decimal(start), Decimal(price)) for start, price in row["tiers"] or ()),
        reading=reading,
        shared=shared,
        reductions=tuple(
            ReductionRow(kind, Decimal(percent), _day(start), _day(end) if end else None, document)
            for kind, percent, start, end, document in row["reductions"] or ()
        ),
        spells=_spells(row),
    )


def _spells(row: Any) -> tuple[SubsidySpell, ...]:
    """The rates of a month in which the rate changed, each with its days under this price."""
    line = Month.of(row["month"]).range.overlap(
        DateRange(row["price_from"] or row["month"], row["price_until"])
    )
    found = []
    for start, end, rate in row["spells"] or ():
        common = line.overlap(DateRange(_day(start), _day(end))) if line else None
        if common and common.end:
            found.append(SubsidySpell((common.end - common.start).days, Decimal(rate)))
    return tuple(found)


def _outlook(raw: Sequence[Any], lines: Sequence[LineRow]) -> Outlook | None:
    """When the street's part ends; None for a bill it paid nothing of."""
    paid = [row for row in raw if row["subsidy_ends_on"] is not None and row["subsidy_fen"]]
    if not paid:
        return None
    last = paid[-1]
    return Outlook(
        payer=last["payer_region"],
        ends_on=last["subsidy_ends_on"],
        after_fen=after_subsidy_fen(lines),
        next_step_on=last["next_step_on"],
        next_rate=last["next_rate"],
    )


def after_subsidy_fen(lines: Sequence[LineRow]) -> Fen:
    """The same month's regular charges with nobody paying a part: what the cliff will show.

    The whole month's gross of charges by area, unit and space, reductions kept, at the price
    of this bill; metered, shared and one-off charges are left out, for they differ by month.
    Source: RULES D6.
    """
    return sum(line.whole_gross_fen for line in lines if line.is_regular)


def _day(value: str) -> date:
    return date.fromisoformat(value)
