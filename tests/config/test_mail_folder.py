"""Mail without a mail server: one line, and a page to read it where nobody else can."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import Client

from config import mail_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def backend(settings: Any, tmp_path: Path) -> Any:
    settings.DATA_DIR = tmp_path
    return get_connection("config.mail_folder.FolderBackend")


def send(backend: Any, subject: str = "Reset your password") -> None:
    mail = EmailMultiAlternatives(
        subject, "Open https://parley.example.org/key/abc to go on. <script>1</script>", to=["ann@riverside.example"],
        connection=backend,
    )  # fmt: skip
    mail.attach_alternative("<p>Open</p>", "text/html")
    assert mail.send() == 1


def test_a_mail_is_one_line_with_its_recipient_subject_and_address(backend: Any, caplog: Any) -> None:
    send(backend)
    (record,) = caplog.records
    assert record.msg["to"] == "ann@riverside.example"
    assert record.msg["subject"] == "Reset your password"
    path = record.msg["read"].removeprefix("http://127.0.0.1:8000")
    page = Client().get(path).content.decode()
    assert 'href="https://parley.example.org/key/abc"' in page
    assert "<script>1" not in page
    assert "Reset your password" in Client().get("/mails/").content.decode()


def test_files_are_private_and_the_newest_stay(backend: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_folder, "KEPT", 3)
    for number in range(5):
        send(backend, f"No. {number}")
    files = list((settings.DATA_DIR / "mails").iterdir())
    assert len(files) == 3
    assert {file.stat().st_mode & 0o077 for file in [*files, settings.DATA_DIR / "mails"]} == {0}


@pytest.mark.parametrize("name", ["nothing", "20260101-000000-00000000", "local", "-"])
def test_there_is_no_page_for_what_is_no_mail(backend: Any, name: str) -> None:
    assert Client().get(f"/mails/{name}/").status_code == 404


def test_in_earnest_there_is_no_page_and_the_line_names_the_file(tmp_path: Path) -> None:
    environ = {name: text for name, text in os.environ.items() if name not in {"DATABASE_URL", "SANDBOX", "DEBUG"}}
    environ |= {
        "DATA_DIR": str(tmp_path), "SECRET_KEY": "x" * 50, "DJANGO_SETTINGS_MODULE": "config.settings",
        "APP_URL": "https://parley.example.org", "LOG_LEVEL": "WARNING",
        "SOCIAL_MEDIA_ENCRYPTION_KEY": "dGVzdHMtb25seS1rZXktdGVzdHMtb25seS1rZXktMDE=",
    }  # fmt: skip
    code = (
        "import django; django.setup()\n"
        "from django.core.mail import send_mail; from django.urls import resolve, Resolver404\n"
        "send_mail('A subject', 'secret-body', None, ['ann@riverside.example'])\n"
        "try: resolve('/mails/'); print('PAGE')\n"
        "except Resolver404: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, check=True, capture_output=True, text=True
    )
    said = done.stdout + done.stderr
    assert "secret-body" not in said
    assert "PAGE" not in said
    assert re.search(rf"{tmp_path}/mails/\d+-\d+-[0-9a-f]+\.eml", said)
    assert len([line for line in said.splitlines() if "ann@riverside.example" in line]) == 1
