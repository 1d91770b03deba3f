"""Settings of the test run: the product's own, with a fixed key ring, a quick password hasher and mail kept in memory.

The database is SQLite in a file of its own, or with ``PARLEY_TEST_DATABASE=postgres`` a PostgreSQL that starts here and
ends with the run (or the one that DATABASE_URL names).
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

_data = os.environ.setdefault("DATA_DIR", str(Path(tempfile.gettempdir()) / f"parley-tests-{os.getuid()}"))
(Path(_data) / "static").mkdir(parents=True, exist_ok=True)
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 50)
os.environ.setdefault("SOCIAL_MEDIA_ENCRYPTION_KEY", "dGVzdHMtb25seS1rZXktdGVzdHMtb25seS1rZXktMDE=")
os.environ.setdefault("SANDBOX", "1")
os.environ.setdefault("APP_URL", "http://127.0.0.1:8000")
os.environ.setdefault("TWITTER_CLIENT_ID", "sandbox-x-client")
os.environ.setdefault("TWITTER_CLIENT_SECRET", "sandbox-x-secret")
os.environ.setdefault("FACEBOOK_APP_ID", "100000000000001")
os.environ.setdefault("FACEBOOK_APP_SECRET", "sandbox-facebook-secret")
os.environ.setdefault("LOG_LEVEL", "WARNING")
# Playwright keeps an event loop in the main thread; the tests use the database beside it, never inside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
ON_POSTGRES = os.environ.get("PARLEY_TEST_DATABASE", "sqlite") == "postgres"
if ON_POSTGRES and not os.environ.get("DATABASE_URL", "").startswith("postgres"):
    from tests.services import Missing, start_postgres

    try:
        os.environ["DATABASE_URL"] = start_postgres()  # other processes of this run find it here
    except Missing as reason:
        sys.exit(f"PARLEY_TEST_DATABASE=postgres: {reason}")

from config.settings import *  # noqa: E402, F403

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_TASK_ALWAYS_EAGER = False
ACCOUNT_RATE_LIMITS = False  # type: ignore[assignment]  # allauth takes False for none
WATCH_FROM_WEB = False  # a thread that no test waits for
CACHES["default"] |= {"LOCATION": Path(tempfile.mkdtemp(prefix="parley-cache-")) / "cache.sqlite3"}  # noqa: F405
atexit.register(shutil.rmtree, CACHES["default"]["LOCATION"].parent, ignore_errors=True)  # noqa: F405
MIGRATION_MODULES: dict[str, str] = {}

if not ON_POSTGRES:
    # A file, not memory: the live server's threads then have connections of their own, as in the product.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(_data) / f"test-{os.getpid()}.sqlite3")}  # noqa: F405
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"  # noqa: F405
