"""The watcher: a small process that ends what its parent leaves behind.

It reads orders, one per line, from its standard input. When the input ends
without the order `done`, the parent was killed: the watcher ends every process
it was told of, then those that carry the mark, and removes temporary folders.
Standard library only, and run by path, so that it starts in a few milliseconds.

Orders: `hold PID SIGNAL`, `drop PID`, `remove PATH` (in hexadecimal,
for a path may hold anything), `mark TOKEN`, `done`.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

MARK = "LINLI_RUN"
PATIENCE_S = 5.0


def birth(pid: int) -> str | None:
    """Tell when a process was born, or None once it is gone or only a zombie.

    With the pid it names one process for ever: a later process of the same pid
    has another birth.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except OSError:
        return None
    else:
        return None if fields[0] in "ZX" else fields[19]
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return None if not shown or shown.startswith("Z") else shown.partition(" ")[2].strip()


def marked(token: str) -> list[int]:
    """List the processes whose environment carries our mark (none where /proc is absent)."""
    wanted = f"{MARK}={token}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def end_all(held: dict[int, tuple[str | None, int]], token: str) -> None:
    """Ask each held process to end, wait a little, then kill it, its group and the marked."""
    ours = {pid: born for pid, (born, _) in held.items() if born and birth(pid) == born}
    for pid in ours:
        send_signal(pid, held[pid][1])
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and any(birth(p) == b for p, b in ours.items()):
        time.sleep(0.05)
    for pid, born in ours.items():
        if birth(pid) == born:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
    end_marked(token)


def end_marked(token: str) -> None:
    """Kill what carries the mark: grandchildren that left their parent's process group."""
    for pid in marked(token) if token else []:
        send_signal(pid, signal.SIGKILL)


def send_signal(pid: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, number)


def main() -> None:
    """Follow orders until the input ends."""
    for deaf_to in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(deaf_to, signal.SIG_IGN)
    held: dict[int, tuple[str | None, int]] = {}
    folders: list[str] = []
    token = ""
    for line in sys.stdin:
        order, _, rest = line.rstrip("\n").partition(" ")
        if order == "hold":
            pid, number = map(int, rest.split())
            held[pid] = (birth(pid), number)
        elif order == "drop":
            held.pop(int(rest), None)
        elif order == "remove":
            folders.append(os.fsdecode(bytes.fromhex(rest)))
        elif order == "mark":
            token = rest
        elif order == "done":
            return
    end_all(held, token)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
