"""The roll before a person: a roster uploaded, looked at, applied; units, people, mandates."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.kernel.db import db
from app.registry import queries
from tests.browser.conftest import assert_accessible, assert_fits, picture
from tests.people import browser_cookie
from tests.registry.sheets import HEADINGS, applied, workbook

pytestmark = pytest.mark.browser

FIRST = [
    [f"{b}栋", f"{e}单元", f"{f}0{d}", 60 + 7 * d + f, f"业主{b}{e}{f}{d}", f"1380013{b}{e}{f}{d}"]
    for b in (1, 2, 3) for e in (1, 2) for f in (1, 2, 3, 4, 5, 6) for d in (1, 2)
]  # fmt: skip
CHANGED = [
    *[[*row[:3], row[3] + 1, row[4], row[5]] for row in FIRST[:3]],
    ["1栋", "1单元", "202", 75, "买家", "13900139000"],
    ["9栋", "1单元", "101", 88.47, "新人", "13700137000"],
    ["9栋", "1单元", "102", "很大", "错人", "138"],
    ["", "", "103", 50, "无楼", ""],
]


def look(page: Any, name: str) -> None:
    """Check and keep what is before us."""
    assert_fits(page)
    assert_accessible(page)
    picture(page, name)


def test_a_roster_from_upload_to_the_list_of_units(
    app: Any, town: Any, address: str, open_page: Any, tmp_path: Path
) -> None:
    applied(town, workbook(FIRST, HEADINGS, title="示范里业主名册"))
    db.session.commit()
    file = tmp_path / "二期名册.xlsx"
    file.write_bytes(workbook(CHANGED))
    page = open_page(cookie=browser_cookie(app, "manager", town, url=address))
    home = f"/c/{town.community_id}"
    page.goto(f"{home}/imports/new")
    look(page, "roll-upload")
    page.set_input_files("input[type=file]", str(file))
    page.click("main button[type=submit]")
    page.wait_for_url("**/imports/*")
    look(page, "roll-preview-errors")
    preview = page.url
    page.goto(f"{preview}?tab=changed")
    look(page, "roll-preview-changed")
    page.check("input[name=skip_errors]")
    page.click("form.confirm button[type=submit]")
    page.wait_for_load_state()
    look(page, "roll-applied")
    page.goto(f"{home}/units?q=9")
    assert page.get_by_text("9-1-101").first.is_visible()
    look(page, "roll-units")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("phone", [False, True])
def test_the_pages_of_the_roll_in_both_languages(
    app: Any, town: Any, address: str, open_page: Any, language: str, phone: bool
) -> None:
    applied(town, workbook(FIRST, HEADINGS))
    unit = queries.unit_by_label(town.community_id, "2-1-301")
    assert unit is not None
    [owner] = queries.owners_of(town.community_id, unit.id, date(2026, 1, 1))
    [mandate] = queries.mandates(town.community_id)
    db.session.commit()
    page = open_page(
        cookie=browser_cookie(app, "manager", town, url=address), phone=phone, language=language
    )
    end = f"{'phone' if phone else 'desk'}-{language[:2]}"
    for name, path in (
        ("units", "units"), ("none", "units?q=nobody"), ("unit", f"units/{unit.id}"),
        ("edit", f"units/{unit.id}/edit"), ("transfer", f"units/{unit.id}/transfer"),
        ("people", "people"), ("person", f"people/{owner.person_id}"), ("buildings", "buildings"),
        ("facts", "facts"), ("mandates", "mandates"), ("imports", "imports"),
        ("upload", "imports/new"),
    ):  # fmt: skip
        page.goto(f"/c/{town.community_id}/{path}{'&' if '?' in path else '?'}lang={language}")
        look(page, f"roll-{name}-{end}")
    chair = open_page(
        cookie=browser_cookie(app, "committee_chair", town, url=address),
        phone=phone,
        language=language,
    )
    chair.goto(f"/c/{town.community_id}/mandates/{mandate.id}/end?lang={language}")
    chair.click("main button[type=submit]")
    look(chair, f"roll-mandate-end-{end}")
    operator = open_page(
        cookie=browser_cookie(app, "operator", town, url=address), phone=phone, language=language
    )
    for name, path in (
        ("organizations", "/organizations"), ("region", f"/regions/{town.region_id}/below"),
    ):  # fmt: skip
        operator.goto(f"{path}?lang={language}")
        look(operator, f"roll-{name}-{end}")
    founder = open_page(
        cookie=browser_cookie(app, "company_admin", town, url=address),
        phone=phone,
        language=language,
    )
    founder.goto(f"/o/{town.organization_id}/communities/new?lang={language}")
    look(founder, f"roll-found-{end}")
