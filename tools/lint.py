"""Everything that can be checked without running the product: ``make lint``.

Lint and format of Python, types, which app may import which, missing migrations, and Django's own checks as a
production installation would meet them.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PRODUCTION = {
    # What `check --deploy` sees: an installation behind TLS, with keys that are nobody's.
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "APP_URL": "https://parley.example.org",
    "SECRET_KEY": "for-the-checks-alone-" + "0123456789abcdefghij" * 3,
    "SOCIAL_MEDIA_ENCRYPTION_KEY": "Zm9yLXRoZS1jaGVja3MtYWxvbmUtMDEyMzQ1Njc4OTA=",
    "SANDBOX": "0",
    "DEBUG": "0",
    "EMAIL_URL": "smtp://mail.example.org:25",
}
CHECKS: list[tuple[str, list[str]]] = [
    ("lint", [str(BIN / "ruff"), "check", "--quiet", "."]),
    ("format", [str(BIN / "ruff"), "format", "--quiet", "--check", "."]),
    ("types", [sys.executable, "-m", "mypy", "."]),
    ("import contracts", [str(BIN / "lint-imports"), "--no-cache"]),
    ("migrations", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"]),
    ("deployment", [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]),
]


def main() -> int:
    failed = []
    with tempfile.TemporaryDirectory(prefix="parley-lint-") as folder:
        environ = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
        environ |= PRODUCTION | {"DATA_DIR": folder}
        for name, command in CHECKS:
            started = time.monotonic()
            done = subprocess.run(command, cwd=BASE_DIR, env=environ, capture_output=True, text=True, check=False)
            verdict = "ok" if done.returncode == 0 else "FAILED"
            print(f"{name:<17} {verdict:<7} {time.monotonic() - started:5.1f} s", flush=True)
            if done.returncode != 0:
                failed.append(name)
                print(done.stdout + done.stderr, flush=True)
    if failed:
        print(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
