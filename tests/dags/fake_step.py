"""A step for tests of the runner: python -m tests.dags.fake_step <exit status> <folder> <name>.

It notes in the folder when it began and ended. Statuses above 1000 mean: sleep for the rest in
milliseconds, then exit 0. Status 3 waits for a child that has a session of its own.
"""

import os
import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    """Do what the arguments say."""
    status, folder, name = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    (folder / f"{name}.began").write_text(f"{time.monotonic()} {os.getpid()}")
    print(f"{name} ran in {os.getcwd()} for {os.environ.get('NIGHT_OF', '')}")
    if status > 1000:
        time.sleep((status - 1000) / 1000)
        status = 0
    if status == 1:
        print("a line of the log", file=sys.stderr)
        print(f"error: {name} cannot read rules.yml line 3; mend it", file=sys.stderr)
    if status == 3:
        with subprocess.Popen(["sleep", "600"], start_new_session=True) as child:
            (folder / f"{name}.child.began").write_text(f"{time.monotonic()} {child.pid}")
    if status == 2:
        raise RuntimeError("no one expected this")
    (folder / f"{name}.ended").write_text(f"{time.monotonic()}")
    return status


if __name__ == "__main__":
    sys.exit(main())
