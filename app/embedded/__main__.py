"""`python app/embedded serve|test …`; people say `python3 run.py`."""

import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """Run the command named first; give its exit code."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    if word == "serve":
        from app.embedded.serve import serve

        return serve(sys.argv[2:])
    if word == "test":
        from app.embedded.checks import check

        return check(sys.argv[2:])
    sys.exit("usage: python app/embedded serve|test …")


def stand_alone() -> None:
    """Make this room importable without the application.

    Run by path, the launcher needs this room alone: half a second is saved, and
    an application that cannot be imported is reported by its log, not by ours.
    """
    house = types.ModuleType("app")
    house.__path__ = [str(ROOT / "app")]
    sys.modules["app"] = house
    sys.path[0] = str(ROOT)


if __name__ == "__main__":
    if not __package__:
        stand_alone()
    sys.exit(main())
