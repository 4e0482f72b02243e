#!/usr/bin/env bash
# Runs lockcheck as a step of a workflow; action.yml says what the variables mean. The exit status is lockcheck's.
set -euo pipefail

environment="${RUNNER_TEMP:?is set by the runner}/lockcheck-environment"
python="$environment/bin/python"
[ -x "$python" ] || python="$environment/Scripts/python.exe"

arguments=(--output-format "${LOCKCHECK_OUTPUT_FORMAT:-github}")
[ -z "${LOCKCHECK_SINCE:-}" ] || arguments+=(--since "$LOCKCHECK_SINCE")
[ -z "${LOCKCHECK_BASELINE:-}" ] || arguments+=(--baseline "$LOCKCHECK_BASELINE")
while IFS= read -r line; do
  [ -z "$line" ] || arguments+=("$line")
done <<<"${LOCKCHECK_ARGUMENTS:-}"
arguments+=(--)
while IFS= read -r line; do
  [ -z "$line" ] || arguments+=("$line")
done <<<"${LOCKCHECK_PATHS:-.}"

told=$(mktemp)
trap 'rm -f "$told"' EXIT
status=0
if [ -n "${LOCKCHECK_OUTPUT_FILE:-}" ]; then
  "$python" -m lockcheck "${arguments[@]}" >"$LOCKCHECK_OUTPUT_FILE" 2>"$told" || status=$?
else
  "$python" -m lockcheck "${arguments[@]}" 2>"$told" || status=$?
fi
cat "$told" >&2
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  { printf '### lockcheck\n\n```text\n' && cat "$told" && printf '```\n'; } >>"$GITHUB_STEP_SUMMARY"
fi
exit "$status"
