#!/usr/bin/env bash
# Installs what the interoperability tests need beside Python: Go with x/mod and the AWS SDK, version 2 of the AWS CLI,
# strace, OpenSSL, zsh, fish and Chromium from Debian; @sigstore/verify, @cedar-policy/cedar-wasm, axe-core, the AWS SDK, esbuild, and
# Amplify's liveness component with React from npm.
# Needs apt-get (as root, or with sudo) and npm; what is there already is left alone.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

if ! command -v go >/dev/null || ! command -v strace >/dev/null \
  || ! command -v chromium >/dev/null || ! command -v openssl >/dev/null \
  || ! command -v zsh >/dev/null || ! command -v fish >/dev/null || [ ! -x /usr/bin/aws ] \
  || [ ! -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ] \
  || [ ! -d /usr/share/gocode/src/github.com/aws/aws-sdk-go-v2/service/rekognition ]; then
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    golang-go golang-golang-x-mod-dev golang-github-aws-aws-sdk-go-v2-dev strace openssl chromium fonts-dejavu-core \
    zsh fish awscli
fi

# One command for all of them: npm takes away what a later one does not name.
if [ ! -d build/node_modules/@sigstore/verify ] || [ ! -d build/node_modules/@cedar-policy/cedar-wasm ] \
  || [ ! -d build/node_modules/axe-core ] || [ ! -d build/node_modules/@aws-sdk/client-rekognition ] \
  || [ ! -d build/node_modules/esbuild ] || [ ! -d build/node_modules/@aws-amplify/ui-react-liveness ] \
  || [ ! -d build/node_modules/@tensorflow/tfjs-backend-wasm ]; then
  mkdir -p build
  npm install --prefix build --no-save --no-audit --no-fund --ignore-scripts \
    @sigstore/verify@3.1.1 @cedar-policy/cedar-wasm@4.12.0 axe-core@4.14.1 \
    @aws-sdk/client-rekognition@3.1142.0 esbuild@0.28.2 \
    react@18.3.1 react-dom@18.3.1 aws-amplify@6.22.1 @aws-amplify/ui-react-liveness@3.6.8 \
    @tensorflow/tfjs-backend-wasm@4.11.0
fi
