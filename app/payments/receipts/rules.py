"""What a receipt says that is computed: its number, its check code, the sum in words. Pure."""

from __future__ import annotations

import re
import unicodedata

from app.kernel.errors import N_
from app.kernel.money import Fen

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that reads like something else
CODE_LENGTH = 12  # 59 bits: nobody guesses one

# Where money came in, by how it was paid, when no payment says so.
CHANNEL_OF = {"cash": "counter", "pos": "counter", "bank": "bank", "online": "stripe"}
CHANNELS = {
    "counter": N_("柜台"),
    "bank": N_("银行到账"),
    "stripe": N_("线上支付"),
    "code": N_("收款码"),
}
MEANS = {
    "cash": N_("现金"),
    "pos": N_("POS 刷卡"),
    "bank": N_("银行转账"),
    "transfer": N_("银行转账"),
    "online": N_("线上支付"),
    "card": N_("银行卡"),
    "alipay": N_("支付宝"),
    "wechat_pay": N_("微信支付"),
}
BOOK_LETTERS = {"service": "W", "fund": "J", "commons": "G", "backstop": "T"}

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "兆")


def written_number(book: str, year: int, number: int) -> str:
    """A receipt's number as people quote it: `W2026-000123` (W 物业, J 基金, G 公共, T 托底)."""
    return f"{BOOK_LETTERS[book]}{year}-{number:06d}"


def read_number(text: str) -> tuple[str, int, int] | None:
    """The book, year and number of a quoted number, however typed; None if it is none."""
    found = re.fullmatch(r"([WJGT])\s*(\d{4})\s*-\s*0*(\d{1,9})", _plain(text))
    if found is None:
        return None
    book = next(code for code, letter in BOOK_LETTERS.items() if letter == found[1])
    return book, int(found[2]), int(found[3])


def printed_code(community_id: int, code: str) -> str:
    """A check code with its community, in groups of four: `12-AB3D-9K2M-XY7Z`."""
    return "-".join([str(community_id), *re.findall("....", code)])


def read_code(text: str) -> tuple[int, str] | None:
    """The community and code of a printed check code; None if it is none."""
    number, dash, rest = _plain(text).partition("-")
    code = re.sub(r"[\s-]", "", rest)
    if not (dash and re.fullmatch(r"\d{1,15}", number, re.ASCII)):
        return None
    if len(code) != CODE_LENGTH or not set(code) <= set(CODE_ALPHABET):
        return None
    return int(number), code


def in_capitals(amount_fen: Fen) -> str:
    """A sum above zero in financial capitals, as on cheques: 120.05 → 壹佰贰拾元零伍分.

    Ends in 整 unless there are 分. Source: 支付结算办法 附一 (正确填写票据和结算凭证的基本规定).
    """
    whole, cents = divmod(amount_fen, 100)
    jiao, fen = divmod(cents, 10)
    words = f"{_whole(whole)}元" if whole else ""
    if not cents:
        return words + "整"
    if jiao:
        words += f"{_DIGITS[jiao]}角"
    elif whole:
        words += "零"
    return words + (f"{_DIGITS[fen]}分" if fen else "整")


def _whole(number: int) -> str:
    groups = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    words, gap = "", False
    for index in range(len(groups) - 1, -1, -1):
        group = groups[index]
        if not group:
            gap = bool(words)
            continue
        if words and (gap or group < 1000):
            words += "零"
        words += _group(group) + _GROUPS[index]
        gap = False
    return words


def _group(number: int) -> str:
    words, gap = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if not digit:
            gap = bool(words)
            continue
        words += ("零" if gap else "") + _DIGITS[digit] + _PLACES[place]
        gap = False
    return words


def _plain(text: str) -> str:
    dashes = re.sub(r"[－—–_−]", "-", unicodedata.normalize("NFKC", text))
    return dashes.strip().upper()
