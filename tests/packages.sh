#!/bin/sh
# The programs of the distribution that tests need and pip cannot bring: Chromium and PostgreSQL.
# Without an argument it only says what is missing, and ends with 1; with --install it installs that on Debian and its kin.
set -eu

missing=""
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing="$missing chromium"
command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

if [ "${1:-}" != --install ]; then
  echo "the tests need$missing: run 'make test-deps' (Debian and its kin), or install them with your package manager" >&2
  exit 1
fi
become=""
[ "$(id -u)" = 0 ] || become="sudo"
if ! command -v apt-get >/dev/null; then
  echo "there is no apt-get here: install$missing with your package manager" >&2
  exit 1
fi
echo "installing$missing from the distribution's packages"
export DEBIAN_FRONTEND=noninteractive
$become apt-get update -qq
$become apt-get install -y -qq --no-install-recommends $missing >/dev/null
