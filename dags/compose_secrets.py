"""Makes the secrets that docker-compose.yml reads, a file each: `make compose-secrets`.

A file that is there stays as it is. The folder is its owner's alone; the files in it can be read
by all, because inside a container they are read by another user than who made them.
"""

import base64
import os
import secrets
import sys
from pathlib import Path

from dags.pipeline import PROJECT
from dags.postgres import NAME


def make_secrets(folder: Path) -> list[str]:
    """Write the files that are missing; their names."""
    password = secrets.token_urlsafe(32)
    if (folder / "postgres_password").exists():
        password = (folder / "postgres_password").read_text(encoding="utf-8")
    texts = {
        "admin_password": secrets.token_urlsafe(16),
        "alarm_urls": "# Where alarms go, a URL a line: docs/operations.md\n",
        "api_secret_key": secrets.token_urlsafe(32),
        "fernet_key": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "jwt_secret": secrets.token_urlsafe(64),
        "postgres_password": password,
        "sql_alchemy_conn": f"postgresql+psycopg2://{NAME}:{password}@postgres/{NAME}",
    }
    folder.mkdir(mode=0o700, exist_ok=True)
    made = [name for name in texts if not (folder / name).exists()]
    for name in made:
        (folder / name).write_text(texts[name], encoding="utf-8")
        (folder / name).chmod(0o444)
    return made


if __name__ == "__main__":
    print(f"made in secrets/: {', '.join(make_secrets(PROJECT / 'secrets')) or 'nothing'}")
    sys.exit()
