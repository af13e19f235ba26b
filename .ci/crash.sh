#!/bin/sh
# Kills the real process under load, and runs it on a slow store: the short versions of `npm run crash:long`.
set -eu
cd "$(dirname "$0")/.."
npm run --silent test:crash
