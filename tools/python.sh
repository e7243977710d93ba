#!/bin/sh
# Prints the Python that the project is set up with: the one in .venv, else $PYTHON, else the first of
# the usual names that is 3.11 or newer and can make a venv. One sentence and exit 1 when there is none.
set -u

usable() { # the interpreter starts, is new enough, and can make a venv with pip in it
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || return 1
    new_enough=${new_enough:-$1}
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

say() {
    echo "folkmoot: $1" >&2
    exit 1
}

new_enough=
if [ -z "${PYTHON:-}" ] && usable .venv/bin/python && .venv/bin/python -c 'import pip' 2>/dev/null; then
    echo .venv/bin/python
    exit
fi
new_enough=
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    if usable "$candidate"; then
        echo "$candidate"
        exit
    fi
done
if [ -n "$new_enough" ]; then
    say "$new_enough has no venv module; install it (Debian and Ubuntu: apt-get install python3-venv) and try again."
fi
if [ -n "${PYTHON:-}" ]; then
    say "PYTHON=$PYTHON is not a working Python 3.11 or newer."
fi
say "no Python 3.11 or newer on PATH; install one, or name it: make PYTHON=/path/to/python3 run"
