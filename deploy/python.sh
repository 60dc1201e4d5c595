#!/bin/sh
# Runs its arguments with the first Python that Parley runs on: `sh deploy/python.sh -m deploy.launch`.
# PYTHON names one to use instead of searching. Needs nothing but a POSIX shell, so that a machine
# without a usable Python gets an answer rather than a traceback.

# A name on the PATH may be a version manager's stub that cannot run: ask each candidate itself.
right_version() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

makes_environments() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

fail() {
    echo "error: $1" >&2
    echo "  remedy: $2" >&2
    exit 3
}

found=
without_venv=
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    right_version "$candidate" || continue
    if makes_environments "$candidate"; then
        found=$candidate
        break
    fi
    without_venv=${without_venv:-$candidate}
done

if [ -z "$found" ] && [ -n "$without_venv" ]; then
    version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fail "$without_venv (Python $version) cannot make virtual environments: it has no ensurepip" \
        "install its venv package (Debian and Ubuntu: apt install python$version-venv), or set PYTHON to another Python"
fi
if [ -z "$found" ]; then
    seen=$("${PYTHON:-python3}" --version 2>&1) || seen="none that runs"
    fail "Parley needs Python 3.11, 3.12 or 3.13; ${PYTHON:-python3} here is: $seen" \
        "install one of them, or set PYTHON to its path: make run PYTHON=/path/to/python3.11"
fi

exec "$found" "$@"
