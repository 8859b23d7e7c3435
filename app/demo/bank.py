"""A bank account of the demonstration with a week's statement: some lines laid, some waiting."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import text

from app.billing.bank import service as matching
from app.kernel import clock
from app.kernel.db import db
from app.kernel.money import to_yuan
from app.payments.bank import service

HEADINGS = "交易日期,收入,支出,余额,对方户名,摘要,流水号"
PAYERS = 8
CONFIRMED = 3


def bank_a_week(community_id: int, street: str) -> None:
    """Register an account, bring in a statement, confirm the surest lines as the accountant."""
    today = clock.today()
    account = service.open_account(
        community_id,
        book="service",
        kind="bank",
        name="工商银行梧桐支行",
        tail="6688",
        checked_from=today,
    )
    content = _statement(community_id, street, today).encode("gb18030")
    file = service.receive(community_id, account.id, "工行流水.csv", content)
    service.read_file(community_id, file.id)
    service.ask_to_apply(community_id, file.id)
    service.apply_file(community_id, file.id)
    matching.propose_account(community_id, account.id)
    sure = db.session.scalars(
        text(
            "SELECT id FROM bank_line WHERE community_id = :c AND score >= 85"
            " AND proposal->>'kind' = 'homes' ORDER BY score DESC, id LIMIT :most"
        ),
        {"c": community_id, "most": CONFIRMED},
    ).all()
    for line_id in sure:
        matching.confirm_best(community_id, line_id, together=True)
    matching.check_day(community_id)


def _statement(community_id: int, street: str, today: date) -> str:
    """Owners who pay all they owe, one who says little, the street, a fee, a stranger."""
    owing = db.session.execute(
        text(
            "SELECT u.label, min(p.name) AS name, sum(b.open_fen)::bigint AS fen FROM bill b"
            " JOIN unit u ON u.community_id = b.community_id AND u.id = b.unit_id"
            " JOIN person p ON p.community_id = b.community_id AND p.id = b.payer_id"
            " WHERE b.community_id = :c AND b.open_fen > 0"
            " GROUP BY u.id, u.label HAVING count(DISTINCT p.id) = 1 ORDER BY u.id LIMIT :most"
        ),
        {"c": community_id, "most": PAYERS},
    ).all()
    rows = [
        (str(to_yuan(one.fen)), one.name, f"{one.label}物业费" if at % 4 else "物业费")
        for at, one in enumerate(owing)
    ]
    rows += [
        ("26400.00", f"{street}办事处", "物业费补贴"),
        ("-12.00", "中国工商银行", "账户管理费"),
        ("188.00", "云溪市好邻居商贸有限公司", "往来款"),
    ]
    lines = [HEADINGS]
    for at, (amount, name, remark) in enumerate(rows):
        day = today - timedelta(days=7 - at % 7)
        income, expense = ("", amount[1:]) if amount.startswith("-") else (amount, "")
        number = f"{day:%Y%m%d}{at + 1:06d}"
        lines.append(f"{day},{income},{expense},,{name},{remark},{number}")
    return "\r\n".join(lines)
