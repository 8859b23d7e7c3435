"""`python -m app.payments.sandbox --fd N`: the stub as a process, as `run.py` starts it."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import threading
from pathlib import Path

from app.payments.sandbox.desk import Desk
from app.payments.sandbox.server import at


def main() -> None:
    """Run until told to stop. The address to notify and the secret come by the environment."""
    if os.environ.get("LINLI_ENV") == "production":
        raise SystemExit("The sandbox does not run in production.")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="a listening socket, handed down")
    parser.add_argument("--file", type=Path, help="where to remember")
    words = parser.parse_args()
    server = at(
        socket.socket(fileno=words.fd),
        Desk(words.file),
        f"{os.environ['PUBLIC_URL']}/webhooks/stripe",
        os.environ["STRIPE_WEBHOOK_SECRET"],
    )
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    threading.Thread(target=server.serve, daemon=True).start()
    stopping.wait()
    server.stop()


if __name__ == "__main__":
    main()
