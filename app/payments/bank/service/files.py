"""A statement file from upload to lines: kept, read in a job, looked at, brought in whole."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.kernel import audit, clock, files, outbox, queue
from app.kernel.db import db
from app.kernel.errors import N_, Conflict, NotFound, RuleBroken
from app.kernel.files import StoredFile
from app.payments.bank.models import BankAccount, BankLine, StatementFile
from app.payments.bank.service.accounts import account_of
from app.payments.statements import detect
from app.payments.statements.lines import (
    NEUTRAL,
    SOURCE_WORDS,
    Statement,
    StatementError,
    StatementLine,
    keyed,
)
from app.payments.statements.mapping import Mapping

READ, APPLY = "bank:read-statement", "bank:apply-statement"
SAMPLED = 20
BATCH = 2000
NEUTRAL_REASON = N_("自有资金划转，不计收支")
KIND_OF = {"wechat": "wechat", "alipay": "alipay"}

Keyed = tuple[Statement, StatementLine, str]


def receive(community_id: int, account_id: int, filename: str, content: bytes) -> StatementFile:
    """Keep an uploaded statement and ask for it to be read; the same content is the same file.

    One that could not be read before is read anew. Raises RuleBroken when empty, too large or
    the account is closed.
    """
    account = account_of(community_id, account_id)
    if account.closed_at is not None:
        raise RuleBroken("bank.closed", N_("这个账户已停用。"), field="account_id")
    if not content:
        raise RuleBroken("statement.empty", N_("请选择一个文件。"), field="file")
    if len(content) > detect.LARGEST_FILE_BYTES:
        raise RuleBroken(
            "statement.too_large",
            N_("文件超过 20 MB。请按月份拆成几个文件分别导入。"),
            field="file",
        )
    digest = hashlib.sha256(content).hexdigest()
    known = db.session.scalars(
        select(StatementFile).filter_by(
            community_id=community_id, account_id=account_id, sha256=digest
        )
    ).one_or_none()
    if known is not None:
        if known.status == "refused":
            _read_again(known)
        return known
    return _keep(account, _plain_name(filename), content, digest)


def _keep(account: BankAccount, name: str, content: bytes, digest: str) -> StatementFile:
    community_id = account.community_id
    stored = files.keep(
        community_id,
        name,
        content,
        content_type="application/octet-stream",
        action="bank.import",
        created_by=audit.actor().account_id,
    )
    made = StatementFile(
        community_id=community_id,
        account_id=account.id,
        file_id=stored.id,
        name=name,
        sha256=digest,
        uploaded_by=audit.actor().account_id,
        reads=0,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        "statement:uploaded",
        f"statement_file:{made.id}",
        community_id=community_id,
        after={"filename": name, "sha256": digest, "bytes": len(content)},
    )
    _read_again(made)
    return made


def choose_columns(community_id: int, file_id: int, mapping: Mapping) -> StatementFile:
    """Read a file by a person's word on its columns; the account remembers it once applied."""
    one = file_of(community_id, file_id)
    if one.status not in ("columns", "ready", "refused"):
        raise Conflict("statement.applied", N_("这份对账单已经导入，不能再改。"))
    if mapping.missing:
        raise RuleBroken(
            "statement.columns",
            N_("请指明哪一列是日期，哪一列是金额（或收入、支出两列）。"),
        )
    one.mapping = mapping.as_json()
    _read_again(one)
    return one


def _read_again(one: StatementFile) -> None:
    one.status, one.refusal, one.refusal_params = "reading", "", {}
    one.reads += 1
    db.session.flush()
    queue.enqueue(READ, one.community_id, {"file_id": one.id}, key=f"{one.id}:{one.reads}")


def read_file(community_id: int, file_id: int) -> StatementFile:
    """Read a kept file and write down what it would add, or why it is not read."""
    one = file_of(community_id, file_id)
    if one.status != "reading":
        return one
    account = account_of(community_id, one.account_id)
    content = _content(one)
    try:
        lines = _lines_of(one, account, content)
    except StatementError as error:
        if error.code in ("statement.unknown", "statement.mapping_differs"):
            _offer_columns(one, content, error)
        else:
            _refuse(one, error)
        db.session.flush()
        return one
    _preview(one, lines)
    db.session.flush()
    return one


