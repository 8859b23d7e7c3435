"""The demonstration community: loaded the first time, and again when the code has changed."""

import hashlib
from collections.abc import Callable, Mapping

from app.embedded.commands import ROOT, absent, complaint, flask
from app.embedded.errors import EmbeddedError
from app.embedded.servers import Servers


def load(servers: Servers, environment: Mapping[str, str], say: Callable[[str], None]) -> str:
    """Load what is missing of the demonstration; give the table of sign-ins.

    Loading is idempotent; a note beside the data spares it while the code is
    the same. The note lies within the data folder, so that both go together.
    """
    note = servers.data / "linli-demonstration.txt"
    code = _fingerprint()
    if note.exists():
        seen, _, sign_ins = note.read_text("utf-8").partition("\n")
        if seen == code:
            return sign_ins
    say("Loading the demonstration community …")
    done = flask(["demo", "load"], environment, servers)
    if absent(done):
        return ""
    if done.returncode:
        raise EmbeddedError(f"The demonstration could not be loaded:\n{complaint(done)}")
    sign_ins = flask(["demo", "sign-ins"], environment, servers).stdout
    note.write_text(f"{code}\n{sign_ins}", "utf-8")
    return sign_ins


def _fingerprint() -> str:
    """A hash of the application's code, this room aside."""
    app = ROOT / "app"
    files = sorted(path for path in app.rglob("*.py") if path.parent != app / "embedded")
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
