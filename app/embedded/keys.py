"""The secrets of a laptop's installation: made once, readable by their owner only."""

import base64
import json
import os
import secrets
from pathlib import Path


def load_keys(path: Path) -> dict[str, str]:
    """Read the keys, making those that are missing.

    `SECRET_KEY` signs sessions, `LINLI_FIELD_KEY` (a Fernet key) encrypts
    fields, `LINLI_DIGEST_KEY` keys their digests. Losing the file makes
    encrypted fields unreadable.
    """
    keys: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    made = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "LINLI_FIELD_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "LINLI_DIGEST_KEY": secrets.token_urlsafe(48),
    }
    if set(made) <= set(keys):
        return keys
    keys = made | keys
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(keys, file, indent=2)
        file.flush()
        os.fsync(handle)
    fresh.replace(path)
    return keys
