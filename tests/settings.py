"""Settings of the test run: the product's own, with a fixed key ring, a quick password hasher and mail kept in memory."""

import os
import tempfile
from pathlib import Path

_data = os.environ.setdefault("DATA_DIR", str(Path(tempfile.gettempdir()) / f"parley-tests-{os.getuid()}"))
Path(_data).mkdir(parents=True, exist_ok=True)
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 50)
os.environ.setdefault("SOCIAL_MEDIA_ENCRYPTION_KEY", "dGVzdHMtb25seS1rZXktdGVzdHMtb25seS1rZXktMDE=")
os.environ.setdefault("SANDBOX", "1")
os.environ.setdefault("APP_URL", "http://127.0.0.1:8000")
os.environ.setdefault("TWITTER_CLIENT_ID", "sandbox-x-client")
os.environ.setdefault("TWITTER_CLIENT_SECRET", "sandbox-x-secret")
os.environ.setdefault("FACEBOOK_APP_ID", "100000000000001")
os.environ.setdefault("FACEBOOK_APP_SECRET", "sandbox-facebook-secret")
os.environ.setdefault("LOG_LEVEL", "WARNING")

from config.settings import *  # noqa: E402, F403

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_TASK_ALWAYS_EAGER = False
ACCOUNT_RATE_LIMITS = False
MIGRATION_MODULES: dict[str, str] = {}
