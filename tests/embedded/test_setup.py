"""What the set-up relies on: locks without addresses, pip's settings, the front-end files."""

import ast
import importlib.metadata
import importlib.util
import json
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.embedded import checks
from app.web import assets

ROOT = Path(__file__).parent.parent.parent
COME_WITH_FLASK = {"alembic", "click", "itsdangerous", "jinja2", "markupsafe", "werkzeug"}


@pytest.fixture
def run_py() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_py", ROOT / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda p: p.name
)
def test_every_pinned_package_has_a_hash_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "file:" not in text
    for package in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"[a-z0-9._-]+==\S+", package), package
        assert "--hash=sha256:" in package, package


def test_the_npm_lock_has_integrity_and_no_address() -> None:
    packages: dict[str, dict[str, Any]] = json.loads((ROOT / "package-lock.json").read_text())[
        "packages"
    ]
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert name == "" or package["integrity"].startswith("sha512-"), name


def test_the_locks_agree_with_each_other() -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        return set(re.findall(r"^\S+==[^\\\n]+", text, re.MULTILINE))

    assert pins("runtime") <= pins("serve") <= pins("test")


def test_pips_settings_reach_uv(run_py: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in run_py.PIP_TO_UV.values():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_FIND_LINKS", "/kept")
    said = [
        ":env:.index-url='https://env.invalid/simple'",
        "global.cert='/etc/certificate.pem'",
        "global.find-links='/a'",
        "global.index-url='https://file.invalid/simple'",
        "global.extra-index-url='file:///one/simple\\nfile:///two/simple'",
        "install.user='true'",
    ]
    answer = type("Answer", (), {"stdout": "\n".join(said), "returncode": 0})
    monkeypatch.setattr(run_py, "run", lambda argv: answer)
    assert run_py.settings_of_pip() == {
        "UV_DEFAULT_INDEX": "https://env.invalid/simple",
        "UV_INDEX": "file:///one/simple file:///two/simple",
        "SSL_CERT_FILE": "/etc/certificate.pem",
    }


def test_every_icon_is_a_symbol_once() -> None:
    names = assets.icon_names()
    assert names == sorted(set(names))
    if not assets.VENDOR.exists():
        pytest.skip("the front-end files are fetched by run.py")
    drawn = re.findall(r'<symbol id="([^"]+)"', (assets.VENDOR / "icons.svg").read_text())
    assert drawn == names


def test_the_front_end_files_ask_nothing_of_other_hosts() -> None:
    if not assets.VENDOR.exists():
        pytest.skip("the front-end files are fetched by run.py")
    for sheet in (assets.WEB / "static").glob("*.css"):
        assert not re.search(r"@import|url\(['\"]?(https?:)?//", sheet.read_text("utf-8"))
    for name in ("htmx.min.js", "echarts.min.js"):
        assert "sourceMappingURL" not in (assets.VENDOR / name).read_text()


def test_types_are_checked_where_money_and_secrets_are() -> None:
    targets = checks.strict_targets()
    assert {"app/kernel", "app/embedded"} <= set(targets)
    assert all((ROOT / target).exists() for target in targets)


def test_what_the_application_imports_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = declared["project"]["dependencies"] + declared["dependency-groups"]["embedded"]
    names = COME_WITH_FLASK | {_plain(re.split(r"[\[<>=~! ;]", line)[0]) for line in wanted}
    owners = importlib.metadata.packages_distributions()
    undeclared = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in [*(ROOT / "app").rglob("*.py"), ROOT / "wsgi.py"]
        for module in _imported(path) - sys.stdlib_module_names - {"app"}
        if not names & {_plain(name) for name in owners.get(module, [])}
    }
    assert undeclared == set()


def _imported(path: Path) -> set[str]:
    """The first names of all modules a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
