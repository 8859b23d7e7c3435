"""A city to bill: communities of 1,000 homes with owners, fees and a subsidy, made set-based."""

from __future__ import annotations

from typing import Any

import psycopg

COMMUNITY = 1000

SEED = """
INSERT INTO region (id, kind, name) VALUES (1, 'street', '街道') ON CONFLICT DO NOTHING;
INSERT INTO community (id, region_id, name)
  SELECT c, 1, 'c' || c FROM generate_series({first}, {last}) c;
INSERT INTO building (community_id, id, code)
  SELECT c, b, b::text FROM generate_series({first}, {last}) c, generate_series(1, 20) b;
INSERT INTO unit (community_id, id, building_id, room, label, sort_key, area_m2, binding_code)
  SELECT c, u, 1 + u % 20, u::text, (1 + u % 20) || '-' || u, lpad(u::text, 6, '0'),
         40 + ((c * 7919 + u * 104729) % 12000)::numeric / 100, u::text
    FROM generate_series({first}, {last}) c, generate_series(1, {size}) u;
INSERT INTO person (community_id, id, name)
  SELECT c, p, 'p' FROM generate_series({first}, {last}) c, generate_series(1, 2 * {size}) p;
INSERT INTO ownership (community_id, unit_id, person_id, share_numerator, share_denominator,
                       starts_on, ends_on)
  SELECT c, u, u, 1, CASE WHEN u % 10 < 3 THEN 2 ELSE 1 END, '2010-01-01',
         CASE WHEN u % 100 = 7 THEN date '2025-06-11' END
    FROM generate_series({first}, {last}) c, generate_series(1, {size}) u;
INSERT INTO ownership (community_id, unit_id, person_id, share_numerator, share_denominator,
                       starts_on)
  SELECT c, u, {size} + u, 1, CASE WHEN u % 10 < 3 THEN 2 ELSE 1 END,
         CASE WHEN u % 100 = 7 THEN date '2025-06-11' ELSE '2010-01-01' END
    FROM generate_series({first}, {last}) c, generate_series(1, {size}) u
   WHERE u % 10 < 3 OR u % 100 = 7;
INSERT INTO tariff (community_id, id, name, basis, subsidised, position)
  SELECT c, t.* FROM generate_series({first}, {last}) c,
   (VALUES (1, '物业费', 'area', true, 1), (2, '电梯费', 'area', false, 2),
           (3, '垃圾费', 'unit', false, 3)) t;
INSERT INTO tariff_version (community_id, id, tariff_id, starts_on, price, price_basis)
  SELECT c, t.*, 'market' FROM generate_series({first}, {last}) c,
   (VALUES (1, 1, date '2020-01-01', 1.35), (2, 2, date '2020-01-01', 0.35),
           (3, 3, date '2020-01-01', 8.00)) t;
INSERT INTO reduction (community_id, unit_id, kind, percent, starts_on, document_no)
  SELECT c, u, 'vacancy', 30, '2025-06-05', '1'
    FROM generate_series({first}, {last}) c, generate_series(1, {size}, 50) u;
INSERT INTO subsidy_scheme (community_id, id, payer_region_id, agreement_no, entered_on,
                            starts_on, ends_on)
  SELECT c, 1, 1, '1', '2024-01-01', '2024-01-01', '2027-01-01'
    FROM generate_series({first}, {last}) c;
INSERT INTO subsidy_step (community_id, scheme_id, starts_on, rate)
  SELECT c, 1, '2024-01-01', 0.75 FROM generate_series({first}, {last}) c;
"""


def seed(above: psycopg.Connection[Any], communities: int) -> None:
    """Found the communities, set-based."""
    for start in range(1, communities + 1, 100):
        last = min(start + 99, communities)
        above.execute(SEED.format(first=start, last=last, size=COMMUNITY))
    from app.ledger.chart import BOOKS, CHART

    for book in BOOKS:
        above.execute("INSERT INTO book (community_id, code) SELECT id, %s FROM community", [book])
    for account in CHART:
        above.execute(
            "INSERT INTO ledger_account (community_id, book, code, kind, by_unit)"
            " SELECT id, %s, %s, %s, %s FROM community",
            [account.book, account.code, account.kind, account.by_unit],
        )
    above.execute("ANALYZE")
