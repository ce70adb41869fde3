#!/bin/sh
# The programs of the distribution that tests need and pip cannot bring: Chromium and PostgreSQL.
# What is there is used; what is missing is installed where that can be done.
set -eu

missing=""
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing="$missing chromium"
command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

become=""
[ "$(id -u)" = 0 ] || become="sudo -n"
if ! command -v apt-get >/dev/null || { [ -n "$become" ] && ! $become true 2>/dev/null; }; then
  echo "the tests need$missing: install them with your package manager, then run this again" >&2
  exit 1
fi
echo "installing$missing from the distribution's packages"
export DEBIAN_FRONTEND=noninteractive
$become apt-get update -qq
$become apt-get install -y -qq --no-install-recommends $missing >/dev/null
