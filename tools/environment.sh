#!/bin/sh
# Make or update .venv: the project's own Python environment, from requirements/<which>.txt with hashes.
#   tools/environment.sh runtime|dev
# Does nothing when the lock has not changed since. Uses uv when it works, else a Python's own venv and pip.
set -eu
cd "$(dirname "$0")/.."
which=${1:-runtime}
lock=requirements/$which.txt
stamp=.venv/.installed-$which

say() { printf '%s\n' "$*" >&2; }
works() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }
fingerprint() { cksum <"$1" | tr ' ' '-'; }

find_python() { # prints a Python of 3.12 or newer; shims that exist and fail are passed over by running them
  for candidate in ${PYTHON:-} python3.13 python3.12 python3.14 python3 python \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12*/bin/python3; do
    if works "$candidate"; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return 0
    fi
  done
  return 1
}

find_uv() { # prints a uv that runs
  for candidate in uv .uv/bin/uv; do
    if "$candidate" --version >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

make_venv() {
  if python=$(find_python); then
    say "Making .venv with $("$python" --version)"
    if uv=$(find_uv); then
      "$uv" venv --quiet --python "$python" .venv
    elif ! "$python" -m venv .venv; then
      rm -rf .venv
      say "This Python has no venv module (on Debian: apt install python3-venv). Or install uv."
      exit 1
    fi
    return
  fi
  # No Python that is new enough: uv brings one, and an older Python can bring uv.
  if ! uv=$(find_uv); then
    say "No Python 3.12 or newer here: fetching uv, which can bring one"
    python3 -m venv .uv && .uv/bin/python -m pip install --quiet uv && uv=.uv/bin/uv || {
      rm -rf .uv
      say "Parley needs Python 3.12 or newer, and found none. Install one, or uv, and try again. PYTHON=/path/to/python3.13 names one."
      exit 1
    }
  fi
  "$uv" venv --quiet --python "$(cat .python-version)" .venv || {
    say "Parley needs Python 3.12 or newer, and uv could not bring one. PYTHON=/path/to/python3.13 names one."
    exit 1
  }
}

works .venv/bin/python || { rm -rf .venv; make_venv; }
if [ "$(cat "$stamp" 2>/dev/null)" != "$(fingerprint "$lock")" ]; then
  say "Installing $lock"
  if uv=$(find_uv); then
    "$uv" pip install --quiet --python .venv/bin/python --require-hashes --compile-bytecode -r "$lock"
  else
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
  fi
  fingerprint "$lock" >"$stamp"
  # The development set holds the runtime set.
  [ "$which" = runtime ] || fingerprint requirements/runtime.txt >.venv/.installed-runtime
fi
