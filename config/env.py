"""Typed readers of the environment.

Every setting that an operator may change is read through this module, so that ``docs/settings.md`` can be compared
with it by a test. A value may also stand in ``<DATA_DIR>/local.env``, which ``make run`` writes on its first start
(generated keys); the real environment wins.
"""

import os
from pathlib import Path
from typing import Any

from environs import Env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("DATA_DIR", BASE_DIR / "var")).resolve()

_env = Env()
_env.read_env(str(DATA_DIR / "local.env"), recurse=False)

READ: dict[str, str] = {}
"""Name -> kind of every setting that was read, in order: what docs/settings.md must list."""


def _note(name: str, kind: str) -> None:
    READ.setdefault(name, kind)


def text(name: str, default: str = "") -> str:
    """The setting as text, without surrounding blanks."""
    _note(name, "text")
    value: str = _env.str(name, default)
    return value.strip()


def flag(name: str, default: bool = False) -> bool:
    """The setting as a yes or no: 1/0, true/false, yes/no, on/off."""
    _note(name, "flag")
    value: bool = _env.bool(name, default)
    return value


def number(name: str, default: int) -> int:
    """The setting as a whole number."""
    _note(name, "number")
    value: int = _env.int(name, default)
    return value


def decimal(name: str, default: float) -> float:
    """The setting as a number with a fraction."""
    _note(name, "decimal")
    value: float = _env.float(name, default)
    return value


def words(name: str, default: str = "") -> list[str]:
    """The setting as a comma-separated list, empty parts dropped."""
    _note(name, "list")
    return [part.strip() for part in str(_env.str(name, default)).split(",") if part.strip()]


def database(name: str, default: str) -> dict[str, Any]:
    """A DATABASE_URL as Django's dictionary."""
    _note(name, "address")
    value: dict[str, Any] = _env.dj_db_url(name, default)
    return value


def email(name: str, default: str) -> dict[str, Any]:
    """An EMAIL_URL as Django's EMAIL_* settings."""
    _note(name, "address")
    value: dict[str, Any] = _env.dj_email_url(name, default)
    return value
