#!/bin/sh
# Foreign clients as real processes against Tidelog started for the run; installs them first where they are missing. Then
# Debian's package index through kcat with each codec, and the time from one gateway's acknowledgement to another's reader.
set -eu
cd "$(dirname "$0")/.."
npm run --silent test:clients
npm run --silent test:dataset
npm run --silent bench:cross-gateway
