#!/bin/sh
# `npm run localstack`: starts LocalStack, deploys the stacks to it by cdklocal, and runs the smoke test on what came of it.
# With AWS_ENDPOINT_URL set nothing is started: that emulator is used, whichever it is. What was started stays, to be used:
# the last lines say how, and how to end it.
set -eu
cd "$(dirname "$0")/../.."
compose='docker compose --file infra/localstack/compose.yaml'
started=no
if [ -z "${AWS_ENDPOINT_URL:-}" ]; then
  $compose up --detach --wait
  started=yes
  AWS_ENDPOINT_URL=http://localhost.localstack.cloud:4566
  # Buckets have host names of their own here.
  AWS_ENDPOINT_URL_S3=http://s3.localhost.localstack.cloud:4566
fi
export AWS_ENDPOINT_URL_S3="${AWS_ENDPOINT_URL_S3:-$AWS_ENDPOINT_URL}"
# An emulator takes any key; yours must not get near it.
unset AWS_PROFILE AWS_SESSION_TOKEN
export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1
# cdklocal forgets the region otherwise.
export AWS_DEFAULT_REGION=$AWS_REGION AWS_ENVAR_ALLOWLIST=AWS_REGION,AWS_DEFAULT_REGION

# It looks for the CLI that it wraps among its own packages; this is the one that the lock file names.
cdklocal() {
  NODE_PATH="$PWD/node_modules" npx --yes --package aws-cdk-local@3.0.4 cdklocal "$@"
}
cdklocal bootstrap aws://000000000000/us-east-1
# Native codecs for the containers of this machine.
cdklocal deploy --all --require-approval never --context architecture=host
node test/serverless/smoke.ts
if [ "$started" = yes ]; then
  printf '\nLocalStack goes on at %s. To end it:\n  %s down\n' "$AWS_ENDPOINT_URL" "$compose"
fi
