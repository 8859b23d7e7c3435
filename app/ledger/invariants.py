"""What must always hold of the books: a list, run in tests, nightly and from a page.

Each check takes communities and returns its findings, each naming the guilty entry, month
or account in a sentence. None of them trusts a trigger, a key or another check: they find
what a superuser changed. Rooms above add what concerns them with `register`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import text

from app.kernel.db import db
from app.kernel.errors import N_
from app.ledger.chart import CHART
from app.ledger.closing import DIGEST_OF


@dataclass(frozen=True)
class Finding:
    """Something that does not hold: which check, about what (`entry:12`), in a sentence."""

    community_id: int
    invariant: str
    subject: str
    message: str
    params: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message % self.params


Check = Callable[[Sequence[int]], list[Finding]]


@dataclass(frozen=True)
class Invariant:
    """A law of the books: its name, what it says, and how it is checked."""

    name: str
    title: str
    find: Check


def register(invariant: Invariant) -> None:
    """Add a check of another room, such as billing's control accounts; again is harmless."""
    if all(known.name != invariant.name for known in INVARIANTS):
        INVARIANTS.append(invariant)


def check(communities: Sequence[int], laws: Sequence[Invariant] | None = None) -> list[Finding]:
    """Run the whole list (or the laws given) over communities in scope."""
    tried = INVARIANTS if laws is None else laws
    return [finding for invariant in tried for finding in invariant.find(communities)]


def find(
    invariant: str, subject: str, message: str, sql: str, communities: Sequence[int]
) -> list[Finding]:
    """Turn each row of a query into a finding.

    `sql` reads `:communities` and yields `community_id` and the columns that `subject` and
    `message` name in their %(places)s.
    """
    rows = db.session.execute(text(sql), {"communities": list(communities)}).mappings()
    found = [dict(row) for row in rows]
    return [Finding(row["community_id"], invariant, subject % row, message, row) for row in found]


def entries_balance(communities: Sequence[int]) -> list[Finding]:
    """Every entry's postings sum to zero."""
    return find(
        "entries_balance",
        "entry:%(entry)s",
        N_("凭证 %(entry)s 借贷不平，相差 %(off)s 分。"),
        "SELECT community_id, entry_id AS entry, sum(amount_fen) AS off FROM posting"
        " WHERE community_id = ANY(:communities) GROUP BY community_id, entry_id"
        " HAVING sum(amount_fen) <> 0 ORDER BY 1, 2",
        communities,
    )


def entries_and_postings_belong_together(communities: Sequence[int]) -> list[Finding]:
    """Every entry has postings, every posting its entry, both in the same book."""
    empty = find(
        "belonging",
        "entry:%(entry)s",
        N_("凭证 %(entry)s 没有分录。"),
        "SELECT e.community_id, e.id AS entry FROM entry e"
        " WHERE e.community_id = ANY(:communities) AND NOT EXISTS (SELECT FROM posting p"
        "  WHERE p.community_id = e.community_id AND p.entry_id = e.id) ORDER BY 1, 2",
        communities,
    )
    astray = find(
        "belonging",
        "entry:%(entry)s",
        N_("凭证 %(entry)s 有 %(count)s 条分录没有凭证，或不在凭证的账簿中。"),
        "SELECT p.community_id, p.entry_id AS entry, count(*) AS count FROM posting p"
        " LEFT JOIN entry e ON e.community_id = p.community_id AND e.id = p.entry_id"
        "  AND e.book = p.book"
        " WHERE p.community_id = ANY(:communities) AND e.id IS NULL"
        " GROUP BY p.community_id, p.entry_id ORDER BY 1, 2",
        communities,
    )
    return empty + astray


