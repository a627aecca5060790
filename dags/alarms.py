"""When people are told: a night failed, was refused by its invariants, or is late; a close waits
for their answer.

Nothing is sent unless ALARM_URLS_FILE names the channels. An alarm that cannot be sent is said, and
changes nothing for the run.
"""

import os
import subprocess
import sys

from dags.pipeline import PROJECT

KINDS = {"verify": "broken", "is_published": "late"}  # by step or task; any other has failed


def kind_of(name: str) -> str:
    """What it means that a step or task has failed."""
    return KINDS.get(name, "failed")


def alarm(kind: str, about: str, text: str) -> None:
    """Tell people; `kind` is failed, broken, late or waiting, `about` what makes two alarms the
    same.
    """
    if not os.environ.get("ALARM_URLS_FILE"):
        return
    command = [sys.executable, "-W", "ignore:::runpy", "-m", "exports", "alarm", kind]
    done = subprocess.run(
        [*command, "--about", about, "--text", text],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
    )
    said = " ".join((done.stdout or done.stderr).split()).removeprefix("error: ")
    print(f"alarm {kind} about {about}: {said}", file=sys.stderr)