def _lines_of(one: StatementFile, account: BankAccount, content: bytes) -> list[Keyed]:
    stored = one.mapping or account.mapping
    mapping = Mapping.from_json(stored) if stored else None
    found = detect.read(content, one.name, mapping)
    accounts = {(each.account, each.currency) for each in found}
    if len(accounts) > 1:
        raise StatementError(
            "statement.accounts",
            N_("文件里有 %(count)s 个账户，请按账户分开导出，再分别导入。"),
            count=len(accounts),
        )
    _check_account(account, found)
    _check_source(account, found)
    one.source = found[0].source if found else ""
    return _stated(one, found)


def _check_account(account: BankAccount, found: Sequence[Statement]) -> None:
    """A file that names another account's number is that account's."""
    for each in found:
        digits = re.sub(r"\D", "", each.account)
        said = len(digits) >= 4 and len(account.tail) == 4 and account.tail.isdigit()
        if said and not digits.endswith(account.tail):
            raise StatementError(
                "statement.account",
                N_("文件是尾号 %(found)s 的账户，所选账户的尾号是 %(wanted)s。"),
                found=digits[-4:],
                wanted=account.tail,
            )


def _check_source(account: BankAccount, found: Sequence[Statement]) -> None:
    """An account takes one kind of statement: two kinds would tell the same money twice."""
    sources = {each.source for each in found}
    if len(sources) > 1:
        raise StatementError("statement.sources", N_("文件里有两种账单，请分开导入。"))
    source = next(iter(sources), account.source)
    kind = KIND_OF.get(source.partition(".")[0], "bank")
    if source != "table" and kind != account.kind:
        raise StatementError(
            "statement.kind",
            N_("这是%(source)s，与所选账户的种类不符。请换一个账户。"),
            source=SOURCE_WORDS.get(source, source),
        )
    if account.source and source != account.source:
        raise StatementError(
            "statement.source",
            N_(
                "这个账户一直导入%(known)s，这份是%(source)s。"
                "同一笔钱会记两遍，所以一个账户只收一种账单。"
            ),
            known=SOURCE_WORDS.get(account.source, account.source),
            source=SOURCE_WORDS.get(source, source),
        )


def _stated(one: StatementFile, found: Sequence[Statement]) -> list[Keyed]:
    starts = [each.starts_on for each in found if each.starts_on]
    ends = [each.ends_on for each in found if each.ends_on]
    one.starts_on, one.ends_on = min(starts, default=None), max(ends, default=None)
    one.opening_fen = found[0].opening_fen if found else None
    one.closing_fen = found[-1].closing_fen if found else None
    one.notices = [
        [notice.message, {key: str(value) for key, value in notice.params.items()}]
        for each in found
        for notice in each.notices
    ]
    return keyed(found)


def _preview(one: StatementFile, lines: Sequence[Keyed]) -> None:
    known = _known_keys(one.community_id, one.account_id, [key for _, _, key in lines])
    one.line_count, one.known_count = len(lines), len(known)
    one.new_count = len(lines) - len(known)
    one.in_fen = sum(line.amount_fen for _, line, _ in lines if line.amount_fen > 0)
    one.out_fen = sum(line.amount_fen for _, line, _ in lines if line.amount_fen < 0)
    one.sample = [
        {
            "row": line.row,
            "booked_on": line.booked_on.isoformat(),
            "amount_fen": line.amount_fen,
            "counterparty": line.counterparty,
            "remark": line.remark,
            "kind": line.kind,
            "known": key in known,
        }
        for _, line, key in lines[:SAMPLED]
    ]
    one.status, one.refusal, one.refusal_params = "ready", "", {}


def _known_keys(community_id: int, account_id: int, keys: list[str]) -> set[str]:
    return set(
        db.session.scalars(
            text(
                "SELECT l.key FROM bank_line l WHERE l.community_id = :c AND l.account_id = :a"
                " AND l.key = ANY (CAST(:keys AS text[]))"
            ),
            {"c": community_id, "a": account_id, "keys": keys},
        )
    )


def _offer_columns(one: StatementFile, content: bytes, error: StatementError) -> None:
    try:
        found = detect.columns_of(content, one.name)
    except StatementError:
        _refuse(one, error)
        return
    one.columns = {
        "headers": list(found.headers),
        "rows": [[cell[:80] for cell in row[:60]] for row in found.rows[:SAMPLED]],
        "guess": found.guess.as_json(),
    }
    one.status, one.refusal, one.refusal_params = "columns", "", {}


