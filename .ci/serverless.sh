#!/bin/sh
# The real stacks, deployed by the stock CDK CLI to emulated AWS, with foreign clients in front of them. Called by .ci/run;
# installs the clients where they are missing, and openssl, which makes the certificate of the emulator.
set -eu
cd "$(dirname "$0")/.."
sh test/clients/setup.sh
if ! command -v openssl >/dev/null; then
  sudo=''
  [ "$(id -u)" = 0 ] || sudo='sudo'
  $sudo apt-get install -q -y --no-install-recommends openssl
fi
npm run --silent test:serverless
