"""Structured logs with request and task ids, and Sentry with secrets scrubbed."""

import logging
import re
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from accounts.text import TEARING

_SECRET_KEY = re.compile(r"token|secret|password|authorization|cookie|verifier|api[_-]?key|ciphertext", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"((?:access_token|refresh_token|client_secret|code_verifier|appsecret_proof|fb_exchange_token|input_token|code|state)=)"
    r"[^&\s\"']+"
    r"|((?:Bearer|Basic|OAuth)\s+)[A-Za-z0-9._~+/=|-]{8,}"
    # Links that were mailed open a door by themselves: invitations are signed (with colons), others stand behind a name.
    r"|(/(?:confirm-email|reset/key)/)[^/?\s\"']+"
    r"|(/invitations/)[^/?\s\"']*:[^/?\s\"']+",
    re.IGNORECASE,
)
MASK = "***"


def mask_secrets(value: Any) -> Any:
    """The value with everything that looks like a credential replaced: by key in mappings, by pattern in text."""
    if isinstance(value, dict):
        return {
            key: MASK if isinstance(key, str) and _SECRET_KEY.search(key) else mask_secrets(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return type(value)(mask_secrets(item) for item in value) if not hasattr(value, "_fields") else value
    if isinstance(value, str):
        return _SECRET_TEXT.sub(lambda found: "".join(part or "" for part in found.groups()) + MASK, value)
    return value


def _mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: mask_secrets(value) if key != "exc_info" else value for key, value in event.items()}


def _mask_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if isinstance(event.get("exception"), str):
        event["exception"] = mask_secrets(event["exception"])
    return event


_TEARING = re.compile(f"[{TEARING}]")


def one_line_each(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """For the console: a name with a line break in it must not look like a line of its own. Tracebacks keep theirs."""

    def escaped(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return _TEARING.sub(lambda found: found.group().encode("unicode_escape").decode(), value)

    return {key: value if key == "exception" else escaped(value) for key, value in event.items()}


class QuietProbes(logging.Filter):
    """Leaves out the lines of requests that only ask how we are, and of the sandbox's platforms answering: their
    refusals are what was ordered. Errors of our own are told apart by having a traceback."""

    QUIET = ("/healthz", "/readyz", "/metrics", "/sandbox/")

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            return True
        if isinstance(record.msg, dict):  # structlog's events: request is "GET /readyz"
            path = str(record.msg.get("request", "")).partition(" ")[2]
        else:  # Django's own lines carry the request
            path = str(getattr(getattr(record, "request", None), "path", ""))
        return not path.startswith(self.QUIET)


def configure_logging(level: str, form: str) -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING. ``form`` is "json" (one object a line) or "console"."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _mask_event,
        _mask_exception,
    ]
    rendering: list[Any] = [structlog.processors.JSONRenderer()]
    if form != "json":
        rendering = [one_line_each, structlog.dev.ConsoleRenderer(colors=False)]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
                "foreign_pre_chain": shared,
            }
        },
        "filters": {"quiet_probes": {"()": QuietProbes}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "structured", "filters": ["quiet_probes"]}
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
            "celery": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "django_celery_beat": {"level": "WARNING"},
            "allauth": {"level": "WARNING"},
        },
    }


def configure_sentry(dsn: str) -> None:
    """Start Sentry with every event masked. Needs the ``sentry`` extra."""
    import sentry_sdk

    def scrub(event: Any, _hint: Any) -> Any:
        return mask_secrets(event)

    sentry_sdk.init(dsn=dsn, send_default_pii=False, before_send=scrub, before_send_transaction=scrub)
