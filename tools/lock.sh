#!/bin/sh
# Resolve pyproject.toml into requirements/runtime.txt and requirements/dev.txt: exact versions with hashes, for every
# system and Python that the project supports, without a word about where they come from. Versions stay as they are where
# they still fit; LOCK_ARGS=--upgrade takes the newest.
set -eu
cd "$(dirname "$0")/.."
uv=uv
"$uv" --version >/dev/null 2>&1 || uv=.uv/bin/uv
"$uv" --version >/dev/null 2>&1 || { .venv/bin/python -m venv .uv && .uv/bin/python -m pip install --quiet uv && uv=.uv/bin/uv; }
common="--universal --python-version 3.12 --generate-hashes --no-header --no-emit-index-url --emit-build-options --quiet"
# shellcheck disable=SC2086
"$uv" pip compile $common ${LOCK_ARGS:-} pyproject.toml --output-file requirements/runtime.txt
# shellcheck disable=SC2086
"$uv" pip compile $common ${LOCK_ARGS:-} pyproject.toml --group dev --output-file requirements/dev.txt
