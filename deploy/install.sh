#!/bin/sh
# Creates .venv and installs Afteraction into it: deploy/install.sh [EXTRA]
#
# On Linux x86-64 plain pip resolves torch to a build for CUDA: 527 MB and several GB of packages beside it. Nothing
# here computes on a GPU, so the CPU build is asked for by name: from PyTorch's index of CPU builds, or, where that
# cannot be reached, from whatever pip is configured with (a mirror, a directory of wheels).
set -eu

cd "$(dirname "$0")/.."
extra=${1:-}
torch_index=https://download.pytorch.org/whl/cpu
torch_version=2.13.0
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "afteraction: $*"; }

find_python() {
    for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3.14 python3; do
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$name"
            return
        fi
    done
    say "no Python 3.11 or newer with the venv module was found; set PYTHON=/path/to/python3" >&2
    say "(on Debian and Ubuntu: apt-get install python3 python3-venv)" >&2
    exit 1
}

install_torch() {
    if "$python" -c 'import torch' >/dev/null 2>&1; then
        return
    fi
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64) ;;
        *) $pip install "torch>=2.6,<3"; return ;;   # elsewhere the registry's build is the CPU build
    esac
    say "installing the CPU build of torch (about 190 MB)"
    $pip install --index-url "$torch_index" --timeout 15 --retries 1 "torch>=2.6,<3" >"$log" 2>&1 && return
    $pip install "torch==$torch_version+cpu" >>"$log" 2>&1 && return
    say "no CPU build of torch: neither $torch_index nor pip's own configuration has one. What pip said:" >&2
    tail -n 5 "$log" >&2
    say "Install one into .venv by hand, then run this again: .venv/bin/pip install <path or index with torch+cpu>" >&2
    exit 1
}

started=$(date +%s)
if [ ! -x .venv/bin/python ]; then
    base=$(find_python)
    say "creating .venv with $("$base" --version)"
    "$base" -m venv .venv
fi
python=.venv/bin/python
# --use-pep517: one dependency still comes with a setup.py alone, which old versions of pip would run directly.
pip="$python -m pip --quiet"
log=.venv/install.log
install_torch
say "installing the other packages${extra:+ and those for $extra}"
$pip install --use-pep517 --prefer-binary -e ".${extra:+[$extra]}"
say "installed in $(($(date +%s) - started)) s; .venv is $(du -sm .venv | cut -f1) MB"
