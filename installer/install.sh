#!/bin/sh
# Gets rigfit onto a bare machine: a private environment, a link in ~/.local/bin, then the installer or `rigfit setup`.
set -eu

usage() {
    cat <<'TEXT'
usage: sh installer/install.sh                        installs rigfit, then opens the installer; without a terminal: `rigfit setup`
       sh installer/install.sh SETUP OPTION...        installs rigfit, then runs `rigfit setup SETUP OPTION...`
       sh installer/install.sh --no-setup             installs rigfit and stops there
       sh installer/install.sh --uninstall            removes rigfit, and says what it leaves
       sh installer/install.sh --help

Common setup options: --yes (ask nothing), --variant NAME, --dry-run. `rigfit setup --help` has them all.
Needs CPython >= 3.10 and a package index. Honours RIGFIT_HOME, XDG_DATA_HOME, XDG_BIN_HOME, PIP_INDEX_URL and the
other settings of pip and uv, proxy and CA variables. Writes nothing outside those folders, and edits no shell file.
TEXT
}

main() {
    action=setup
    for argument; do
        case $argument in
            -h | --help) usage; return ;;
            --no-setup | --uninstall) action=${argument#--} ;;
        esac
    done
    if [ "$action" != setup ] && [ $# -gt 1 ]; then
        say_usage "--$action takes no other option"
    fi
    # shellcheck disable=SC1007
    checkout=$(CDPATH= cd -- "$(dirname -- "$(real_path "$0")")/.." && pwd -P) || checkout=
    [ -f "$checkout/installer/environment.sh" ] ||
        say_usage "this script installs the checkout that it lies in, and there is none around $0"
    # shellcheck source=environment.sh
    . "$checkout/installer/environment.sh"
    [ "$action" = uninstall ] && { choose_places; uninstall; return; }
    find_python
    choose_places
    install_app
    link_command
    [ "$action" = no-setup ] && return
    exec 9>&-
    if [ $# -eq 0 ] && can_draw; then
        exec "$root/app/bin/rigfit"
    fi
    exec "$root/app/bin/rigfit" setup "$@"
}

say_usage() {
    printf 'error: %s\n\n' "$1" >&2
    usage >&2
    exit 2
}

# Whether rigfit would open the installer here, by its own rule.
can_draw() {
    [ -t 0 ] && [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]
}

real_path() {
    readlink -f -- "$1" 2>/dev/null || printf '%s\n' "$1"
}

# Sets $root (rigfit's data folder, the same that rigfit itself takes) and $bin; both absolute.
choose_places() {
    if [ -z "${HOME:-}" ]; then
        HOME=$("${python:-python3}" -c 'import os, pwd; print(pwd.getpwuid(os.getuid()).pw_dir)' 2>/dev/null) ||
            fail 2 "HOME is not set, and nothing else says where it is"
        export HOME
    fi
    root=${RIGFIT_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/rigfit}
    case $root in
        /*) ;;
        \~/*) root=$HOME/${root#??} ;;
        *) root=$(pwd)/$root ;;
    esac
    [ -z "${RIGFIT_HOME:-}" ] || export RIGFIT_HOME="$root"
    bin=${XDG_BIN_HOME:-$HOME/.local/bin}
    link=$bin/rigfit
}

# The new environment is built beside the old one, proved to start, and only then switched to.
install_app() {
    log=$root/install.log
    (mkdir -p "$root" && : >>"$root/app.lock" && : >>"$log") 2>/dev/null ||
        fail 5 "the folder for rigfit cannot be written" \
            "needed  a folder that $(id -un) may write in" \
            "found   $root" \
            "try: set RIGFIT_HOME to such a folder, then run this again"
    take_lock
    key=$(content_key)
    if [ "$(cat "$root/app/installed-from" 2>/dev/null)" = "$key" ] && starts "$root/app"; then
        say "rigfit: $version is in $root/app already, and nothing has changed"
        return
    fi
    : >"$log"
    new=$root/app-$(printf '%.8s' "$key")-$$
    trap 'rm -rf "$new"; exit 130' INT TERM HUP
    say "rigfit: installing into $root/app, with Python $python_version ($python)"
    rm -rf "$new"
    make_environment "$new" || give_up "a private environment could not be made"
    install_into "$new" "$checkout" || give_up "rigfit could not be installed"
    starts "$new" || give_up "rigfit was installed, but does not start"
    leave_bytecode "$new"
    printf '%s\n' "$key" >"$new/installed-from"
    switch_to "$new"
    trap - INT TERM HUP
    say "rigfit: installed: $version"
}

give_up() {
    rm -rf "$new"
    explain "$1"
}

# Held by the shell's descriptor 9 until the shell ends, however it ends; needs no `flock` program.
take_lock() {
    exec 9>>"$root/app.lock"
    "$python" - "$root" <<'PYTHON'
import fcntl
import sys

try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.stderr.write("rigfit: waiting for another install into %s to end\n" % sys.argv[1])
    fcntl.flock(9, fcntl.LOCK_EX)
except OSError:
    pass  # a file system without locks: each run builds in a folder of its own all the same
PYTHON
}

content_key() {
    "$python" - "$checkout" <<'PYTHON'
import hashlib
import os
import sys

checkout = sys.argv[1]
files = [os.path.join(checkout, "pyproject.toml")]
for top in ("src", "installer/rigfit_installer", "environments"):
    for folder, _, names in os.walk(os.path.join(checkout, top)):
        files += [os.path.join(folder, name) for name in names if not name.endswith(".pyc")]
digest = hashlib.sha256()
for path in sorted(files):
    with open(path, "rb") as file:
        content = file.read()
    digest.update(("%s\0%d\0" % (os.path.relpath(path, checkout), len(content))).encode() + content)
print(digest.hexdigest())
PYTHON
}

# Sets $version. The first start also leaves the bytecode of what it imports, so the next ones are quick.
starts() {
    version=$(unset PYTHONDONTWRITEBYTECODE; "$1/bin/rigfit" --version 2>>"$log")
}

# The same for what the installer imports, which would cost the first one who opens it half a second.
leave_bytecode() {
    (unset PYTHONDONTWRITEBYTECODE; "$1/bin/python" -c '
import rigfit.engine.fitting
import rigfit_installer.app
from rigfit_installer.screens import choose, plan, run
') >/dev/null 2>&1 || :
}

# switch_to DIR: replaces the link in one step, then removes what no running process was started from.
switch_to() {
    "$python" - "$root" "$1" <<'PYTHON'
import glob
import os
import shutil
import sys

root, new = sys.argv[1:]
link = os.path.join(root, "app")
os.symlink(os.path.basename(new), link + ".new")
os.replace(link + ".new", link)
running = b""
for path in glob.glob("/proc/[0-9]*/cmdline"):
    if path.split("/")[2] != str(os.getpid()):
        try:
            with open(path, "rb") as file:
                running += file.read()
        except OSError:
            pass
for old in glob.glob(glob.escape(root) + "/app-????????-[0-9]*"):
    if old != new and os.fsencode(old + "/") not in running:
        shutil.rmtree(old, ignore_errors=True)
PYTHON
}

# Ours is a link to an app of rigfit's, in this data folder or in another one; anything else is left alone.
link_command() {
    target=$root/app/bin/rigfit
    case $(readlink -- "$link" 2>/dev/null) in
        "$target") ;;
        */app/bin/rigfit) rm -f "$link" ;;
    esac
    if [ ! -e "$link" ] && [ ! -L "$link" ]; then
        if ! (mkdir -p "$bin" && ln -s "$target" "$link") 2>/dev/null; then
            say "rigfit: $bin cannot be written, so there is no link there; the command is $target"
            return
        fi
    fi
    if [ "$(readlink -- "$link" 2>/dev/null)" != "$target" ]; then
        say "rigfit: $link is not rigfit's and stays as it is; the command is $target"
        return
    fi
    say "rigfit: the command is $link"
    found=$(command -v rigfit) || found=
    case $found in
        "$link") ;;
        '') say_path_line ;;
        *) say "rigfit: mind that \`rigfit\` alone starts $found, which comes first on your PATH" ;;
    esac
}

