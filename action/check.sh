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
[ -z "${LOCKCHECK_OUTPUT_FILE:-}" ] || arguments+=(--output-file "$LOCKCHECK_OUTPUT_FILE")
# With the format `github`, lockcheck adds to the job's summary itself.
summary=""
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ "${LOCKCHECK_OUTPUT_FORMAT:-github}" != github ]; then
  summary=$(mktemp)
  trap 'rm -f "$summary"' EXIT
  arguments+=(--summary "$summary")
fi
arguments+=(--)
while IFS= read -r line; do
  [ -z "$line" ] || arguments+=("$line")
done <<<"${LOCKCHECK_PATHS:-.}"

status=0
"$python" -m lockcheck "${arguments[@]}" || status=$?
[ -z "$summary" ] || cat "$summary" >>"$GITHUB_STEP_SUMMARY"
exit "$status"
