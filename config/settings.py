"""All settings. What an operator may change comes from the environment (docs/settings.md); the rest is decided here."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.csp import CSP

from config import env
from config.file_broker import SCHEME as FOLDER_SCHEME
from config.private import keep_private

BASE_DIR = env.BASE_DIR
DATA_DIR = env.DATA_DIR
keep_private(DATA_DIR)

DEBUG = env.flag("DEBUG", False)
SANDBOX = env.flag("SANDBOX", False)
SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Set it to 50 or more random characters, or start with `make run`, which makes one."
    )

APP_URL = env.text("APP_URL", "http://127.0.0.1:8000").rstrip("/")
_app_url = urlsplit(APP_URL)
if _app_url.scheme not in {"http", "https"} or not _app_url.hostname:
    raise ImproperlyConfigured("APP_URL must be a full address such as https://parley.example.org")
_LOOPBACK = ["127.0.0.1", "localhost"]
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [
    _app_url.hostname, *(_LOOPBACK if DEBUG or SANDBOX or _app_url.hostname in _LOOPBACK else ()),
]  # fmt: skip
CSRF_TRUSTED_ORIGINS = [APP_URL]

# --- applications -----------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the plain "unfold" would put a site of its own in place of ours
    "unfold.contrib.filters",
    "config.apps.ParleyAdminConfig",
    "config.apps.InstallationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.headless",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_htmx",
    "django_structlog",
    "accounts",
    "connections",
    "campaigns",
    "publishing",
    "listening",
    "crm",
    "sandbox",
]

GOOGLE_SIGNIN_CLIENT_ID = env.text("GOOGLE_SIGNIN_CLIENT_ID")
GOOGLE_SIGNIN_CLIENT_SECRET = env.text("GOOGLE_SIGNIN_CLIENT_SECRET")
MICROSOFT_SIGNIN_CLIENT_ID = env.text("MICROSOFT_SIGNIN_CLIENT_ID")
MICROSOFT_SIGNIN_CLIENT_SECRET = env.text("MICROSOFT_SIGNIN_CLIENT_SECRET")
MICROSOFT_SIGNIN_TENANT = env.text("MICROSOFT_SIGNIN_TENANT", "organizations")
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {}
if GOOGLE_SIGNIN_CLIENT_ID:
    INSTALLED_APPS.append("allauth.socialaccount.providers.google")
    SOCIALACCOUNT_PROVIDERS["google"] = {
        "APP": {"client_id": GOOGLE_SIGNIN_CLIENT_ID, "secret": GOOGLE_SIGNIN_CLIENT_SECRET},
        "SCOPE": ["profile", "email"],
        "OAUTH_PKCE_ENABLED": True,
    }
if MICROSOFT_SIGNIN_CLIENT_ID:
    INSTALLED_APPS.append("allauth.socialaccount.providers.microsoft")
    SOCIALACCOUNT_PROVIDERS["microsoft"] = {
        "APP": {
            "client_id": MICROSOFT_SIGNIN_CLIENT_ID,
            "secret": MICROSOFT_SIGNIN_CLIENT_SECRET,
            "settings": {"tenant": MICROSOFT_SIGNIN_TENANT},
        },
    }

MIDDLEWARE = [
    "config.middleware.ProbesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.page_calls.PageCallsMiddleware",
    "accounts.middleware.OrganizationMiddleware",
]
if SANDBOX:
    MIDDLEWARE.insert(0, "sandbox.middleware.PlatformMiddleware")

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context_processors.shell",
                "config.navigation.navigation",
            ],
            "builtins": ["accounts.templatetags.forms"],
        },
    },
]

# --- data -------------------------------------------------------------------------------------------------------------

DATABASE_URL_DEFAULT = f"sqlite:///{DATA_DIR / 'parley.sqlite3'}"
DATABASES = {"default": env.database("DATABASE_URL", DATABASE_URL_DEFAULT)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE takes the write lock when a transaction begins: two writers wait for each other instead of failing.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA cache_size=-20000;",
    }
    # SQLite has no NULLS NOT DISTINCT. Its one writer at a time keeps such rows single.
    SILENCED_SYSTEM_CHECKS = ["models.W047"]
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    if env.flag("DATABASE_PREPARED_STATEMENTS", True):
        # The server plans a statement that comes again only once: it halves what it spends on publishing a post.
        DATABASES["default"].setdefault("OPTIONS", {}).update(server_side_binding=True, prepare_threshold=5)
DATABASES["default"]["CONN_MAX_AGE"] = env.number("DATABASE_CONN_MAX_AGE", 60)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL")
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "parley"}
    if REDIS_URL
    else {"BACKEND": "config.file_cache.FileCache", "LOCATION": DATA_DIR / "cache.sqlite3"}
}

SOCIAL_MEDIA_ENCRYPTION_KEYS = env.words("SOCIAL_MEDIA_ENCRYPTION_KEY")

MEDIA_ROOT = DATA_DIR / "media"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Development and the demonstration serve the sources as they are; production what `collectstatic` hashed and compressed.
if DEBUG or SANDBOX:
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = DEBUG or SANDBOX
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700

# --- people and sessions ----------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/"
LOGIN_URL = "account_login"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignupForm"
ACCOUNT_FORMS = {
    "request_login_code": "accounts.signin_forms.LoginCodeForm",
    "reset_password": "accounts.signin_forms.ResetPasswordForm",
}
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 10 * 60
# Tries to sign in, and mails to an account, are counted by accounts.signin_limits: by allauth's counts anybody could use
# up those of a member.
ACCOUNT_RATE_LIMITS = {"login": "", "request_login_code": "20/m/ip", "reset_password": "20/m/ip"}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _app_url.scheme
MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG or SANDBOX
MFA_TOTP_ISSUER = "Parley"
USERSESSIONS_TRACK_ACTIVITY = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAdapter"

HEADLESS_ONLY = False
HEADLESS_TOKEN_STRATEGY = "accounts.jwt.OrganizationJWTStrategy"  # noqa: S105  (a class)
HEADLESS_JWT_PRIVATE_KEY = env.text("JWT_PRIVATE_KEY").replace("\\n", "\n")
HEADLESS_JWT_ALGORITHM = "RS256" if HEADLESS_JWT_PRIVATE_KEY else "HS256"
HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = 15 * 60
HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN = 14 * 24 * 3600
HEADLESS_JWT_ROTATE_REFRESH_TOKEN = True
HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True

SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = False
IS_HTTPS = _app_url.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("TRUST_PROXY", False) else None
# Whose address counts for limits, the audit trail and the logs; X-Forwarded-For is anybody's word without a proxy.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if SECURE_PROXY_SSL_HEADER else 0
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # it would believe the header always: accounts.handlers binds the address
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP: dict[str, list[str]] = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF],
    # SortableJS positions the dragged card by style attributes that it sets from script.
    "style-src-attr": [CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF, "data:", "blob:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    # Consent pages are reached by redirects after a form was sent, and browsers hold form-action against those too.
    "form-action": [CSP.SELF, "https:"] + (["http:"] if SANDBOX else []),
}

# --- language and time ------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- mail -------------------------------------------------------------------------------------------------------------

_mail = env.email("EMAIL_URL", "console:")
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
if EMAIL_BACKEND.endswith(".console.EmailBackend"):
    EMAIL_BACKEND = "config.mail_folder.FolderBackend"
EMAIL_HOST = _mail.get("EMAIL_HOST", "localhost")
EMAIL_PORT = _mail.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"Parley <no-reply@{_app_url.hostname}>")

# --- work in the background -------------------------------------------------------------------------------------------

_broker = env.text("CELERY_BROKER_URL") or REDIS_URL
CELERY_BROKER_URL = _broker or f"{FOLDER_SCHEME}://localhost"
if not _broker:
    # One machine, no server: messages are files. They only hurry the rows along, so losing one is harmless.
    _queue_dir = DATA_DIR / "queue"
    for _folder in ("messages", "control"):
        (_queue_dir / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "data_folder_in": str(_queue_dir / "messages"),
        "data_folder_out": str(_queue_dir / "messages"),
        "control_folder": str(_queue_dir / "control"),
        "polling_interval": 0.1,
    }
    # Remote control and worker events would leave a file per worker that ever ran, for ever.
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "publishing.tasks.publish_*": {"queue": "publish"},
    "publishing.tasks.dispatch_due_posts_task": {"queue": "dispatch"},
    "publishing.tasks.sweep_posts_task": {"queue": "dispatch"},
    "publishing.tasks.reconcile_connection_task": {"queue": "publish"},
    "publishing.tasks.look_for_asked_task": {"queue": "sync"},
    "publishing.tasks.sync_*": {"queue": "sync"},
    "connections.tasks.*": {"queue": "sync"},
    "accounts.tasks.*": {"queue": "default"},
}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_TIMEZONE = "UTC"
# A tick that nobody took within seconds is worthless: the next one does the same work.
CELERY_BEAT_SCHEDULE = {
    "dispatch-due-posts": {
        "task": "publishing.tasks.dispatch_due_posts_task",
        "schedule": timedelta(seconds=1),
        "options": {"expires": 5},
    },
    "sweep-posts": {
        "task": "publishing.tasks.sweep_posts_task",
        "schedule": timedelta(seconds=5),
        "options": {"expires": 10},
    },
    "sync-due-engagement": {
        "task": "publishing.tasks.sync_due_engagement_task",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 60},
    },
    "send-due-notifications": {
        "task": "accounts.tasks.send_due_notifications_task",
        "schedule": timedelta(seconds=30),
        "options": {"expires": 60},
    },
    "refresh-due-tokens": {
        "task": "connections.tasks.refresh_due_tokens_task",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "sync-due-profiles": {
        "task": "connections.tasks.sync_due_profiles_task",
        "schedule": timedelta(minutes=10),
        "options": {"expires": 600},
    },
    "probe-paused-platforms": {
        "task": "connections.tasks.probe_paused_platforms_task",
        "schedule": timedelta(seconds=5),
        "options": {"expires": 10},
    },
    "forget-old-rate-uses": {
        "task": "connections.tasks.forget_old_rate_uses_task",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
    "retry-revocations": {
        "task": "connections.tasks.retry_revocations_task",
        "schedule": timedelta(minutes=5),
        "options": {"expires": 300},
    },
    "tidy-consents": {
        "task": "connections.tasks.tidy_consents_task",
        "schedule": timedelta(hours=1),
        "options": {"expires": 3600},
    },
}

# --- platforms --------------------------------------------------------------------------------------------------------

PLATFORM_SETTINGS = {
    # platform -> (setting of the client id, setting of the secret)
    "TWITTER": ("TWITTER_CLIENT_ID", "TWITTER_CLIENT_SECRET"),
    "FACEBOOK": ("FACEBOOK_APP_ID", "FACEBOOK_APP_SECRET"),
    "MASTODON": ("", ""),
}
PLATFORM_APPS = {
    platform: {"client_id": env.text(key) if key else "", "client_secret": env.text(secret) if secret else ""}
    for platform, (key, secret) in PLATFORM_SETTINGS.items()
}
PLATFORM_API_URLS = {name: env.text(f"{name}_API_URL").rstrip("/") for name in PLATFORM_SETTINGS}
PLATFORM_AUTH_URLS = {name: env.text(f"{name}_AUTH_URL").rstrip("/") for name in PLATFORM_SETTINGS}
PLATFORM_SITE_URLS = {name: env.text(f"{name}_SITE_URL").rstrip("/") for name in ("TWITTER", "FACEBOOK")}
FACEBOOK_GRAPH_VERSION = env.text("FACEBOOK_GRAPH_VERSION", "v26.0")
TWITTER_ACCESS_LEVEL = env.text("TWITTER_ACCESS_LEVEL", "pay-per-use")
RATE_BUDGETS = env.words("RATE_BUDGETS")
OUTBOUND_ALLOW = env.words("OUTBOUND_ALLOW")
PAGE_CALLS_TIMEOUT_S = env.decimal("PAGE_CALLS_TIMEOUT_S", 8)
PLATFORM_CONNECT_TIMEOUT_S = env.decimal("PLATFORM_CONNECT_TIMEOUT_S", 5)
PLATFORM_READ_TIMEOUT_S = env.decimal("PLATFORM_READ_TIMEOUT_S", 30)
PLATFORM_UPLOAD_TIMEOUT_S = env.decimal("PLATFORM_UPLOAD_TIMEOUT_S", 90)

# --- publishing -------------------------------------------------------------------------------------------------------

PUBLISH_LEASE_S = env.decimal("PUBLISH_LEASE_S", 120)
PUBLISH_CLAIM_LEASE_S = env.decimal("PUBLISH_CLAIM_LEASE_S", 60)
PUBLISH_IN_FLIGHT = env.number("PUBLISH_IN_FLIGHT", 100)
PUBLISH_ASK_AFTER_S = env.decimal("PUBLISH_ASK_AFTER_S", 1800)
PUBLISH_LATE_AFTER_H = env.decimal("PUBLISH_LATE_AFTER_H", 24)
ENGAGEMENT_SYNC_DAYS = env.number("ENGAGEMENT_SYNC_DAYS", 90)
MEDIA_MAX_BYTES = env.number("MEDIA_MAX_MB", 20) * 1_000_000

# --- REST -------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.RolePermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["accounts.api.filters.StrictFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "accounts.api.pagination.CursorPagination",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.api.throttling.CredentialThrottle"],
    "DEFAULT_THROTTLE_RATES": {"credential": "600/min", "sign_in": "10/min"},
    "EXCEPTION_HANDLER": "accounts.api.problems.problem_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Parley",
    "DESCRIPTION": "Connections, posts and campaigns of one organization. Times are ISO 8601 in UTC.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    # Without links of their own inside the rows that open: a control in a control cannot be reached by everybody.
    "SWAGGER_UI_SETTINGS": {"deepLinking": False, "displayOperationId": False},
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
}

# --- admin, logs, errors ----------------------------------------------------------------------------------------------

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Parley",
    "SITE_HEADER": "Parley",
    "SITE_SUBHEADER": "Operators and agents",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("img/favicon.svg")}],
    "STYLES": [lambda _request: static("css/admin.css")],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "base": {
            "50": "#f7f6f3",
            "100": "#f0eeea",
            "200": "#e4e1da",
            "300": "#cfcac0",
            "400": "#a8a296",
            "500": "#6b675f",
            "600": "#55514a",
            "700": "#33312c",
            "800": "#1f1e1b",
            "900": "#1b1a18",
            "950": "#161513",
        },
        "primary": {
            "50": "#f1f7f4",
            "100": "#e3eee9",
            "200": "#c6ddd3",
            "300": "#a3cbbb",
            "400": "#7fc4ad",
            "500": "#4c8a76",
            "600": "#2f5d50",
            "700": "#284f44",
            "800": "#213f37",
            "900": "#1b332d",
            "950": "#10201c",
        },
        "font": {
            "subtle-light": "#6b675f",
            "subtle-dark": "#a8a296",
            "default-light": "#33312c",
            "default-dark": "#d9d5cb",
            "important-light": "#1f1d1a",
            "important-dark": "#efece6",
        },
    },
}

LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOG_FORMAT = env.text("LOG_FORMAT", "console" if DEBUG or SANDBOX else "json")

METRICS_TOKEN = env.text("METRICS_TOKEN")
WATCH_FROM_WEB = True
SENTRY_DSN = env.text("SENTRY_DSN")

from config.logs import configure_logging, configure_sentry  # noqa: E402  (needs the settings above)

LOGGING = configure_logging(LOG_LEVEL, LOG_FORMAT)
if SENTRY_DSN:
    configure_sentry(SENTRY_DSN)
