#!/bin/sh
# Sets up what the tests need in .venv, then runs the linters and the tests.
set -eu

usage() {
    cat <<'TEXT'
usage: sh installer/test.sh [--no-lint | --lint-only] [PYTEST ARGUMENT...]

Linters: ruff check, ruff format, mypy, import-linter, shellcheck. Then pytest with the arguments given, for example
`-m "not slow"`, `-k name` or a file. Exits with 0 only when everything that ran passed.
TEXT
}

main() {
    lint=yes tests=yes failed=
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) usage; return ;;
            --no-lint) lint=no ;;
            --lint-only) tests=no ;;
            *) break ;;
        esac
        shift
    done
    # shellcheck disable=SC1007
    checkout=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
    cd "$checkout"
    log=$checkout/.cache/test-setup.log
    # shellcheck source=environment.sh
    . "$checkout/installer/environment.sh"
    prepare
    PATH=$checkout/.venv/bin:$PATH
    export PATH
    [ "$lint" = no ] || run_linters
    [ "$tests" = no ] || run_tests "$@"
    [ -z "$failed" ]
}

# .venv is filled again when pyproject.toml changed or the checkout moved, and is otherwise taken as it is.
prepare() {
    key="$checkout $(cksum <pyproject.toml)"
    if [ "$(cat .venv/filled-from 2>/dev/null)" = "$key" ] && .venv/bin/python -c 'import rigfit, pytest' 2>/dev/null; then
        return
    fi
    find_python
    mkdir -p .cache
    : >"$log"
    say "setting up .venv with Python $python_version ($python)"
    .venv/bin/python -c '' 2>/dev/null || { rm -rf .venv && make_environment "$checkout/.venv"; } ||
        explain "a virtual environment could not be made"
    install_into "$checkout/.venv" --group "$checkout/pyproject.toml:dev" --editable "$checkout" ||
        explain "what the tests need could not be installed"
    printf '%s\n' "$key" >.venv/filled-from
}

run_linters() {
    check 'ruff check' ruff check .
    check 'ruff format' ruff format --check .
    check mypy mypy
    check import-linter lint-imports
    check shellcheck find . -type d -name '.?*' ! -name .ci -prune -o \
        \( -name '*.sh' -o -path ./.ci/run \) -exec shellcheck {} +
    [ -z "$failed" ] || say "lint failed: $failed (above)"
}

# check NAME COMMAND...: says nothing more of what passed.
check() {
    name=$1
    shift
    if output=$("$@" 2>&1); then
        say "passed  $name"
    else
        say "failed  $name"
        say "$output"
        failed="${failed:+$failed, }$name"
    fi
}

run_tests() {
    command -v gcc >/dev/null 2>&1 ||
        say "note: no gcc here, so the tests of a stand-in NVML library will be skipped (Debian: \`apt-get install gcc libc6-dev\`)"
    has_one_of chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable ||
        say "note: no chromium here, so the tests of \`rigfit serve\` in a browser will be skipped (Debian: \`apt-get install chromium-headless-shell\`)"
    [ $# -gt 0 ] || set -- -n auto --dist loadfile
    python -m pytest "$@" || failed="${failed:+$failed, }pytest"
}

has_one_of() {
    for program; do
        ! command -v "$program" >/dev/null 2>&1 || return 0
    done
    return 1
}

main "$@"