# shellcheck disable=SC2016,SC2088  # a line to show, for the person's own shell to expand
say_path_line() {
    case $bin in
        "$HOME"/*) shown='$HOME'${bin#"$HOME"} ;;
        *) shown=$bin ;;
    esac
    case ${SHELL:-} in
        */zsh) shell_file='~/.zshrc' ;;
        */bash) shell_file='~/.bashrc' ;;
        */fish) shell_file='~/.config/fish/config.fish' ;;
        *) shell_file='~/.profile' ;;
    esac
    say "rigfit: $bin is not on your PATH; add this line to $shell_file, then open a new shell:"
    case ${SHELL:-} in
        */fish) say "    fish_add_path \"$shown\"" ;;
        *) say "    export PATH=\"$shown:\$PATH\"" ;;
    esac
}

uninstall() {
    case $(readlink -- "$link" 2>/dev/null) in
        "$root/app/bin/rigfit") rm -f "$link" && say "rigfit: removed $link" ;;
    esac
    rm -rf "$root/app" "$root/app.new" "$root/app.lock" "$root/install.log" "$root"/app-????????-[0-9]*
    say "rigfit: removed $root/app"
    rmdir "$root" 2>/dev/null || [ ! -d "$root" ] ||
        say "rigfit: left in $root: environments and receipts ($(du -sh "$root" 2>/dev/null | cut -f 1)); \`rm -r\` that folder to be rid of them"
}

main "$@"
