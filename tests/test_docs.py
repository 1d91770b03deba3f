"""The documents say what is true."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BASE_DIR = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*BASE_DIR.glob("*.md"), *BASE_DIR.glob("docs/*.md")])
READ_OUTSIDE_SETTINGS = {"DATA_DIR", "PORT"}
TELL = "from django.conf import settings; settings.DEBUG; from config import env; import json; print(json.dumps(list(env.READ)))"


def settings_read(tmp_path: Path, database: str) -> set[str]:
    """The names that the settings read from the environment with this database."""
    environ = {"DJANGO_SETTINGS_MODULE": "config.settings", "SECRET_KEY": "x", "DATABASE_URL": database}
    done = subprocess.run(
        [sys.executable, "-c", TELL], cwd=BASE_DIR, env=os.environ | environ | {"DATA_DIR": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(json.loads(done.stdout))


def test_every_setting_stands_in_the_table_and_nothing_else(tmp_path: Path) -> None:
    read = settings_read(tmp_path, "sqlite:///x.sqlite3") | settings_read(tmp_path, "postgres://a@b/c")
    rows = [line for line in (BASE_DIR / "docs/settings.md").read_text().splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`([A-Z0-9_]+)`", row.split("|")[1])}
    assert documented == read | READ_OUTSIDE_SETTINGS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(BASE_DIR)))
def test_links_to_files_and_headings_lead_somewhere(document: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, heading = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        if not file.exists() or (heading and heading not in headings(file)):
            broken.append(target)
    assert broken == []


def headings(file: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_make_target_that_a_document_names_exists() -> None:
    known = set(re.findall(r"^([a-z]+):", (BASE_DIR / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for path in DOCUMENTS
        for target in re.findall(r"(?:`|^    )make ([a-z]+)", path.read_text(), re.MULTILINE)
    }
    assert named <= known


def test_every_command_that_a_document_names_exists() -> None:
    from django.core.management import get_commands

    named = {name for path in DOCUMENTS for name in re.findall(r"manage\.py ([a-z_]+)", path.read_text())}
    assert named <= set(get_commands())


def test_every_file_of_ours_that_a_document_names_exists() -> None:
    pattern = r"`((?:accounts|campaigns|config|connections|deploy|publishing|sandbox|static|tests|tools)/[\w./-]*)`"
    named = {name for path in DOCUMENTS for name in re.findall(pattern, path.read_text())}
    assert sorted(name for name in named if not (BASE_DIR / name).exists()) == []
