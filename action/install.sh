#!/usr/bin/env bash
# Installs lockcheck from the action's own sources into a virtual environment; action.yml says what the variables mean.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
environment="${RUNNER_TEMP:?is set by the runner}/lockcheck-environment"

"${LOCKCHECK_PYTHON:-python3}" -m venv --clear "$environment"
for python in "$environment/bin/python" "$environment/Scripts/python.exe"; do
  if [ -x "$python" ]; then
    "$python" -m pip install --quiet --disable-pip-version-check "$here"
    exit 0
  fi
done
echo "error: $environment has no Python" >&2
exit 2
