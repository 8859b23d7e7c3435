"""Files the house makes or keeps for a community: a row each, bytes below STORAGE_DIR."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from pathlib import Path

from flask import current_app
from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, CommunityRow, db
from app.kernel.errors import N_, NotFound


class StoredFile(CommunityRow, Base):
    """A file of a community; `path` is relative to STORAGE_DIR and never shown."""

    __tablename__ = "stored_file"
    name: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(Text)
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)  # what a reader must be allowed to do
    created_by: Mapped[int | None]
    expires_at: Mapped[datetime | None]


def keep(
    community_id: int,
    name: str,
    content: bytes,
    *,
    content_type: str,
    action: str,
    created_by: int | None = None,
    expires_at: datetime | None = None,
) -> StoredFile:
    """Store bytes under a name a person will see; the path is random."""
    path = Path(str(community_id)) / secrets.token_hex(16)
    target = Path(current_app.config["STORAGE_DIR"]) / path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.write_bytes(content)
    row = StoredFile(
        community_id=community_id,
        name=name,
        content_type=content_type,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        path=str(path),
        action=action,
        created_by=created_by,
        expires_at=expires_at,
    )
    db.session.add(row)
    db.session.flush()
    return row


def location(file: StoredFile) -> Path:
    """Where its bytes lie. Raises NotFound when they are gone."""
    path = Path(current_app.config["STORAGE_DIR"]) / file.path
    if not path.is_file():
        raise NotFound("file.gone", N_("文件“%(name)s”已过期或已删除。"), name=file.name)
    return path