def postings_stand_on_accounts(communities: Sequence[int]) -> list[Finding]:
    """Every posting is on an account of its book, and names its unit where kept by unit."""
    return find(
        "accounts",
        "entry:%(entry)s",
        N_("凭证 %(entry)s 第 %(no)s 行的科目 %(account)s 不存在，或缺少房屋。"),
        "SELECT p.community_id, p.entry_id AS entry, p.no, p.account_code AS account"
        " FROM posting p LEFT JOIN ledger_account a ON a.community_id = p.community_id"
        "  AND a.book = p.book AND a.code = p.account_code"
        " WHERE p.community_id = ANY(:communities)"
        "  AND (a.code IS NULL OR (a.by_unit AND p.unit_id IS NULL)) ORDER BY 1, 2, 3",
        communities,
    )


def accounts_follow_the_chart(communities: Sequence[int]) -> list[Finding]:
    """The accounts in the books are those of the chart."""
    rows = db.session.execute(
        text(
            "SELECT community_id, book, code, kind, by_unit FROM ledger_account"
            " WHERE community_id = ANY(:communities) ORDER BY community_id, book, code"
        ),
        {"communities": list(communities)},
    ).all()
    charted = {(one.book, one.code, one.kind, one.by_unit) for one in CHART}
    message = N_("账簿“%(book)s”的科目 %(account)s 与科目表不符。")
    return [
        Finding(
            row.community_id,
            "chart",
            f"account:{row.book}:{row.code}",
            message,
            {"book": row.book, "account": row.code},
        )
        for row in rows
        if (row.book, row.code, row.kind, row.by_unit) not in charted
    ]


def numbers_have_no_gaps(communities: Sequence[int]) -> list[Finding]:
    """Entries are numbered 1, 2, 3 … up to the community's counter: a gap is a deletion."""
    return find(
        "numbering",
        "entry:%(first)s",
        N_("凭证 %(first)s 至 %(last)s 缺失。"),
        "WITH numbers AS ("
        "  SELECT community_id, id FROM entry WHERE community_id = ANY(:communities)"
        "  UNION ALL SELECT community_id, 0 FROM (SELECT DISTINCT community_id FROM entry"
        "   WHERE community_id = ANY(:communities) UNION SELECT community_id FROM counter"
        "   WHERE community_id = ANY(:communities) AND name = 'entry') begun"
        "  UNION ALL SELECT community_id, next_value FROM counter"
        "   WHERE community_id = ANY(:communities) AND name = 'entry'"
        " ), steps AS (SELECT community_id, id,"
        "  lag(id) OVER (PARTITION BY community_id ORDER BY id) AS before FROM numbers)"
        " SELECT community_id, before + 1 AS first, id - 1 AS last FROM steps"
        " WHERE id - before <> 1 ORDER BY 1, 2",
        communities,
    )


def seals_unbroken(communities: Sequence[int]) -> list[Finding]:
    """Every entry reads as it did when PostgreSQL sealed it, and every seal holds the last."""
    return find(
        "seals",
        "entry:%(entry)s",
        N_("凭证 %(entry)s 或其封印在记账后被改动。"),
        # The long texts only stream past the short seals; joined the other way they would spill.
        "SELECT c.community_id, c.entry_id AS entry FROM entry_content c"
        " LEFT JOIN entry_seal s ON s.community_id = c.community_id AND s.entry_id = c.entry_id"
        " LEFT JOIN entry_seal b ON b.community_id = c.community_id"
        "  AND b.entry_id = c.entry_id - 1"
        " WHERE c.community_id = ANY(:communities)"
        "  AND s.digest IS DISTINCT FROM sha256(coalesce(b.digest, '') || c.content)"
        " UNION SELECT s.community_id, s.entry_id FROM entry_seal s"
        " WHERE s.community_id = ANY(:communities) AND (NOT EXISTS (SELECT FROM entry e"
        "   WHERE e.community_id = s.community_id AND e.id = s.entry_id)"
        "  OR NOT EXISTS (SELECT FROM posting p"
        "   WHERE p.community_id = s.community_id AND p.entry_id = s.entry_id)) ORDER BY 1, 2",
        communities,
    )


