"""A table of text cells out of a file, and its rows below a heading."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.kernel.errors import N_
from app.kernel.tables.sheets import MOST_COLUMNS, delimiter_of, letter
from app.payments.statements import cells
from app.payments.statements.cells import BadCell, When
from app.payments.statements.lines import StatementError

MOST_ROWS = 200_000
LONGEST_LINE = 20_000
SEARCHED_ROWS = 80
SHOWN_FORMULAS = 10
_AS_TEXT = re.compile(r'="[^"=]*"')
_FOOTER = re.compile(
    r"^\W*(?:合计|总计|小计|共计|累计|本页|本次|期末|期初|总|共\s*\d|人民币合计|收入合计|支出合计|"
    r"借方|贷方|收入笔数|支出笔数|笔数|注|说明|备注[:：]|声明|打印|下载|制表|温馨提示|特别提示|"
    r"重要提示|提示|以上|此|第\s*\d+\s*页|[-=*#_—]{3,}|#)"
)


@dataclass(frozen=True)
class Table:
    """Rows that hold anything, numbered from 1 as a spreadsheet would; `name` of its sheet."""

    rows: Sequence[tuple[int, Sequence[str]]]
    name: str = ""


@dataclass(frozen=True)
class Head:
    """A heading row: its place in `Table.rows`, its titles, and which column means what."""

    at: int
    titles: tuple[str, ...]
    columns: Mapping[str, int]
    date_order: str = "ymd"
    decimal: str = "."
    texts: tuple[int, ...] = ()  # further columns of words, for the remark

    def title(self, key: str) -> str:
        """A column as the file calls it, or by its letter."""
        index = self.columns.get(key)
        if index is None:
            return key
        return (self.titles[index] if index < len(self.titles) else "") or letter(index)


@dataclass(frozen=True)
class Record:
    """A row below a heading; each reading turns a bad cell into a sentence with its place."""

    number: int
    raw: Sequence[str]
    head: Head

    def cell(self, key: str) -> str:
        """A cell as it stands; empty where the column or the cell is missing."""
        index = self.head.columns.get(key)
        return self.raw[index] if index is not None and index < len(self.raw) else ""

    def text(self, key: str) -> str:
        """A cell's clean text; empty for a dash or a slash."""
        return cells.text_of(self.cell(key))

    def joined(self, *keys: str) -> str:
        """Several cells as one text, each said once."""
        said: list[str] = []
        for key in keys:
            text = self.text(key)
            if text and text not in said:
                said.append(text)
        return " ".join(said)[: cells.LONGEST_TEXT]

    def words(self) -> str:
        """What the movement was for, out of all columns of words, each text once."""
        own = [self.head.columns.get(key) for key in ("summary", "remark")]
        columns = self.head.texts or [at for at in own if at is not None]
        said: list[str] = []
        for at in columns:
            text = cells.text_of(self.raw[at]) if at < len(self.raw) else ""
            if text and text not in said:
                said.append(text)
        return " ".join(said)[: cells.LONGEST_TEXT]

    def money(self, key: str) -> int | None:
        """A sum in fen; None when blank. Raises StatementError."""
        try:
            return cells.money(self.cell(key), self.head.decimal)
        except BadCell as bad:
            raise self.wrong(key, bad) from None

    def needed_money(self, key: str) -> int:
        """A sum that must be there. Raises StatementError."""
        amount = self.money(key)
        if amount is None:
            raise StatementError(
                "statement.no_amount",
                N_("第 %(row)s 行“%(column)s”是空的，而这一行有日期。请核对原文件后重新导入。"),
                row=self.number,
                column=self.head.title(key),
            )
        return amount

    def when(self, key: str = "date", clock: str = "time") -> When:
        """The day, and the instant where its time is known. Raises StatementError."""
        try:
            return cells.when(self.cell(key), self.cell(clock), self.head.date_order)
        except BadCell as bad:
            raise self.wrong(key, bad) from None

    def wrong(self, key: str, bad: BadCell) -> StatementError:
        """The sentence for a cell that cannot be read."""
        return wrong_cell(self.number, self.head.title(key), bad)

    def is_note(self) -> bool:
        """Whether this is no movement but a total, a heading again, or a remark below.

        A row without money is one; a row with money is one only when it begins like a total.
        """
        filled = [one for one in self.raw if one and not one.isspace()]
        if len(filled) <= 1:
            return True
        if cells.is_blank(self.cell("date")):
            money = ("amount", "income", "expense")
            return bool(_FOOTER.match(cells.clean(filled[0]))) or all(
                cells.is_blank(self.cell(key)) for key in money
            )
        return bool(_FOOTER.match(cells.clean(self.cell("date")))) or self._is_heading()

    def _is_heading(self) -> bool:
        return cells.clean(self.cell("date")) == self.head.title("date")


