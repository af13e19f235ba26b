#!/bin/sh
# The AWS adapters against emulated S3 and DynamoDB. Called by .ci/run; needs python3 (with venv) and Node's packages.
set -eu
cd "$(dirname "$0")/.."
npm run --silent test:aws