def _refuse(one: StatementFile, error: StatementError) -> None:
    one.status, one.refusal = "refused", error.message
    one.refusal_params = {key: str(value) for key, value in error.params.items()}


def ask_to_apply(community_id: int, file_id: int) -> StatementFile:
    """Ask for a previewed file to be brought in. Raises Conflict when it is not at that."""
    one = file_of(community_id, file_id)
    if one.status != "ready":
        raise Conflict("statement.not_ready", N_("这份对账单已经处理过，请刷新页面。"))
    one.status, one.applied_by = "applying", audit.actor().account_id
    one.reads += 1
    db.session.flush()
    queue.enqueue(APPLY, community_id, {"file_id": one.id}, key=f"{one.id}:{one.reads}")
    return one


def apply_file(community_id: int, file_id: int) -> StatementFile:
    """Bring a previewed file's lines in, all at once; those known already are passed over.

    Neutral lines come in explained: money between one's own pockets is settled by nothing.
    """
    one = file_of(community_id, file_id)
    if one.status != "applying":
        return one
    account = account_of(community_id, one.account_id)
    try:
        lines = _lines_of(one, account, _content(one))
    except StatementError as error:  # another file changed the account's kind meanwhile
        _refuse(one, error)
        db.session.flush()
        return one
    added = 0
    batches = iter(_rows(one, lines))
    while batch := list(islice(batches, BATCH)):
        added += _insert(batch)
        queue.progress(min(len(lines), added), len(lines))
    account.source = account.source or one.source
    if one.mapping:
        account.mapping = one.mapping
    one.line_count, one.new_count, one.known_count = len(lines), added, len(lines) - added
    one.status, one.applied_at = "applied", clock.now()
    db.session.flush()
    facts = {"filename": one.name, "new": added, "known": one.known_count}
    audit.record(
        "statement:applied", f"statement_file:{one.id}", community_id=community_id, after=facts
    )
    outbox.tell(community_id, "statement:applied", {"account_id": account.id})
    return one


def _insert(batch: list[dict[str, Any]]) -> int:
    made = db.session.execute(
        insert(BankLine)
        .on_conflict_do_nothing(index_elements=["community_id", "account_id", "key"])
        .returning(BankLine.id),
        batch,
    )
    return len(made.all())


def _rows(one: StatementFile, lines: Sequence[Keyed]) -> Iterator[dict[str, Any]]:
    now = clock.now()
    for _, line, key in lines:
        if not line.amount_fen:
            continue
        neutral = line.kind == NEUTRAL
        yield {
            "community_id": one.community_id,
            "account_id": one.account_id,
            "file_id": one.id,
            "key": key,
            "row": line.row,
            "booked_on": line.booked_on,
            "booked_at": line.booked_at,
            "amount_fen": line.amount_fen,
            "balance_fen": line.balance_fen,
            "fee_fen": line.fee_fen,
            "counterparty": _clean(line.counterparty),
            "counterparty_tail": _tail(line.counterparty_account),
            "remark": _clean(line.remark),
            "reference": _clean(line.reference),
            "order_no": _clean(line.order_no),
            "kind": line.kind,
            "status": "explained" if neutral else "unmatched",
            "reason": NEUTRAL_REASON if neutral else "",
            "explained_at": now if neutral else None,
        }


def file_of(community_id: int, file_id: int) -> StatementFile:
    """A statement file, held until the transaction ends. Raises NotFound."""
    one = db.session.get(
        StatementFile, (community_id, file_id), with_for_update=True, populate_existing=True
    )
    if one is None:
        raise NotFound("statement.none", N_("没有这份对账单。"))
    return one


def _content(one: StatementFile) -> bytes:
    stored = db.session.get_one(StoredFile, (one.community_id, one.file_id))
    return files.location(stored).read_bytes()


def _tail(number: str) -> str:
    """The last four of an account's number; never more of it is kept."""
    plain = "".join(unicodedata.normalize("NFKC", number).split())
    return plain[-4:].replace("\x00", "")


def _clean(words: str) -> str:
    return words.replace("\x00", "").strip()[:500]


def _plain_name(filename: str) -> str:
    name = filename.replace("\\", "/").rpartition("/")[2]
    plain = "".join(one for one in name if one.isprintable())[-120:]
    return plain or "statement"