def wrong_cell(row: int, column: str, bad: BadCell) -> StatementError:
    """The sentence for a cell that cannot be read, with its place."""
    return StatementError(
        "statement.cell", bad.message, row=row, column=column[:40], value=bad.value
    )


def word(title: str) -> str:
    """A heading without spaces, stars, units and what is said in square brackets."""
    plain = unicodedata.normalize("NFKC", cells.clean(title)).casefold()
    plain = re.sub(r"\[[^\]]*\]|【[^】]*】|\(([+-]?元|yuan|cny|rmb)\)", "", plain)
    return re.sub(r"[\s*:#'\"`]+", "", plain)


def find(table: Table, needed: Sequence[str], optional: Mapping[str, str]) -> Head | None:
    """The heading that has all needed titles, its columns by the keys of `optional`.

    `needed` are titles; `optional` maps a title to the key it is read by.
    """
    wanted = {word(title) for title in needed}
    keys = {word(title): key for title, key in optional.items()}
    for at, (_number, row) in enumerate(table.rows[:SEARCHED_ROWS]):
        words = [word(one) for one in row]
        if wanted <= set(words):
            columns: dict[str, int] = {}
            for index, one in enumerate(words):
                if one in keys:
                    columns.setdefault(keys[one], index)
            return Head(at, tuple(cells.clean(one) for one in row), columns)
    return None


def body(table: Table, head: Head) -> Iterator[Record]:
    """The rows below the heading."""
    for number, row in table.rows[head.at + 1 :]:
        yield Record(number, row, head)


def csv_table(text: str) -> Table:
    """Rows of delimited text; blank ones are left out but counted. Raises StatementError."""
    lines = text.splitlines(keepends=True)
    if len(lines) > MOST_ROWS + SEARCHED_ROWS:
        raise too_many_rows()
    mark = delimiter_of(_densest(lines))
    csv.field_size_limit(100_000)
    rows: list[tuple[int, Sequence[str]]] = []
    formulas: list[str] = []
    try:
        for number, row in enumerate(_records(lines, mark), start=1):
            formulas += _formulas(number, row)
            if any(map(str.strip, row)):
                _check_quotes(number, row, mark)
                rows.append((number, row[:MOST_COLUMNS]))
    except csv.Error:
        raise _unbalanced(len(rows) + 1) from None
    if formulas:
        raise StatementError(
            "statement.formulas",
            N_("这些单元格是公式：%(cells)s。请使用下载的原文件，或改成数值后重新导入。"),
            cells="、".join(formulas[:SHOWN_FORMULAS]),
        )
    return Table(rows)


def too_many_rows() -> StatementError:
    """The refusal of a file with more than 200,000 lines."""
    return StatementError(
        "statement.too_many_rows",
        N_("文件超过 20 万行。请在银行或平台按月分段下载，再分别导入。"),
    )


def _densest(lines: Sequence[str]) -> list[str]:
    """The forty lines around the tenth that look most like a table: preambles have prose."""
    # What stands in quotes holds commas and tabs of its own.
    quoted = re.compile(r'"[^"\n]*"')
    head = [quoted.sub("", line[:LONGEST_LINE]) for line in lines[:SEARCHED_ROWS] if line.strip()]
    marks = re.compile(r"[,\t;|]")
    return sorted(head, key=lambda line: -len(marks.findall(line)))[:40]


def _records(lines: Sequence[str], mark: str) -> Iterator[list[str]]:
    """Records by the rules of CSV; WeChat's back-ticked ones by theirs (",`" parts the cells)."""
    if not any(line.startswith("`") for line in lines[:20]):
        yield from csv.reader(io.StringIO("".join(lines), newline=""), delimiter=mark)
        return
    for line in lines:
        plain = line.rstrip("\r\n")
        yield plain[1:].split(",`") if plain.startswith("`") else plain.split(",")


def _formulas(number: int, row: Sequence[str]) -> list[str]:
    return [
        f"{letter(at)}{number}"
        for at, cell in enumerate(row)
        if cell[:1] == "=" and not _AS_TEXT.fullmatch(cell.strip()) and set(cell.strip()) != {"="}
    ]


def _check_quotes(number: int, row: Sequence[str], mark: str) -> None:
    """A quote that is never closed swallows the rows that follow it into one cell."""
    for cell in row:
        if "\n" in cell and cell.count(mark) >= max(2, len(row) // 2):
            raise _unbalanced(number)


def _unbalanced(number: int) -> StatementError:
    return StatementError(
        "statement.quotes",
        N_("第 %(row)s 行的引号没有成对，后面的行会被吞掉。请使用下载的原文件，或另存为 .xlsx。"),
        row=number,
    )
