#!/bin/sh
# Generates messages.jsonl anew with the message classes of Kafka's own Java client. Needs Java 17 and Maven; the tests need
# only the file. Ranges are those of lib/wire/messages (key:oldest served-newest); a test fails when they are not the same.
set -eu
cd "$(dirname "$0")"
jars=$(mktemp -d)
trap 'rm -rf "$jars"' EXIT
for artifact in org.apache.kafka:kafka-clients:4.2.0 org.slf4j:slf4j-api:1.7.36 \
  com.fasterxml.jackson.core:jackson-databind:2.19.2 com.fasterxml.jackson.core:jackson-core:2.19.2 \
  com.fasterxml.jackson.core:jackson-annotations:2.19.2; do
  mvn -q dependency:copy -Dartifact="$artifact" -DoutputDirectory="$jars"
done
java -cp "$jars/*" GenerateMessages.java 0:3-11 1:4-17 2:1-10 3:0-13 8:2-9 9:1-9 10:0-5 11:0-9 12:0-4 13:0-5 14:0-5 \
  15:0-6 16:0-5 18:0-4 19:2-7 20:1-6 21:0-2 22:0-5 23:2-4 32:1-4 33:0-2 35:1-4 37:0-3 42:0-2 43:0-2 44:0-1 45:0-1 \
  46:0-0 47:0-0 55:0-2 60:0-2 68:0-1 69:0-1 75:0-0 >"$jars/messages.jsonl"
mv "$jars/messages.jsonl" messages.jsonl
