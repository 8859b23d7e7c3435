"""A real Chromium before a real server, on the test process's own database."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from app.web.assets import AXE_JS

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PICTURES = Path(__file__).parents[2] / ".linli" / "var" / "pictures"


@pytest.fixture(scope="session")
def address(app: Flask) -> Iterator[str]:
    """Where the application answers."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(timeout=5)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, as the machine has it; `.ci/run` installs it."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install the package chromium, or set CHROMIUM")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a page of one's own: `open_page(cookie=…, phone=True, language="en")`."""
    contexts = []

    def opened(
        *, cookie: dict[str, Any] | None = None, phone: bool = False, language: str = "zh-CN"
    ) -> Page:
        context = browser.new_context(
            viewport=PHONE if phone else DESK,
            locale=language,
            base_url=address,
            has_touch=phone,
            device_scale_factor=1,
        )
        contexts.append(context)
        if cookie is not None:
            context.add_cookies([{"url": address, **cookie}])
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"script error on {page.url}: {error}"))
        return page

    yield opened
    for context in contexts:
        context.close()


def picture(page: Page, name: str) -> None:
    """Keep a screenshot below .linli/var/pictures for a person to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(PICTURES / f"{name}.png"), full_page=True)


def assert_accessible(page: Page) -> None:
    """axe-core finds nothing serious or critical on the page as it stands (WCAG 2.2 A and AA)."""
    # evaluate() runs beside the page's Content-Security-Policy, a script tag would not.
    page.evaluate(AXE_JS.read_text("utf-8"))
    found = page.evaluate(
        "async () => (await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a',"
        " 'wcag21aa', 'wcag22aa']})).violations.map(v => ({id: v.id, impact: v.impact,"
        " help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 160))}))"
    )
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not grave, f"{page.url}: {grave}"


def assert_fits(page: Page) -> None:
    """Nothing is wider than the window."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{page.url} is {wide} px wider than its window"
