"""Mail of an installation that has no mail server: kept on this machine, with a line in the log for each.

The default of ``EMAIL_URL``. Where a development or demonstration page may show it, the line has the page's address
(``config/mail_pages.py``); elsewhere the file's. The newest ``KEPT`` mails stay.
"""

import contextlib
import os
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage as StoredMail
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.urls import reverse

from accounts.text import one_line

log = structlog.get_logger(__name__)

KEPT = 200
_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


def folder() -> Path:
    path: Path = settings.DATA_DIR / "mails"
    return path


def names() -> list[str]:
    """Of the mails that are kept, newest first."""
    found = (file.stem for file in folder().glob("*.eml"))
    return sorted((name for name in found if _NAME.fullmatch(name)), reverse=True)


def read(name: str) -> StoredMail | None:
    """One kept mail; None when there is none of this name."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return message_from_bytes((folder() / f"{name}.eml").read_bytes(), policy=policy.default)
    except FileNotFoundError:
        return None


class FolderBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep each mail. Raises OSError when the disk does not take it, as a mail server's connection does."""
        for mail in email_messages:
            name = _keep(mail)
            log.warning(
                "no mail server is configured (EMAIL_URL), an email was kept here", to=", ".join(mail.recipients()),
                subject=one_line(str(mail.subject)), read=_where(name),
            )  # fmt: skip
        return len(email_messages)


def _keep(mail: Any) -> str:
    folder().mkdir(mode=0o700, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
    file = os.open(folder() / f"{name}.eml", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(mail.message().as_bytes())
    for old in names()[KEPT:]:
        with contextlib.suppress(FileNotFoundError):
            (folder() / f"{old}.eml").unlink()
    return name


def _where(name: str) -> str:
    if settings.DEBUG or settings.SANDBOX:
        return urljoin(settings.APP_URL, reverse("mail", args=[name]))
    return str(folder() / f"{name}.eml")
