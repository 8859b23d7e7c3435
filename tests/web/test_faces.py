"""What every answer has, whoever asks."""

from __future__ import annotations

from typing import Any

import pytest

from app.web.preferences import safe_path
from app.web.reader import Reader
from tests.web.conftest import token_of

PAGES = [
    "/c/7/kitchen",
    "/c/7/kitchen/list",
    "/c/7/my/kitchen",
    "/kitchen/form",
    "/kitchen/confirm",
]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_every_component_page_opens(visit: Any, path: str, language: str) -> None:
    answer = visit.client.get(f"{path}?lang={language}")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200, text
    assert " style=" not in text
    assert "<script>" not in text
    assert "onclick" not in text


def test_answers_carry_the_security_headers(visit: Any) -> None:
    headers = visit.client.get("/kitchen/form").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    for part in ("frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"):
        assert part in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers  # not on a laptop


def test_production_insists_on_https(visit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(visit.app.config, "LINLI_ENV", "production")
    assert (
        "max-age=31536000" in visit.client.get("/kitchen/form").headers["Strict-Transport-Security"]
    )


def test_a_signed_in_page_is_never_stored(visit: Any) -> None:
    assert visit.client.get("/c/7/kitchen").headers["Cache-Control"] == "no-store"
    visit.gate.guest = None
    assert visit.client.get("/kitchen/form").headers["Cache-Control"] == "no-cache, private"


def test_static_files_are_kept_a_year_under_their_hash_only(visit: Any) -> None:
    page = visit.client.get("/kitchen/form").get_data(as_text=True)
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "?v=" in address
    assert visit.client.get(address).headers["Cache-Control"].endswith("immutable")
    assert visit.client.get(address.split("?")[0]).headers["Cache-Control"] == "no-cache"


def test_a_form_without_its_token_is_refused_in_words(visit: Any) -> None:
    answer = visit.client.post("/kitchen/form", data={"name": "a"})
    assert answer.status_code == 400
    assert "这个页面放得太久" in answer.get_data(as_text=True)


def test_a_forms_token_and_htmx_header_both_open(visit: Any) -> None:
    token = token_of(visit.client)
    as_field = visit.client.post("/kitchen/form", data={"csrf_token": token})
    as_header = visit.client.post("/kitchen/form", headers={"X-CSRFToken": token})
    assert as_field.status_code == as_header.status_code == 422
    assert "请填写此项。" in as_field.get_data(as_text=True)


def test_a_program_without_our_cookie_needs_no_form_token(visit: Any) -> None:
    fresh = visit.app.test_client()
    assert fresh.post("/api/nothing").status_code == 404
    token_of(visit.client)
    assert visit.client.post("/api/nothing").status_code == 400


def test_a_refused_form_comes_back_as_typed(visit: Any) -> None:
    token = token_of(visit.client)
    answer = visit.client.post(
        "/kitchen/form", data={"csrf_token": token, "name": "<b>张</b>", "amount_fen": "1.234"}
    )
    text = answer.get_data(as_text=True)
    assert 'value="&lt;b&gt;张&lt;/b&gt;"' in text
    assert 'href="#f-amount_fen"' in text
    assert 'id="f-amount_fen-error"' in text
    assert 'aria-invalid="true"' in text


class TestLanguage:
    def test_chinese_comes_first(self, visit: Any) -> None:
        visit.gate.guest = None
        assert 'lang="zh-Hans"' in visit.client.get("/kitchen/form").get_data(as_text=True)

    def test_the_browser_is_heard(self, visit: Any) -> None:
        visit.gate.guest = None
        answer = visit.client.get("/kitchen/form", headers={"Accept-Language": "en-GB,en;q=0.9"})
        assert '<html lang="en"' in answer.get_data(as_text=True)

    def test_the_account_goes_before_the_browser(self, visit: Any) -> None:
        visit.gate.guest = Reader(1, "A", "en")
        answer = visit.client.get("/kitchen/form", headers={"Accept-Language": "zh-CN"})
        assert '<html lang="en"' in answer.get_data(as_text=True)

    def test_a_word_in_the_address_goes_first_and_stays(self, visit: Any) -> None:
        visit.gate.guest = None
        first = visit.client.get("/kitchen/form?lang=en").get_data(as_text=True)
        then = visit.client.get("/kitchen/form").get_data(as_text=True)
        assert '<html lang="en"' in first
        assert '<html lang="en"' in then

    def test_an_unknown_language_changes_nothing(self, visit: Any) -> None:
        answer = visit.client.get("/kitchen/form?lang=../../etc")
        assert 'lang="zh-Hans"' in answer.get_data(as_text=True)


class TestPreferences:
    def test_switching_goes_back_and_is_kept(self, visit: Any) -> None:
        token = token_of(visit.client)
        answer = visit.client.post(
            "/preferences", data={"csrf_token": token, "elder": "1", "next": "/kitchen/form?a=b"}
        )
        assert answer.location == "/kitchen/form?a=b"
        assert visit.gate.kept == {"language": None, "elder_mode": True}
        visit.gate.guest = None
        assert (
            "elder" in visit.client.get("/kitchen/form").get_data(as_text=True).split("<head>")[0]
        )

    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "x",
            "/\r\nx",
        ],
    )
    def test_nobody_is_sent_to_another_site(self, target: str) -> None:
        assert safe_path(target) == "/"

    def test_a_path_of_ours_is_kept_whole(self) -> None:
        assert safe_path("/c/7/units?q=%E5%BC%A0&page=2") == "/c/7/units?q=%E5%BC%A0&page=2"


