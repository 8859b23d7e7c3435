"""The legal day is China's, wherever the host stands."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from app.kernel import clock

ROOT = Path(__file__).parents[2]
ZONES = [f"Etc/GMT{sign}{hours}" for sign in "+-" for hours in range(1, 13)]
ZONES += ["Etc/GMT-13", "Etc/GMT-14", "Asia/Shanghai", "America/New_York", "UTC"]
SAY = """
import os, time
from datetime import UTC, datetime
from app.kernel import clock
for zone in {zones}:
    os.environ["TZ"] = zone
    time.tzset()
    for iso in ["2026-02-28T15:59:59", "2026-02-28T16:00:00", "2024-02-28T16:00:00",
                "2025-12-31T15:59:59", "2025-12-31T16:00:00"]:
        with clock.moved_to(datetime.fromisoformat(iso).replace(tzinfo=UTC)):
            print(clock.today(), clock.local(clock.now()).strftime("%H:%M"))
"""
EXPECTED = [
    "2026-02-28 23:59", "2026-03-01 00:00", "2024-02-29 00:00", "2025-12-31 23:59",
    "2026-01-01 00:00",
]  # fmt: skip


def test_hosts_round_the_world_give_the_same_legal_day():
    done = subprocess.run(
        [sys.executable, "-c", SAY.format(zones=ZONES)],
        cwd=ROOT,
        env=os.environ | {"TZ": ZONES[0]},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines() == EXPECTED * len(ZONES)


def test_the_clock_can_be_moved_and_runs_on_and_comes_back():
    with clock.moved_to(date(2024, 2, 29)):
        assert clock.today() == date(2024, 2, 29)
        first = clock.now()
        assert first <= clock.now() < first + timedelta(minutes=1)
        with clock.moved_to(datetime(2030, 1, 1, tzinfo=UTC)):
            assert clock.today() == date(2030, 1, 1)
        assert clock.today() == date(2024, 2, 29)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_host_an_hour_off_still_tells_utc(monkeypatch, hours):
    monkeypatch.setenv("LINLI_CLOCK_OFFSET_SECONDS", str(hours * 3600))
    off = clock.now() - datetime.now(UTC)
    assert abs(off - timedelta(hours=hours)) < timedelta(seconds=5)
    assert clock.now().utcoffset() == timedelta(0)
