# shellcheck shell=sh
# Finding a Python and filling a private environment with it: what install.sh and test.sh share. Sourced, never run.
: "${checkout:?}" "${log:=/dev/null}"

say() {
    printf '%s\n' "$*" >&2
}

# fail CODE WHAT LINE...: an error in the form that rigfit itself uses, then the end.
fail() {
    fail_code=$1
    say "error: $2"
    shift 2
    for fail_line; do
        say "  $fail_line"
    done
    exit "$fail_code"
}

# Sets $python (the real program behind a shim), $python_version, $pip (outer, ensurepip or none) and $uv (empty: none
# on PATH), or ends. A name on PATH proves nothing (pyenv leaves shims that fail): each candidate is run.
find_python() {
    unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_ROOT
    uv=$(command -v uv) && "$uv" --version >/dev/null 2>&1 || uv=
    python_found=
    set -- python3 python3.13 python3.12 python3.11 python3.10 python3.14 python3.15 python
    for candidate in "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/*/bin/python3; do
        set -- "$@" "$candidate"
    done
    for candidate; do
        answer=$(judge_python "$candidate") || continue
        IFS='|' read -r verdict python_version pip python <<ANSWER
$answer
ANSWER
        [ "$verdict" = fits ] && { [ -n "$uv" ] || [ "$pip" != none ]; } && return
        case $verdict in fits) verdict='without venv or pip' ;; esac
        python_found="${python_found:+$python_found, }$python_version ($verdict) at $python"
    done
    no_python
}

judge_python() {
    command -v "$1" >/dev/null 2>&1 || return 1
    "$1" - 2>/dev/null <<'PYTHON'
import sys
from importlib.util import find_spec

verdict = "fits" if sys.version_info >= (3, 10) else "too old"
if sys.implementation.name != "cpython":
    verdict = "not CPython"
try:
    from pip import __version__ as pip_version
    outer = [int(part) for part in pip_version.split(".")[:2]] >= [22, 3]  # the first with `pip --python`
except (ImportError, ValueError):
    outer = False
pip = "outer" if outer else "ensurepip" if find_spec("ensurepip") else "none"
if not find_spec("venv"):
    pip = "none"
print("|".join([verdict, "%d.%d.%d" % sys.version_info[:3], pip, sys.executable]))
PYTHON
}

no_python() {
    fail 5 "no Python that rigfit can be installed with" \
        "needed  CPython >= 3.10 with \`venv\` and pip (or \`uv\` on the PATH)" \
        "found   ${python_found:-no Python that runs}" \
        "try: install one; on Debian and Ubuntu: \`apt-get install python3 python3-venv\`, on Fedora: \`dnf install python3\`"
}

# make_environment DIR: without pip, which costs seconds; it is called from outside, or comes when it is needed.
make_environment() {
    if [ -n "$uv" ]; then
        logged "$uv" venv --quiet --no-project --python "$python" "$1" && return
        rm -rf "$1"
    fi
    logged "$python" -m venv --without-pip "$1"
}

# install_into DIR ARGUMENT...: by uv where there is one or the index has one, else by pip, which understands every
# setting of pip. Measured for rigfit and its libraries on 2 cores: uv on PATH 2 s, uv from the index 5 s, pip 7 s.
install_into() {
    into=$1
    shift
    if [ -z "$uv" ] && [ ! -x "$into/bin/uv" ]; then
        uv_requirement=$(sed -n 's/^ *"\(uv[<>=!~][^"]*\)".*/\1/p' "$checkout/pyproject.toml")
        pip_into "$into" "${uv_requirement:-uv}" || ! unreachable || return 1
    fi
    for program in "$uv" "$into/bin/uv"; do
        if [ -x "$program" ]; then
            uv_into "$into" "$program" "$@" && return
        fi
    done
    [ "$pip" != none ] && pip_into "$into" "$@"
}

# A package of the checkout is built again even where uv's cache has one: the cache looks at few of its files.
uv_into() (
    uv_target=$1
    uv_program=$2
    shift 2
    eval "$(pip_settings_for_uv)"
    logged "$uv_program" pip install --python "$uv_target/bin/python" --refresh-package rigfit ${uv_options:+"$uv_options"} "$@"
)