def reversals_mirror(communities: Sequence[int]) -> list[Finding]:
    """A reversal is its entry's mirror image, line by line, in the same book."""
    return find(
        "reversals",
        "entry:%(entry)s",
        N_("冲销凭证 %(entry)s 与原凭证 %(original)s 不互为镜像。"),
        "WITH pairs AS (SELECT community_id, id, reverses_id FROM entry"
        "  WHERE community_id = ANY(:communities) AND reverses_id IS NOT NULL),"
        " mirror AS (SELECT r.community_id, r.id, r.reverses_id, p.no, p.book, p.account_code,"
        "   p.unit_id, p.amount_fen FROM pairs r JOIN posting p"
        "   ON p.community_id = r.community_id AND p.entry_id = r.id),"
        " original AS (SELECT r.community_id, r.id, r.reverses_id, p.no, p.book, p.account_code,"
        "   p.unit_id, -p.amount_fen AS amount_fen FROM pairs r"
        "   JOIN posting p ON p.community_id = r.community_id AND p.entry_id = r.reverses_id)"
        " SELECT DISTINCT community_id, id AS entry, reverses_id AS original FROM ("
        "  (TABLE mirror EXCEPT TABLE original) UNION (TABLE original EXCEPT TABLE mirror)"
        " ) apart ORDER BY 1, 2",
        communities,
    )


def closed_months_unchanged(communities: Sequence[int]) -> list[Finding]:
    """A closed month's digest is still that of its entries, and of the closing before it."""
    return find(
        "closings",
        "month:%(book)s:%(month)s",
        N_("账簿“%(book)s”%(month)s 的结账记录或其凭证在结账后被改动。"),
        "SELECT d.community_id, d.book,"  # noqa: S608 -- constants alone
        " to_char(d.month::timestamp, 'YYYY-MM') AS month FROM ("
        + DIGEST_OF.format(
            closing="(SELECT * FROM month_close WHERE community_id = ANY(:communities))"
        )
        + ") d JOIN month_close k ON k.community_id = d.community_id AND k.book = d.book"
        " AND k.month = d.month WHERE d.digest <> k.digest"
        " OR d.last_entry_id IS DISTINCT FROM k.last_entry_id ORDER BY 1, 2, 3",
        communities,
    )


def nothing_came_after_a_closing(communities: Sequence[int]) -> list[Finding]:
    """No entry of a closed month bears a higher number than the closing saw."""
    return find(
        "late_entries",
        "entry:%(entry)s",
        N_("凭证 %(entry)s 在 %(month)s 结账之后记入该月。"),
        "SELECT e.community_id, e.id AS entry, to_char(e.month::timestamp, 'YYYY-MM') AS month"
        " FROM entry e LEFT JOIN month_close k ON k.community_id = e.community_id"
        "  AND k.book = e.book AND k.month = e.month"
        " JOIN book b ON b.community_id = e.community_id AND b.code = e.book"
        " WHERE e.community_id = ANY(:communities) AND e.month <= b.closed_through"
        "  AND e.id > coalesce(k.last_entry_id, 0) ORDER BY 1, 2",
        communities,
    )


def closing_balances_agree(communities: Sequence[int]) -> list[Finding]:
    """Each balance kept at a closing is the plain sum of all postings up to it."""
    return find(
        "balances",
        "month:%(book)s:%(month)s",
        N_(
            "账簿“%(book)s”%(month)s 科目 %(account)s 的期末余额应为 %(summed)s 分，"
            "结账时记为 %(kept)s 分。"
        ),
        "WITH moved AS (SELECT e.community_id, e.book, e.month, p.account_code,"
        "   sum(p.amount_fen) AS fen FROM entry e JOIN posting p"
        "   ON p.community_id = e.community_id AND p.entry_id = e.id"
        "  WHERE e.community_id = ANY(:communities) GROUP BY 1, 2, 3, 4),"
        " summed AS (SELECT k.community_id, k.book, k.month, m.account_code, sum(m.fen) AS fen"
        "  FROM month_close k JOIN moved m ON m.community_id = k.community_id"
        "   AND m.book = k.book AND m.month <= k.month GROUP BY 1, 2, 3, 4),"
        " kept AS (SELECT community_id, book, month, account_code, balance_fen"
        "  FROM closing_balance WHERE community_id = ANY(:communities))"
        " SELECT community_id, book, to_char(month::timestamp, 'YYYY-MM') AS month,"
        "  account_code AS account, fen AS summed, balance_fen AS kept"
        " FROM summed FULL JOIN kept USING (community_id, book, month, account_code)"
        " WHERE fen IS DISTINCT FROM balance_fen ORDER BY 1, 2, 3, 4",
        communities,
    )


