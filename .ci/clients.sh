#!/bin/sh
# Foreign clients as real processes against Tidelog started for the run; installs them first where they are missing.
set -eu
cd "$(dirname "$0")/.."
npm run --silent test:clients
