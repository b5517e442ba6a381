#!/usr/bin/env bash
# Shows on a machine with an NVIDIA GPU that what was built works there: every test that needs a device, or several where there are, then
# `millrace check` on folders of reference vectors, then measurements; a table of all parts comes last.
#
#   gpu/verify.sh [--jars DIR] [--filter REGEX] [--check 'DIR [OPTIONS]']... [--bench 'SUBCOMMAND [OPTIONS]']...
#
#   --jars DIR   all jars the build made and used, in one folder; without it they are where `mvn -DskipTests package` left them
#   --filter     runs only the test classes whose full name matches
#   --check      for example --check 'golden --dtype float32'; --device gpu is added, as for --bench
#   --bench      for example --bench 'throughput --model /models/Qwen2.5-VL-7B-Instruct'
#
# A JRE of version 17 or later is enough, from JAVA_HOME or the PATH. MILLRACE_JAVA_OPTS holds more options for the JVM.
# The exit code is 0 if every part passed.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd -P)
jars='' filter='' checks=() benches=()

fail() {
    echo "gpu/verify.sh: $*" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || fail "$1 needs a value, or is unknown"
    case $1 in
        --jars) jars=$2 ;;
        --filter) filter=$2 ;;
        --check) checks+=("$2") ;;
        --bench) benches+=("$2") ;;
        *) fail "unknown option $1" ;;
    esac
    shift 2
done

if [ -n "${JAVA_HOME:-}" ]; then java=$JAVA_HOME/bin/java; else java=java; fi
version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
[ "${version:-0}" -ge 17 ] || fail "$java is no Java of version 17 or later; set JAVA_HOME"

if [ -n "$jars" ]; then
    ls "$jars"/millrace-gpu-*-tests.jar > /dev/null 2>&1 || fail "$jars lacks millrace-gpu-*-tests.jar"
    classpath=$jars/*
else
    [ -f "$root/bench/target/classpath" ] || fail "build first: mvn -DskipTests package"
    classpath=$(printf '%s:' "$root"/bench/target/millrace-bench-*.jar "$root"/gpu/target/millrace-gpu-*-tests.jar "$root"/gpu/target/verify/*.jar)
    classpath+=$(cat "$root/bench/target/classpath")
fi
flags=(--add-modules jdk.incubator.vector -Dai.djl.offline=true -Djava.awt.headless=true -Dmillrace.root="$root" -Dmillrace.home="$root")
[ "$version" -lt 24 ] || flags+=(--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow)

rows=() failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# part NAME PATTERN LINES CLASS ARGUMENTS: runs a main class, and notes how it ended, how long it took and the last lines
# of its output that match the pattern.
part() {
    local name=$1 pattern=$2 lines=$3 result=passed begin=$SECONDS detail
    shift 3
    echo "== $name"
    # shellcheck disable=SC2086 # the options are words
    if ! "$java" "${flags[@]}" ${MILLRACE_JAVA_OPTS:-} -cp "$classpath" "$@" 2>&1 | tee "$log"; then
        result=FAILED failed=1
    fi
    detail=$(grep -E "$pattern" "$log" | tail -n "$lines" | paste -sd' ' | tr -s '[] ' ' ')
    rows+=("$(printf '%-7s %5d s  %-40s %s' "$result" $((SECONDS - begin)) "$name" "$detail")")
}

part 'tests on the device' 'tests (successful|failed)' 2 org.junit.platform.console.ConsoleLauncher execute --disable-banner --disable-ansi-colors \
    --details=tree --include-tag device --select-package dev.millrace.gpu ${filter:+"--include-classname=$filter"}
if [ "$(nvidia-smi -L 2> /dev/null | wc -l)" -gt 1 ]; then
    part 'tests on several devices' 'tests (successful|failed)' 2 org.junit.platform.console.ConsoleLauncher execute --disable-banner \
        --disable-ansi-colors --details=tree --include-tag peers --select-package dev.millrace.gpu ${filter:+"--include-classname=$filter"}
fi
for check in "${checks[@]}"; do
    # shellcheck disable=SC2086 # the options are words
    part "check $check" . 1 dev.millrace.job.cli.Main check $check --device gpu
done
for bench in "${benches[@]}"; do
    # shellcheck disable=SC2086 # the options are words
    part "bench $bench" . 1 dev.millrace.job.cli.Main bench $bench --device gpu
done

gpus=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2> /dev/null | paste -sd';')
echo
echo "On ${gpus:-an unnamed GPU}, Java $version:"
printf '%s\n' "${rows[@]}"
exit "$failed"
