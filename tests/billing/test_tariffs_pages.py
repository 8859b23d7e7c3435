"""The tariff pages in a browser's hands: what is shown, refused, saved, and to whom."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from typing import Any

import pytest
import xlsxwriter
from flask import Flask
from sqlalchemy import event, func, select

from app.billing.models import (
    MeterReading,
    OneOffCharge,
    Reduction,
    SharedCost,
    Tariff,
    TariffQuantity,
    TariffVersion,
)
from app.billing.tariffs import service
from app.billing.tariffs.service.quantities import Quantity
from app.kernel import clock
from app.kernel.db import db
from app.kernel.period import Month
from app.kernel.tenancy import scoped
from tests.billing.paperwork import day, price, priced, tariff
from tests.builders import Town
from tests.people import client_for

NEXT = Month.of(clock.today()).shift(1)


def rows(town: Town, table: Any) -> list[Any]:
    db.session.rollback()
    with scoped([town.community_id]):
        found = db.session.scalars(select(table).where(table.community_id == town.community_id))
        return list(found.all())


def at(town: Town, path: str = "") -> str:
    return f"/c/{town.community_id}/tariffs{path}"


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def furnished(town: Town) -> dict[str, int]:
    """A community with something on every page of the room."""
    with scoped([town.community_id]):
        unit = town.add_unit("1-101", "88.88")
        town.add_unit("1-102", "65.34")
        fee, version = priced(town, "2026-01-01", "1.20", unit_kinds=["residential"])
        service.set_price(town.community_id, fee.id, price(f"{NEXT}-01", "1.35"))
        space = tariff(town, "车位", "space")
        service.set_price(town.community_id, space.id, price(yuan="60"))
        service.set_quantities(
            town.community_id, space.id, day("2026-01-01"),
            [Quantity(unit.id, Decimal(1))],
        )  # fmt: skip
        water = tariff(town, "二次供水", "metered", measure="m³")
        meter = service.register_meter(
            town.community_id, tariff_id=water.id, unit_id=unit.id, serial="W1",
            initial=Decimal(100),
        )  # fmt: skip
        lamp = tariff(town, "照明", "shared", income_code="2202")
        cost = service.add_shared_cost(
            town.community_id, tariff_id=lamp.id, month=NEXT, amount_fen=123641, allocation="area"
        )
        card = tariff(town, "门禁卡", "one_off")
        charge = service.charge_units(
            town.community_id, tariff_id=card.id, unit_ids=[unit.id], month=NEXT, amount_fen=2000,
            description="补办门禁卡",
        )[0]  # fmt: skip
        reduction = service.grant_reductions(
            town.community_id, unit_ids=[unit.id], tariff_id=fee.id, kind="vacancy",
            percent=Decimal(30), starts_on=day("2026-01-01"), last_day=None,
            document_no="物业服务合同第 18 条",
        )[0]  # fmt: skip
        terms = service.set_late_terms(
            town.community_id, daily_rate=Decimal("0.0005"), grace_days=5,
            starts_on=day("2026-01-01"), document_no="合同第 21 条",
        )  # fmt: skip
        ids = {
            "unit": unit.id, "fee": fee.id, "version": version.id, "space": space.id,
            "water": water.id, "meter": meter.id, "lamp": lamp.id, "cost": cost.id,
            "card": card.id, "charge": charge.id, "reduction": reduction.id, "late": terms.id,
        }  # fmt: skip
        db.session.commit()
    return ids


READING_PAGES = (
    "", "/{fee}", "/{space}/quantities", "/reductions", "/meters", "/meters/{meter}",
    "/shared-costs", "/one-off", "/late-terms",
)  # fmt: skip
EDITING_PAGES = (
    "/new", "/starter", "/{fee}/edit", "/{fee}/end", "/{fee}/prices/new",
    "/{fee}/prices/{version}/withdraw", "/{space}/quantities/new", "/reductions/new",
    "/reductions/{reduction}/end", "/meters/new", "/meters/{meter}/replace",
    "/meters/{meter}/remove", "/meters/readings", "/meters/readings/import",
    "/shared-costs/new", "/one-off/new", "/late-terms/new", "/late-terms/{late}/end",
)  # fmt: skip


@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_every_page_opens_in_both_languages_with_few_statements(
    app: Flask, town: Town, language: str
) -> None:
    ids = furnished(town)
    accountant = client_for(app, "accountant", town)
    for path in READING_PAGES + EDITING_PAGES:
        answer, statements = counted(
            lambda path=path: accountant.get(at(town, path.format(**ids)) + f"?lang={language}")
        )
        assert answer.status_code == 200, path
        assert statements <= 8, (path, statements)
        if language == "en":
            title = re.search(r"<title>([^<]*)", answer.get_data(as_text=True))
            assert title
            head = title[1].split(" · ")[0]
            data = ("物业费", "车位", "二次供水", "照明", "门禁卡")
            for word in data:
                head = head.replace(word, "")
            assert not re.search(r"[\u4e00-\u9fff]", head), (path, head)


def counted(act: Any) -> tuple[Any, int]:
    """What an act gives, and how many statements of rooms it made (not of the door)."""
    seen: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        if not any(word in statement for word in DOOR):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        return act(), len(seen)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


DOOR = ("SET LOCAL", "sign_in", "access_of", "membership", "SELECT 1", "pg_catalog", "select ")


def test_the_empty_pages_say_what_to_do_next(app: Flask, town: Town) -> None:
    accountant = client_for(app, "accountant", town)
    for path in ("", "/reductions", "/meters", "/shared-costs", "/one-off", "/late-terms"):
        answer = accountant.get(at(town, path))
        assert answer.status_code == 200
        assert "empty-state" in answer.get_data(as_text=True), path


def test_a_cashier_reads_and_does_not_edit(app: Flask, town: Town) -> None:
    ids = furnished(town)
    cashier = client_for(app, "cashier", town)
    for path in READING_PAGES:
        answer = cashier.get(at(town, path.format(**ids)))
        assert answer.status_code == 200, path
        assert "/new" not in answer.get_data(as_text=True), path
    for path in EDITING_PAGES:
        assert cashier.get(at(town, path.format(**ids))).status_code == 403, path
    answer = cashier.submit(at(town, "/new"), {"name": "x", "basis": "area", "income_code": "6001"})
    assert answer.status_code == 403


def test_a_resident_and_a_stranger_see_nothing(app: Flask, town: Town) -> None:
    from tests.builders import found_town

    furnished(town)
    stranger = client_for(app, "accountant", found_town())
    assert client_for(app, "resident", town).get(at(town)).status_code == 403
    assert stranger.get(at(town)).status_code == 404


def test_a_tariff_is_opened_priced_and_followed(app: Flask, town: Town) -> None:
    accountant = client_for(app, "accountant", town)
    answer = accountant.submit(
        at(town, "/new"),
        {"name": "物业费", "basis": "area", "income_code": "6001", "unit_kinds": "residential",
         "subsidised": "on"},
    )  # fmt: skip
    row = rows(town, Tariff)[0]
    assert answer.headers["Location"] == at(town, f"/{row.id}/prices/new")
    asked = {"starts_on": "2026-01-01", "price": "１．２０", "price_basis": "contract"}
    refused = accountant.submit(answer.headers["Location"], asked)
    assert refused.status_code == 422
    assert "f-document_no" in refused.get_data(as_text=True)
    look = accountant.submit(
        answer.headers["Location"], asked | {"document_no": "合同 8 号", "look": "1"}
    )
    assert "¥96.00" in text_of(look)
    assert rows(town, TariffVersion) == []
    saved = accountant.submit(answer.headers["Location"], asked | {"document_no": "合同 8 号"})
    assert saved.status_code == 303
    page = text_of(accountant.get(saved.headers["Location"]))
    assert "1.20" in page
    assert "合同 8 号" in page
    assert "测试员" in page


def test_the_starting_set_opens_at_once_or_not_at_all(app: Flask, town: Town) -> None:
    accountant = client_for(app, "accountant", town)
    form: dict[str, Any] = {
        "chosen": ["fee", "parking", "lighting"], "price_fee": "1.1", "price_parking": "",
        "starts_on": "2026-01-01", "price_basis": "contract", "document_no": "合同 8 号",
    }  # fmt: skip
    refused = accountant.submit(at(town, "/starter"), form)
    assert refused.status_code == 422
    assert rows(town, Tariff) == []
    assert (
        accountant.submit(at(town, "/starter"), form | {"price_parking": "60"}).status_code == 303
    )
    made = {row.name: (row.basis, row.subsidised, row.income_code) for row in rows(town, Tariff)}
    assert made == {
        "物业费": ("area", True, "6001"),
        "车位管理费": ("space", False, "6051"),
        "公共照明公摊": ("shared", False, "2202"),
    }
    assert len(rows(town, TariffVersion)) == 2


def test_pasted_lines_set_each_units_number_or_name_the_wrong_line(app: Flask, town: Town) -> None:
    ids = furnished(town)
    accountant = client_for(app, "accountant", town)
    url = at(town, f"/{ids['space']}/quantities/new")
    form = {"starts_on": f"{NEXT}-01", "lines": "1-101\t2\n1-102\t一个"}
    refused = accountant.submit(url, form)
    assert refused.status_code == 422
    assert "第 2 行" in text_of(refused)
    assert len(rows(town, TariffQuantity)) == 1
    assert accountant.submit(url, form | {"lines": "1-101\t2\n1-102\t１"}).status_code == 303
    assert sorted(f"{row.quantity:.0f}" for row in rows(town, TariffQuantity)) == ["1", "1", "2"]


def test_a_reduction_names_its_units_and_its_paper(app: Flask, town: Town) -> None:
    furnished(town)
    accountant = client_for(app, "accountant", town)
    form = {
        "units": "1-102, 9-999", "kind": "vacancy", "percent": "30", "starts_on": "2026-01-01",
        "document_no": "",
    }  # fmt: skip
    refused = text_of(accountant.submit(at(town, "/reductions/new"), form))
    assert "9-999" in refused
    assert len(rows(town, Reduction)) == 1
    good = form | {"units": "1-102", "document_no": "合同第 18 条"}
    assert accountant.submit(at(town, "/reductions/new"), good).status_code == 303
    assert len(rows(town, Reduction)) == 2


def test_the_grid_keeps_all_readings_or_none_and_warns_in_a_sentence(
    app: Flask, town: Town
) -> None:
    ids = furnished(town)
    accountant = client_for(app, "accountant", town)
    url = at(town, "/meters/readings?month=2026-03")
    refused = accountant.submit(url, {f"reading-{ids['meter']}": "99"})
    assert refused.status_code == 422
    assert "小于上次" in text_of(refused)
    assert rows(town, MeterReading) == []
    saved = accountant.submit(
        url, {f"reading-{ids['meter']}": "112.5", f"estimated-{ids['meter']}": "on"}
    )
    assert saved.status_code == 303
    kept = rows(town, MeterReading)[0]
    assert (kept.previous, kept.reading, kept.estimated) == (Decimal(100), Decimal("112.5"), True)


def sheet(*lines: tuple[Any, ...]) -> io.BytesIO:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        page = book.add_worksheet()
        for number, line in enumerate(lines):
            page.write_row(number, 0, line)
    file.seek(0)
    return file


def test_a_sheet_of_readings_is_taken_whole_or_refused_row_by_row(app: Flask, town: Town) -> None:
    ids = furnished(town)
    accountant = client_for(app, "accountant", town)
    url = at(town, "/meters/readings/import")

    def send(file: io.BytesIO, name: str = "抄表.xlsx") -> Any:
        return accountant.submit(
            url,
            {"tariff_id": str(ids["water"]), "month": "2026-03", "file": (file, name)},
            content_type="multipart/form-data",
        )

    refused = send(sheet(("房号", "表号", "本次读数"), ("1-101", "W1", 112.5), ("?", "W9", 3)))
    assert refused.status_code == 422
    assert "第 3 行" in text_of(refused)
    assert rows(town, MeterReading) == []
    broken = send(io.BytesIO(b"PK\x03\x04 not a sheet"))
    assert broken.status_code == 422
    csv = io.BytesIO("表号,本次读数\nW1,112.5\n".encode("gbk"))
    assert send(csv, "抄表.csv").status_code == 303
    assert rows(town, MeterReading)[0].reading == Decimal("112.5")


def test_a_common_cost_is_shown_divided_to_the_fen_before_it_is_kept(
    app: Flask, town: Town
) -> None:
    ids = furnished(town)
    accountant = client_for(app, "accountant", town)
    form = {
        "tariff_id": str(ids["lamp"]), "month": str(NEXT), "amount_fen": "100.01",
        "allocation": "area", "document_no": "电费单 7",
    }  # fmt: skip
    look = text_of(accountant.submit(at(town, "/shared-costs/new"), form | {"look": "1"}))
    # 100.01 × 88.88 / 154.22 = 57.6376…; × 65.34 / 154.22 = 42.3723…: the spare fen to 101
    assert "¥57.64" in look
    assert "¥42.37" in look
    assert len(rows(town, SharedCost)) == 1
    assert accountant.submit(at(town, "/shared-costs/new"), form).status_code == 303
    repeated = accountant.submit(at(town, "/shared-costs/new"), form)
    assert repeated.status_code == 422
    assert len(rows(town, SharedCost)) == 2


def test_what_waits_can_be_cancelled_by_one_click(app: Flask, town: Town) -> None:
    ids = furnished(town)
    accountant = client_for(app, "accountant", town)
    accountant.submit(at(town, f"/shared-costs/{ids['cost']}/cancel"))
    accountant.submit(at(town, f"/one-off/{ids['charge']}/cancel"))
    assert rows(town, SharedCost) == []
    assert rows(town, OneOffCharge)[0].cancelled_at is not None


def test_lists_leave_as_sheets(app: Flask, town: Town) -> None:
    furnished(town)
    accountant = client_for(app, "accountant", town)
    for path in ("/reductions", "/meters", "/one-off"):
        answer = accountant.get(at(town, path) + "?format=xlsx")
        assert answer.status_code == 200
        assert answer.data[:2] == b"PK"


def test_late_terms_are_compared_with_the_benchmark_before_they_are_kept(
    app: Flask, town: Town
) -> None:
    accountant = client_for(app, "accountant", town)
    form = {
        "daily_permille": "0.5", "grace_days": "5", "starts_on": "2026-01-01",
        "document_no": "合同第 21 条", "lpr": "3.00", "look": "1",
    }  # fmt: skip
    look = text_of(accountant.submit(at(town, "/late-terms/new"), form))
    assert "18.25%" in look  # 0.05 % × 365
    assert "3.90%" in look  # 1.3 × 3 %
    del form["look"]
    assert accountant.submit(at(town, "/late-terms/new"), form).status_code == 303


def test_nothing_of_a_refused_form_is_kept(app: Flask, town: Town) -> None:
    accountant = client_for(app, "accountant", town)
    refused = accountant.submit(at(town, "/new"), {"name": "", "basis": "area"})
    assert refused.status_code == 422
    with scoped([town.community_id]):
        count = db.session.scalar(
            select(func.count()).select_from(Tariff).where(Tariff.community_id == town.community_id)
        )
    assert count == 0
