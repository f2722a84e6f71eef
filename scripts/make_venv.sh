#!/usr/bin/env bash
# Makes the virtual environment VENV with a Python that the package supports, or says in one line what is missing.
# usage: make_venv.sh VENV [PYTHON]
set -euo pipefail
venv=$1
wanted=${2:-}
supported='import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else 1)'

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 2
}

if [ -e "$venv" ] && ! "$venv/bin/python" -c "$supported" 2>/dev/null; then
    fail "$venv exists, but holds no working Python 3.11, 3.12 or 3.13; remove it (make clean) and try again"
fi
[ -e "$venv" ] && exit 0

python=
for candidate in ${wanted:-python3 python3.11 python3.12 python3.13}; do
    if "$candidate" -c "$supported" 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    found=$("${wanted:-python3}" --version 2>&1 | head -n 1) || found="none"
    fail "Python 3.11, 3.12 or 3.13 is needed, found: $found; install one or name it: make PYTHON=/path/to/python3.11"
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    fail "$python has no venv module; install it (on Debian or Ubuntu the package $("$python" -c \
        'import sys; print("python%d.%d-venv" % sys.version_info[:2])')) and try again"
fi
echo "Making $venv with $("$python" --version)"
# Half an environment would look like a whole one to the next call.
"$python" -m venv "$venv" || { rm -rf "$venv"; fail "$python -m venv $venv failed, see above"; }
