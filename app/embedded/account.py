"""Who runs the servers: ourselves, or for root someone lesser, as PostgreSQL demands."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.embedded.errors import EmbeddedError

# To read and search folders is all that is needed below a 0700 home; where a
# container withholds that, the wider right is tried.
CAPABILITIES = ("", "dac_read_search", "dac_override")


@dataclass(frozen=True)
class Account:
    """A user to run servers as, with at most one capability kept; `uid` None is ourselves."""

    uid: int | None = None
    gid: int | None = None
    capability: str = ""

    def command(self, argv: Sequence[str]) -> list[str]:
        """Put the change of user before a command, where `setpriv` must make it."""
        if not self.capability:
            return list(argv)
        setpriv = shutil.which("setpriv") or "setpriv"
        keep = f"+{self.capability}"
        who = ["--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups"]
        # access(2), by which PostgreSQL looks for its own programs, honours the
        # capability only under this bit; exec still drops all others.
        what = ["--securebits", "+no_setuid_fixup", "--inh-caps", keep, "--ambient-caps", keep]
        return [setpriv, *who, *what, "--", *argv]

    def popen_arguments(self) -> dict[str, Any]:
        """The change of user as arguments of Popen, where it can make it."""
        if self.uid is None or self.capability:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, folder: Path) -> None:
        """Make a folder, private to this account."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if self.uid is not None and folder.stat().st_uid != self.uid:
            os.chown(folder, self.uid, self.gid if self.gid is not None else -1)

    def run(self, argv: Sequence[str], **arguments: Any) -> subprocess.CompletedProcess[str]:
        """Run a command as this account to its end."""
        return subprocess.run(
            self.command(argv),
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            **self.popen_arguments(),
            **arguments,
        )


OURSELVES = Account()


def choose_account(program: Path, folder: Path) -> Account:
    """Choose who shall run a program on data in a folder.

    Root gives way to the folder's owner, or to `postgres` or `nobody`; nothing
    is created and no permission of a parent folder is changed. Raises
    EmbeddedError when no such user can reach both.
    """
    if os.geteuid() != 0:
        return OURSELVES
    user = _lesser_user(folder)
    for capability in CAPABILITIES:
        account = Account(user.pw_uid, user.pw_gid, capability)
        if _reaches(account, program, folder):
            return account
    raise EmbeddedError(
        f"PostgreSQL refuses to run as root, and the user {user.pw_name} cannot reach {folder}. "
        "Start as an ordinary user, or move the project to a folder that others may enter."
    )


def _lesser_user(folder: Path) -> pwd.struct_passwd:
    names: list[str | int] = ["postgres", "nobody"]
    owners = [path.stat().st_uid for path in sorted(folder.glob("postgres-*"))]
    for name in [uid for uid in owners if uid] + names:
        try:
            return pwd.getpwuid(name) if isinstance(name, int) else pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError("PostgreSQL refuses to run as root, and there is no user to run it as.")


def _reaches(account: Account, program: Path, folder: Path) -> bool:
    probe = ["/bin/sh", "-c", 'cd "$1" && exec "$2" --version', "sh", str(folder), str(program)]
    try:
        return account.run(probe).returncode == 0
    except OSError:
        return False
