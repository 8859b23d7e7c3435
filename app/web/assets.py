"""Copy the few front-end files the pages need out of the npm packages.

Run by path (`python app/web/assets.py <node_modules>`) when the environment is
made; standard library only. The copies are not committed. Their licences lie
beside them.
"""

import re
import shutil
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parent
VENDOR = WEB / "static" / "vendor"
FONT_DIR = VENDOR / "fonts"
NODE_MODULES = WEB.parent.parent / ".linli" / "node" / "node_modules"
# For accessibility tests only; never served.
AXE_JS = NODE_MODULES / "axe-core" / "axe.min.js"

NOTO = "@expo-google-fonts/noto-sans-sc"
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "echarts/dist/echarts.common.min.js": "echarts.min.js",
    "echarts/LICENSE": "echarts.LICENSE.txt",
    "@tabler/icons/LICENSE": "tabler.LICENSE.txt",
    f"{NOTO}/400Regular/NotoSansSC_400Regular.ttf": "fonts/NotoSansSC-Regular.ttf",
    f"{NOTO}/700Bold/NotoSansSC_700Bold.ttf": "fonts/NotoSansSC-Bold.ttf",
    f"{NOTO}/LICENSE_FONT": "fonts/OFL.txt",
}
ICONS = "@tabler/icons/icons/outline"
STROKE = (
    'fill="none" stroke="currentColor" stroke-width="2" '
    'stroke-linecap="round" stroke-linejoin="round"'
)


def copy_assets(node_modules: Path, vendor: Path = VENDOR) -> None:
    """Make the vendor folder anew and put it in place whole.

    Raises FileNotFoundError naming a file or icon that the packages lack.
    """
    fresh = vendor.with_name(vendor.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for source, target in FILES.items():
        place = fresh / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.suffix in {".css", ".js"}:
            place.write_text(
                without_source_map((node_modules / source).read_text("utf-8")), "utf-8"
            )
        else:
            shutil.copyfile(node_modules / source, place)
    (fresh / "icons.svg").write_text(sprite(node_modules / ICONS, icon_names()), "utf-8")
    shutil.rmtree(vendor, ignore_errors=True)
    fresh.rename(vendor)


def icon_names() -> list[str]:
    """The icons the interface uses, as listed beside this file."""
    lines = (WEB / "icons.txt").read_text("utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def sprite(icons: Path, names: list[str]) -> str:
    """Gather icons into one SVG document, each a symbol under its name."""
    symbols = [_symbol(name, (icons / f"{name}.svg").read_text("utf-8")) for name in names]
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def without_source_map(text: str) -> str:
    """Drop the pointer to a source map, which we do not serve."""
    return re.sub(r"(/\*# sourceMappingURL=\S+ \*/|//# sourceMappingURL=\S+)\s*\Z", "", text)


def _symbol(name: str, svg: str) -> str:
    body = re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", svg, flags=re.DOTALL)
    shapes = re.sub(r'\s*<path stroke="none"[^>]*/>', "", body)
    inner = " ".join(shapes.split())
    return f'<symbol id="{name}" viewBox="0 0 24 24" {STROKE}>{inner}</symbol>'


if __name__ == "__main__":
    copy_assets(Path(sys.argv[1]) if len(sys.argv) > 1 else NODE_MODULES)
