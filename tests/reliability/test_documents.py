"""docs/reliability.md names a test for each known failure: they exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_test_that_stands_beside_a_known_failure_exists() -> None:
    text = (ROOT / "docs/reliability.md").read_text()
    named = re.findall(r"`((?:tests/\w+/)?test_\w+\.py)(?:::(test_\w+))?`", text)
    assert len(named) > 15
    for file, test in named:
        path = ROOT / (file if "/" in file else f"tests/publishing/{file}")
        assert path.exists(), file
        assert f"def {test}(" in path.read_text() or not test, f"{file}::{test}"