class TestNavigation:
    def test_only_what_the_role_may_do_is_offered(self, visit: Any) -> None:
        text = visit.client.get("/c/7/kitchen").get_data(as_text=True)
        assert "/c/7/kitchen/list" in text
        visit.gate.actions = frozenset({"community.read"})
        assert "/c/7/kitchen/list" not in visit.client.get("/c/7/kitchen").get_data(as_text=True)

    def test_the_present_page_is_marked_once(self, visit: Any) -> None:
        menu = visit.client.get("/c/7/kitchen/list").get_data(as_text=True)
        menu = menu.split('id="menu"')[1].split("</nav>")[0]
        assert menu.count('aria-current="page"') == 1
        assert 'href="/c/7/kitchen/list" aria-current="page"' in menu

    def test_a_route_that_does_not_exist_is_not_offered(self, visit: Any) -> None:
        visit.gate.actions = frozenset({"community.read", "bill.read"})
        assert visit.client.get("/c/7/kitchen").status_code == 200

    def test_residents_get_tabs(self, visit: Any) -> None:
        text = visit.client.get("/c/7/my/kitchen").get_data(as_text=True)
        assert "shell-phone" in text
        assert 'class="tabbar"' in text


class TestErrors:
    def test_a_refusal_is_a_page_with_a_way_back(self, visit: Any) -> None:
        answer = visit.client.get(
            "/kitchen/trouble/rule", headers={"Referer": "http://localhost/kitchen/form?x=1"}
        )
        text = answer.get_data(as_text=True)
        assert answer.status_code == 422
        assert "“a”不是金额" in text
        assert 'href="/kitchen/form?x=1"' in text

    def test_the_way_back_never_leads_elsewhere(self, visit: Any) -> None:
        answer = visit.client.get(
            "/kitchen/trouble/rule", headers={"Referer": "https://evil.example/kitchen"}
        )
        assert "evil" not in answer.get_data(as_text=True)

    def test_a_crash_says_nothing_of_itself(self, visit: Any) -> None:
        answer = visit.client.get("/kitchen/trouble/crash")
        assert answer.status_code == 500
        assert "ZeroDivision" not in answer.get_data(as_text=True)
        assert answer.headers["X-Request-Id"] in answer.get_data(as_text=True)

    def test_programs_read_errors_as_json(self, visit: Any) -> None:
        answer = visit.client.get("/api/v1/nothing")
        assert answer.status_code == 404
        assert set(answer.json["error"]) == {"code", "message", "request_id"}

    def test_a_page_that_is_not_there(self, visit: Any) -> None:
        answer = visit.client.get("/nothing/here?lang=en")
        assert answer.status_code == 404
        assert "There is no such page" in answer.get_data(as_text=True)
