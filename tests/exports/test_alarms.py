"""Alarms by apprise to a web server of this machine: what arrives, and how often."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from exports.alarms import send_alarm
from ingest.core.errors import Problem
from ingest.core.settings import Settings, load_settings
from tests.warm import run_warm

HOUR = 3600
LATE = ("late", "2026-03-31", "business date 2026-03-31 is not published")


@contextmanager
def listening(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web server that takes what is posted to it: its apprise URL and what has come."""
    came: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *said: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_port}/hook", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings_with(folder: Path, *urls: str) -> Settings:
    """Settings whose file of URLs holds these."""
    file = folder / "urls"
    file.write_text("\n".join(["# who is told", "", *urls]) + "\n", encoding="utf-8")
    places = {"LAKE_ROOT": str(folder / "lake"), "ALARM_URLS_FILE": str(file)}
    return load_settings(places)


def sent_hours_ago(folder: Path, seconds: float) -> None:
    [sent] = (folder / "lake" / "metrics" / "alarms").glob("*/sent")
    moment = time.time() - seconds
    os.utime(sent, (moment, moment))


def test_an_alarm_arrives_with_what_a_person_needs(tmp_path: Path) -> None:
    with listening() as (url, came):
        assert send_alarm(settings_with(tmp_path, url), *LATE) == "sent by 1 channels"
    [alarm] = came
    assert alarm["title"] == "OneMember: night is late 夜批未按时发布"
    assert alarm["message"] == "2026-03-31\nbusiness date 2026-03-31 is not published"
    assert alarm["type"] == "failure"


def test_every_url_of_the_file_is_told(tmp_path: Path) -> None:
    with listening() as (one, first), listening() as (other, second):
        assert send_alarm(settings_with(tmp_path, one, other), *LATE) == "sent by 2 channels"
    assert len(first) == len(second) == 1


@pytest.mark.parametrize(("ago", "count"), [(12 * HOUR - 60, 1), (12 * HOUR + 1, 2)])
def test_the_same_alarm_is_sent_again_after_twelve_hours_and_not_before(
    tmp_path: Path, ago: int, count: int
) -> None:
    with listening() as (url, came):
        settings = settings_with(tmp_path, url)
        send_alarm(settings, *LATE)
        sent_hours_ago(tmp_path, ago)
        said = send_alarm(settings, *LATE)
    assert len(came) == count
    assert said.startswith("sent" if count == 2 else "not sent: the same was sent within 12 hours")


def test_another_kind_and_another_night_are_other_alarms(tmp_path: Path) -> None:
    with listening() as (url, came):
        settings = settings_with(tmp_path, url)
        for kind, about in (
            ("late", "2026-03-31"),
            ("late", "2026-04-01"),
            ("failed", "2026-03-31"),
        ):
            send_alarm(settings, kind, about, "as it is")
    assert len(came) == 3


def test_an_alarm_that_nobody_took_is_one_line_and_is_sent_next_time(tmp_path: Path) -> None:
    with listening(status=500) as (url, _):
        settings = settings_with(tmp_path, url)
        with pytest.raises(
            Problem, match="URL 1 of ALARM_URLS_FILE did not take the alarm"
        ) as told:
            send_alarm(settings, *LATE)
    assert "127.0.0.1" not in str(told.value), "a URL may hold a secret"
    with listening() as (url, came):
        send_alarm(settings_with(tmp_path, url), *LATE)
    assert len(came) == 1


def test_a_channel_that_is_down_keeps_no_other_from_the_alarm_and_is_named(tmp_path: Path) -> None:
    with listening(status=500) as (down, _), listening() as (up, came):
        settings = settings_with(tmp_path, down, up)
        said = send_alarm(settings, *LATE)
        again = send_alarm(settings, *LATE)
    assert len(came) == 1
    assert said == (
        "sent by 1 of 2 channels; URL 1 of ALARM_URLS_FILE did not take the alarm; see its server"
    )
    assert again.startswith("not sent: the same was sent")


def test_without_a_file_of_urls_nothing_is_sent_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    quiet = load_settings({"LAKE_ROOT": str(tmp_path / "lake")})
    assert send_alarm(quiet, *LATE) == "not sent: ALARM_URLS_FILE names no file"
    with pytest.raises(Problem, match="holds no URL"):
        send_alarm(settings_with(tmp_path), *LATE)
    with pytest.raises(Problem, match="URL 1 of ALARM_URLS_FILE is none that apprise knows"):
        send_alarm(settings_with(tmp_path, "nonsense"), *LATE)


def test_a_night_that_fails_tells_people_once_and_a_late_one_when_it_is_asked_for(
    tmp_path: Path,
) -> None:
    with listening() as (url, came):
        settings = settings_with(tmp_path, url)
        places = {"LAKE_ROOT": str(settings.lake), "ALARM_URLS_FILE": str(settings.alarm_urls_file)}
        places["KEYS_FILE"] = str(tmp_path / "keys.json")
        for _ in range(2):
            done = run_warm(("dags", "run", "--date", "2026-03-31"), os.environ | places)
            assert done.returncode == 1
        asked = ("dags", "status", "--date", "2026-03-31")
        assert run_warm(asked, os.environ | places).returncode == 1
        assert len(came) == 1
        done = run_warm((*asked, "--alarm"), os.environ | places)
        assert done.returncode == 1
        assert done.stderr.splitlines()[0] == "alarm late about 2026-03-31: sent by 1 channels"
    failed, late = came
    assert failed["title"] == "OneMember: night failed 夜批失败"
    assert failed["message"].startswith("2026-03-31/open\nerror: ")
    assert late["title"] == "OneMember: night is late 夜批未按时发布"