def books_stand_at_their_last_closing(communities: Sequence[int]) -> list[Finding]:
    """A book is closed through its last closing, and its closings leave no month out."""
    return find(
        "closed_through",
        "book:%(book)s",
        N_("账簿“%(book)s”的结账状态与结账记录不符。"),
        "SELECT b.community_id, b.code AS book FROM book b LEFT JOIN (SELECT community_id, book,"
        "   max(month) AS last, count(*) AS closings, (EXTRACT(YEAR FROM age(max(month),"
        "   min(month))) * 12 + EXTRACT(MONTH FROM age(max(month), min(month)))) + 1 AS span"
        "  FROM month_close WHERE community_id = ANY(:communities) GROUP BY 1, 2) k"
        " ON k.community_id = b.community_id AND k.book = b.code"
        " WHERE b.community_id = ANY(:communities)"
        "  AND (b.closed_through IS DISTINCT FROM k.last OR k.closings <> k.span) ORDER BY 1, 2",
        communities,
    )


def nothing_seen_before_is_gone(communities: Sequence[int]) -> list[Finding]:
    """The last seal that each earlier check saw is still in the chain as it was."""
    return find(
        "seen_before",
        "entry:%(entry)s",
        N_("上次核对（任务 %(task)s）所见的凭证 %(entry)s 已不存在或被改写。"),
        "SELECT t.community_id, t.id AS task, CAST(t.result ->> 'head_entry' AS bigint) AS entry"
        " FROM task t LEFT JOIN entry_seal s ON s.community_id = t.community_id"
        "  AND s.entry_id = CAST(t.result ->> 'head_entry' AS bigint)"
        " WHERE t.community_id = ANY(:communities) AND t.name = 'ledger:check'"
        "  AND t.result ->> 'head_entry' IS NOT NULL"
        "  AND encode(s.digest, 'hex') IS DISTINCT FROM t.result ->> 'head_digest' ORDER BY 1, 2",
        communities,
    )


LEDGER = (
    Invariant("entries_balance", N_("每张凭证借贷相等"), entries_balance),
    Invariant(
        "belonging", N_("凭证与分录互相对应，同属一本账"), entries_and_postings_belong_together
    ),
    Invariant("accounts", N_("分录科目存在，按户核算的写明房屋"), postings_stand_on_accounts),
    Invariant("chart", N_("科目与科目表一致"), accounts_follow_the_chart),
    Invariant("numbering", N_("凭证号连续，没有缺号"), numbers_have_no_gaps),
    Invariant("seals", N_("凭证与记账时的封印一致，封印首尾相连"), seals_unbroken),
    Invariant("reversals", N_("冲销凭证与原凭证互为镜像"), reversals_mirror),
    Invariant("closings", N_("已结账月份的指纹没有变化"), closed_months_unchanged),
    Invariant("late_entries", N_("结账之后没有凭证记入该月"), nothing_came_after_a_closing),
    Invariant("balances", N_("结账余额等于全部分录之和"), closing_balances_agree),
    Invariant(
        "closed_through", N_("账簿结账状态与结账记录一致"), books_stand_at_their_last_closing
    ),
    Invariant("seen_before", N_("以往核对时见过的凭证都还在"), nothing_seen_before_is_gone),
)
INVARIANTS = list(LEDGER)  # and what other rooms registered
