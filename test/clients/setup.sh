#!/bin/sh
# Installs the foreign clients that the client suite, the crash runs and the benchmarks drive: kcat and Debian's
# confluent-kafka from apt, current confluent-kafka and two versions of kafka-python in virtual environments, the Java
# client with its tools and Apache Kafka itself as jars. Everything but the apt packages lands in .cache/clients.
# Idempotent: what is there is left alone, so that it may run before every suite.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cache="$root/.cache/clients"
mkdir -p "$cache"

sudo=''
[ "$(id -u)" = 0 ] || sudo='sudo'

missing=''
for package in kcat python3-confluent-kafka python3-venv; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
for tool in mvn:maven javac:default-jdk-headless; do
  command -v "${tool%%:*}" >/dev/null || missing="$missing ${tool##*:}"
done
if [ -n "$missing" ]; then
  $sudo apt-get update -q
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -q -y --no-install-recommends $missing
fi

# The data set of the crash and compression runs is apt's own package index.
if [ "$(apt-cache dumpavail | grep -c '^Package: ')" -lt 50000 ]; then
  $sudo apt-get update -q
fi

# A stamp holds what was asked for; another version makes the environment anew.
venv() {
  directory="$cache/$1"
  wanted="$2"
  if [ "$(cat "$directory/.stamp" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$directory"
    /usr/bin/python3 -m venv "$directory"
    # shellcheck disable=SC2086
    "$directory/bin/pip" install -q $wanted
    echo "$wanted" >"$directory/.stamp"
  fi
}
venv venv-confluent 'confluent-kafka==2.16.1'
# kafka-python has its codecs from other packages.
codecs='python-snappy==0.7.3 lz4==4.4.5 zstandard==0.25.0'
venv venv-kafka-python-old "kafka-python==2.0.2 $codecs"
venv venv-kafka-python "kafka-python==3.0.12 $codecs"

# The jars, and the Java driver compiled against them.
pom="$root/test/clients/java/pom.xml"
if ! cmp -s "$pom" "$cache/jars/.stamp"; then
  rm -rf "$cache/jars"
  mvn -q -B -f "$pom" dependency:copy-dependencies -DoutputDirectory="$cache/jars" -DincludeScope=runtime
  cp "$pom" "$cache/jars/.stamp"
  rm -rf "$cache/classes"
fi
for source in "$root"/test/clients/java/*.java "$root"/test/clients/groups/java/*.java; do
  class="$cache/classes/$(basename "$source" .java).class"
  if [ ! -e "$class" ] || [ "$source" -nt "$class" ]; then
    mkdir -p "$cache/classes"
    javac -Xlint:-deprecation -nowarn -d "$cache/classes" -cp "$cache/jars/*" "$source"
  fi
done
# As a jar, from which a JVM can share what it has loaded with the next ones.
jar="$cache/classes.jar"
if [ -n "$(find "$cache/classes" -name '*.class' -newer "$jar" 2>/dev/null || echo none)" ]; then
  jar --create --file "$jar" -C "$cache/classes" .
fi
