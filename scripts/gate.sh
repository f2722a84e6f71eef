#!/usr/bin/env bash
# The gate: format, lint, types, tests (the architecture, licence and repository tests are among them).
# Every step runs, even after a failure; the end names what failed. PYTHON chooses the interpreter, WORKERS the test processes.
set -u
cd "$(dirname "$0")/.." || exit 2
python=${PYTHON:-python}
# Several test processes that each start a thread per core would slow one another down.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
failed=()

step() {
    local name=$1 started=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    "$@" || failed+=("$name")
    printf -- '-- %s: %d s\n' "$name" $((SECONDS - started))
}

step "format" "$python" -m ruff format --check .
step "lint" "$python" -m ruff check .
step "types" "$python" -m mypy
step "tests" "$python" -m pytest -q -n "${WORKERS:-2}"

if [ ${#failed[@]} -gt 0 ]; then
    printf '\nGATE FAILED: %s\n' "${failed[*]}"
    exit 1
fi
printf '\nGate passed.\n'
