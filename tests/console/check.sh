#!/bin/sh
# The console's JavaScript: style, types and unit tests, where node is there. Packages come by the hashes of the lock file.
set -eu
cd "$(dirname "$0")"
if ! command -v npm >/dev/null; then
  echo "node is not installed: the console's JavaScript is not checked (Node.js 20 or newer with npm)"
  exit 0
fi
if [ ! -e node_modules/.installed ] || [ package-lock.json -nt node_modules/.installed ]; then
  if npm ci --silent --no-audit --no-fund; then
    touch node_modules/.installed
  elif ! npm ping --silent >/dev/null 2>&1; then
    echo "the npm registry does not answer: the console's JavaScript is only unit-tested"
    node --experimental-default-type=module --no-warnings --test >/dev/null
    exit
  else
    exit 1
  fi
fi
npm run --silent lint
# The types of the vendored Preact are ours: they lie beside a copy, not beside what is served.
rm -rf build
cp -R ../../audit/console build
cp types/vendor/preact.d.ts build/vendor/
npm run --silent types
npm run --silent test >node_modules/.test.log || { cat node_modules/.test.log; exit 1; }
