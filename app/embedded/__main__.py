"""`python -m app.embedded serve|test …`; people say `python3 run.py`."""

import sys

from app.embedded.checks import check
from app.embedded.serve import serve

COMMANDS = {"serve": serve, "test": check}

if __name__ == "__main__":
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    if word not in COMMANDS:
        sys.exit(f"usage: python -m app.embedded {'|'.join(COMMANDS)} …")
    sys.exit(COMMANDS[word](sys.argv[2:]))
