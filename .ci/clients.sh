#!/bin/sh
# Foreign clients as real processes against Tidelog started for the run; installs them first where they are missing. Then
# Debian's package index through kcat with each codec, the time from one gateway's acknowledgement to another's reader, groups
# of real consumers, and groups over three gateways of which one at a time is killed.
set -eu
cd "$(dirname "$0")/.."
npm run --silent test:clients
npm run --silent test:tools
npm run --silent test:dataset
npm run --silent bench:cross-gateway
npm run --silent test:groups
npm run --silent groups:soak -- --minutes 0.7 --kill-seconds 15 --down-seconds 9
