"""Alarms to people, by whatever channels a file of apprise URLs names: mail, chat, SMS, a webhook.

ALARM_URLS_FILE names the file, a URL a line (https://appriseit.com/services/); without it nothing
is sent. The same alarm is sent once in ALARM_HOURS: the lake remembers when it was sent last.
Steps have no clock, so the file system's own says how long ago that was.
"""

import hashlib
import logging
from pathlib import Path

from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_bytes
from ingest.core.settings import Settings

TITLES = {
    "failed": "OneMember: night failed 夜批失败",
    "broken": "OneMember: an invariant is broken 校验不通过",
    "late": "OneMember: night is late 夜批未按时发布",
    "waiting": "OneMember: an answer is awaited 等待审批",
}
NAME_DIGITS = 12
SECONDS_AN_HOUR = 3600


def send_alarm(settings: Settings, kind: str, about: str, text: str) -> str:
    """Send an alarm unless the same kind about the same thing was sent a short while ago; what
    became of it, in a word or two. `text` holds no personal data.

    Problem if the file of URLs cannot be read or used, or no channel takes the alarm; it counts as
    not sent then. A channel that does not take it keeps none of the others from it.
    """
    if settings.alarm_urls_file is None:
        return "not sent: ALARM_URLS_FILE names no file"
    urls = read_urls(settings.alarm_urls_file)
    digest = hashlib.sha256(about.encode()).hexdigest()[:NAME_DIGITS]
    folder = Lake(settings.lake).root / "metrics" / "alarms" / f"{kind}_{digest}"
    if not _is_due(folder, settings.alarm_hours):
        return f"not sent: the same was sent within {settings.alarm_hours} hours"
    faults = _notify(urls, kind, f"{about}\n{text}")
    if len(faults) == len(urls):
        raise Problem("; ".join(faults))
    write_bytes(folder / "sent", f"{about}\n{text}\n".encode())
    of_all = f" of {len(urls)}" if faults else ""
    return "; ".join([f"sent by {len(urls) - len(faults)}{of_all} channels", *faults])


def read_urls(path: Path) -> list[str]:
    """The URLs of a file; empty lines and those that begin with # are left out."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise Problem(f"cannot read {path}; set ALARM_URLS_FILE to a file of URLs") from error
    urls = [line for line in lines if line and not line.startswith("#")]
    if not urls:
        raise Problem(f"{path} holds no URL; write one a line, as json://host:port/path")
    return urls


def _is_due(folder: Path, hours: int) -> bool:
    """Whether an alarm was never sent, or so many hours ago."""
    asked, sent = folder / "asked", folder / "sent"
    write_bytes(asked, b"")
    if not sent.is_file():
        return True
    return asked.stat().st_mtime - sent.stat().st_mtime >= hours * SECONDS_AN_HOUR


def _notify(urls: list[str], kind: str, body: str) -> list[str]:
    """Send by every channel; what is wrong with those that did not take it."""
    from apprise import Apprise, AppriseAsset, NotifyType  # noqa: PLC0415 - half a second

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines would name the URLs
    asset = AppriseAsset(app_id="OneMember", app_desc="OneMember", async_mode=False)
    how = NotifyType.INFO if kind == "waiting" else NotifyType.FAILURE
    faults = []
    for number, url in enumerate(urls, 1):
        channel = Apprise(asset=asset)
        if not channel.add(url):
            faults.append(f"URL {number} of ALARM_URLS_FILE is none that apprise knows; mend it")
        elif not channel.notify(body=body, title=TITLES[kind], notify_type=how):
            faults.append(f"URL {number} of ALARM_URLS_FILE did not take the alarm; see its server")
    return faults