pip_into() {
    pip_target=$1
    shift
    if [ "$pip" = outer ]; then
        PIP_USER=0 logged "$python" -m pip --python "$pip_target/bin/python" install --no-compile "$@"
        return
    fi
    if [ ! -e "$pip_target/bin/pip" ] && [ ! -e "$pip_target/bin/pip3" ]; then
        logged "$pip_target/bin/python" -m ensurepip || return
    fi
    PIP_USER=0 logged "$pip_target/bin/python" -m pip install --no-compile "$@"
}

# uv reads no setting of pip: say in its words what `pip config` and PIP_* say, and leave alone what is set for uv.
pip_settings_for_uv() {
    "$python" - <<'PYTHON'
import ast
import os
import shlex
import subprocess
import sys

listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
sections = {"global": {}, "install": {}}
for line in listed.stdout.splitlines():
    name, _, value = line.partition("=")
    section, _, key = name.partition(".")
    if section in sections:
        sections[section][key] = ast.literal_eval(value)
named = {name[4:].lower().replace("_", "-"): value for name, value in os.environ.items() if name.startswith("PIP_") and value}
settings = {**sections["global"], **sections["install"], **named}


def say(key, *variables, separator=" "):
    words = settings.get(key, "").split()
    if words and not any(variable in os.environ for variable in variables):
        for variable in variables:
            print("export", variable + "=" + shlex.quote(separator.join(words)))


say("index-url", "UV_DEFAULT_INDEX")
say("extra-index-url", "UV_INDEX")
say("find-links", "UV_FIND_LINKS", separator=",")
say("trusted-host", "UV_INSECURE_HOST")
say("cert", "SSL_CERT_FILE")
say("client-cert", "SSL_CLIENT_CERT")
say("proxy", "HTTP_PROXY", "HTTPS_PROXY")
print("export UV_INDEX_STRATEGY=${UV_INDEX_STRATEGY:-unsafe-best-match}")
print("uv_options=" + ("--no-index" if settings.get("no-index", "0").lower() in ("1", "yes", "true", "on") else ""))
PYTHON
}

# logged COMMAND...: its output goes to $log alone, which is shown when it mattered.
logged() {
    printf '\n+ %s\n' "$*" >>"$log"
    "$@" >>"$log" 2>&1
}

# What the last command in the log said.
last_words() {
    awk '/^\+ / { said = ""; next } { said = said $0 "\n" } END { printf "%s", said }' "$log"
}

said() {
    last_words | grep -qiE "$1"
}

no_connection='connection (refused|reset|broken|aborted|timed out)|failed to (establish|resolve)|(connect|read|operation) ?timed? ?out|error sending request|dns error|name resolution|name or service not known|network is unreachable|no route to host|proxyerror|tunnel (error|connection)|sslerror|invalid peer certificate|certificate verify failed'

unreachable() {
    said "$no_connection"
}

# explain WHAT: ends with the likely cause of the last failure, the program's own last words, and where the rest is.
explain() {
    last_words | grep -vE '^$|Retry\(total=[1-9]' | tail -n 6 | cut -c 1-240 | sed 's/^/  | /' >&2
    if unreachable; then
        index=$(last_words | grep -oE 'https?://[^/ )]+' | tail -n 1)
        reason=$(last_words | grep -oiE "$no_connection" | tail -n 1)
        fail 5 "$1: the package index cannot be reached" \
            "needed  a package index: PyPI, or the mirror that pip or uv is configured for" \
            "found   $reason${index:+, $index}" \
            "try: set PIP_INDEX_URL (a mirror), HTTPS_PROXY (a proxy) or PIP_CERT (your own CA), then run this again" \
            "log: $log"
    elif said 'http error|http status|40[137] error|(client|server) error'; then
        fail 5 "$1: the package index refuses to serve it" \
            "try: look at PIP_INDEX_URL and its user name and password, then run this again" "log: $log"
    elif said 'no space left|disk quota'; then
        fail 5 "$1: the disk is full" \
            "needed  about 300 MB in $(dirname "$log") and for temporary files in ${TMPDIR:-/tmp}" \
            "try: make room, or set RIGFIT_HOME and TMPDIR to folders on another disk, then run this again" "log: $log"
    elif said 'no matching distribution|no solution found|not found in the package registry'; then
        fail 5 "$1: the package index does not have what it needs" \
            "needed  libraries for Python $python_version on $(uname -m)" \
            "try: look at PIP_INDEX_URL, PIP_FIND_LINKS and \`pip config list\`: is the mirror complete?" "log: $log"
    fi
    fail 5 "$1" "the last words of the program that failed are above" "log: $log"
}
