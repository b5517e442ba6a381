#!/usr/bin/env bash
# Shows on a machine with an NVIDIA GPU that what was built works there, and how fast: tests, comparisons with PyTorch,
# measurements. Every part has a time limit and a log of its own; a table of all parts comes last.
#
#   gpu/verify.sh [--parts LIST] [--jars DIR] [--work DIR] [--filter REGEX] [--check 'DIR [OPTIONS]']... [--bench 'SUBCOMMAND [OPTIONS]']...
#
#   --parts    which of these, with commas between, in this order whatever the list's; all: all of them (default: tests)
#                tests     every test that needs a device
#                check     golden, and vectors made here by golden/make.py (variants a, b, c), in float32 and bfloat16
#                bench     the 7B shape with random weights: decode, prompts, pictures, the whole job, start-up
#                speculation  what a step with drafts takes and brings at the 7B shape: where none is accepted, and where all are
#                layers    a 7B checkpoint made here (16.6 GB under --work), compared layer by layer in bfloat16 and float32
#                load      loading that checkpoint from the page cache
#                recovery  the demonstration model's job killed with -9 three times in the midst of 16 answers, in float32 and bfloat16
#                profile   where a decode step's time goes, by kernel, at batch 1 and 256 (Nsight Compute and python3)
#                tp        where there are two GPUs or more: how they are linked, the tests that need several, and a model shared by
#                          two of them: golden, the 7B checkpoint by layers, what all-reduces take, the 7B shape's rates
#                sanitize  compute-sanitizer's memcheck and racecheck on a tiny model
#   --jars     all jars the build made and used, in one folder; without it they are where `mvn -DskipTests package` left them
#   --work     where vectors, the checkpoint and logs/ go (default: a new folder under /tmp)
#   --filter   of the tests, runs only the classes whose full name matches
#   --check    one comparison more, such as --check 'golden --dtype float32'; --device gpu is added, as for --bench
#   --bench    one measurement more, such as --bench 'throughput --model /models/Qwen2.5-VL-7B-Instruct'
#
# A JRE of version 17 or later is enough, from JAVA_HOME or the PATH; check and layers want a python3 with PyTorch and
# transformers 5, too (PYTHON names another). MILLRACE_JAVA_OPTS holds more options for the JVM, MILLRACE_SHAPE another
# shape than models/shapes/qwen2.5-vl-7b. The exit code is 0 if every part passed.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd -P)
parts=tests jars='' filter='' work='' checks=() benches=()
python=${PYTHON:-python3} shape=${MILLRACE_SHAPE:-$root/models/shapes/qwen2.5-vl-7b}

fail() {
    echo "gpu/verify.sh: $*" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || fail "$1 needs a value, or is unknown"
    case $1 in
        --parts) parts=$2 ;;
        --jars) jars=$2 ;;
        --work) work=$2 ;;
        --filter) filter=$2 ;;
        --check) checks+=("$2") ;;
        --bench) benches+=("$2") ;;
        *) fail "unknown option $1" ;;
    esac
    shift 2
done
for name in ${parts//,/ }; do
    case $name in
        all | tests | check | bench | speculation | layers | load | recovery | profile | tp | sanitize) ;;
        *) fail "--parts has '$name'; all, tests, check, bench, speculation, layers, load, recovery, profile, tp and sanitize are allowed" ;;
    esac
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
# shellcheck disable=SC2206 # the options are words
jvm=("$java" "${flags[@]}" ${MILLRACE_JAVA_OPTS:-} -cp "$classpath")

work=${work:-$(mktemp -d /tmp/millrace-verify.XXXXXX)}
mkdir -p "$work/logs"
rows=() failed=0 log=''

wants() {
    [[ ,$parts, == *,$1,* || ,$parts, == *,all,* ]]
}

# part NAME SECONDS PATTERN LINES COMMAND...: runs a command with its output in a log; notes how it ended, how long it took
# and the last lines of its output that match the pattern.
part() {
    local name=$1 limit=$2 pattern=$3 lines=$4 result=passed begin=$SECONDS code=0 detail
    shift 4
    log=$work/logs/$(printf '%02d' ${#rows[@]})-${name//[^A-Za-z0-9.]/-}.log
    timeout -k 10 "$limit" "$@" > "$log" 2>&1 || code=$?
    [ "$code" -eq 0 ] || { result=FAILED failed=1; }
    [ "$code" -ne 124 ] && [ "$code" -ne 137 ] || result=TIMEOUT
    detail=$(grep -E "$pattern" "$log" | tail -n "$lines" | paste -sd'|' | tr -s '[] ' ' ')
    rows+=("$(printf '%-7s %4d s  %-36s %s' "$result" $((SECONDS - begin)) "$name" "$detail")")
    echo "${rows[-1]}"
    [ "$code" -eq 0 ] || { grep -E 'FAIL|✘|=>|rror|xception' "$log" || cat "$log"; } | tail -n 20
}

# seven NAME SECONDS PATTERN LINES SUBCOMMAND OPTIONS...: a measurement at the 7B shape. The first one measures the GPU's
# ceilings, which hold for the others.
ceilings=()
seven() {
    local name=$1 limit=$2 pattern=$3 lines=$4 command=$5
    shift 5
    part "$name" "$limit" "$pattern" "$lines" "${jvm[@]}" dev.millrace.job.cli.Main bench "$command" --device gpu \
        --model "$shape" --load-format dummy --dtype bfloat16 "${ceilings[@]}" "$@"
    if [ ${#ceilings[@]} -eq 0 ]; then
        local measured
        measured=$(sed -n 's/^Ceilings: \([0-9.]*\) TB\/s, \([0-9.]*\) TFLOP\/s.*/\1,\2/p' "$log")
        [ -z "$measured" ] || ceilings=(--gpu-ceilings "$measured")
    fi
}

check() {
    local name=$1 limit=$2
    shift 2
    part "$name" "$limit" 'rows, [0-9]+ failed' 1 "${jvm[@]}" dev.millrace.job.cli.Main check "$@" --device gpu
}

tagged() {
    local name=$1 tag=$2
    part "$name" 400 'tests (successful|failed)' 2 env CUDA_MODULE_LOADING="${3:-LAZY}" "${jvm[@]}" org.junit.platform.console.ConsoleLauncher \
        execute --disable-banner --disable-ansi-colors --details=tree --include-tag "$tag" --select-package dev.millrace.gpu \
        ${filter:+"--include-classname=$filter"}
}

# checkpoint: makes the 7B checkpoint and its reference vectors, once.
checkpoint() {
    [ -f "$work/7b/cases-7b.json" ] ||
        part 'make a 7B checkpoint' 400 ' s  ' 3 "$python" "$root/gpu/reference/make_7b.py" "$work/7b" --config "$shape/config.json"
}

if wants tests; then
    tagged 'tests on the device' device
fi
if wants check; then
    check 'check golden float32' 200 "$root/golden" --dtype float32 --filter cases-
    check 'check golden bfloat16' 200 "$root/golden" --dtype bfloat16 --filter cases-
    # shellcheck disable=SC2016 # its own variables
    part 'make vectors a, b, c' 400 '^done|rror' 3 bash -c '
        export OMP_NUM_THREADS=$(($(nproc) / 3 + 1))
        for variant in a b c; do
            "$0" "$1" "$2" 5 "$variant" & made+=($!)
        done
        for one in "${made[@]}"; do wait "$one" || exit 1; done' "$python" "$root/golden/make.py" "$work/vectors"
    check 'check a, b, c float32' 300 "$work/vectors" --dtype float32
    check 'check a, b, c bfloat16' 300 "$work/vectors" --dtype bfloat16
fi
if wants bench; then
    rates='^(Prefill|Decode|Device busy)' tower='^(Vision|Floor)'
    seven 'decode 1' 120 "$rates" 3 latency --batch-size 1 --input-len 128 --output-len 128 --num-iters-warmup 1 --num-iters 3
    part 'ceilings' 5 '^Ceilings' 1 cat "$log"
    seven 'decode 256, prefill 256 x 128' 120 "$rates" 3 latency --batch-size 256 --input-len 128 --output-len 128 --max-num-batched-tokens 32768 --num-iters-warmup 1 --num-iters 2
    seven 'decode 1024' 120 "$rates" 3 latency --batch-size 1024 --input-len 128 --output-len 128 --max-num-batched-tokens 8192 --num-iters-warmup 1 --num-iters 2
    seven 'decode 512' 120 "$rates" 3 latency --batch-size 512 --input-len 128 --output-len 128 --max-num-batched-tokens 8192 --num-iters-warmup 1 --num-iters 2
    seven 'decode 64' 120 "$rates" 3 latency --batch-size 64 --input-len 128 --output-len 128 --max-num-batched-tokens 8192 --num-iters-warmup 1 --num-iters 3
    seven 'decode 8' 120 "$rates" 3 latency --batch-size 8 --input-len 128 --output-len 128 --num-iters-warmup 1 --num-iters 3
    seven 'prompt of 8192' 120 '^Prefill' 1 latency --batch-size 1 --input-len 8192 --output-len 2 --max-num-batched-tokens 8192 --num-iters-warmup 1 --num-iters 3
    seven 'decode 64 at 4096' 150 "$rates" 3 latency --batch-size 64 --input-len 4096 --output-len 128 --max-num-batched-tokens 16384 --num-iters-warmup 1 --num-iters 1
    seven 'decode 1 at 32768' 120 "$rates" 3 latency --batch-size 1 --input-len 32768 --output-len 128 --max-num-batched-tokens 8192 --num-iters-warmup 1 --num-iters 1
    seven 'vision 448 x 448, 8' 120 "$tower" 2 vision --images 448x448 --batch-size 8
    seven 'vision 1008 x 1008, 8' 120 "$tower" 2 vision --images 1008x1008 --batch-size 8
    seven 'picture of 16224 tokens' 120 "$tower" 2 vision --images 2912x4368 --batch-size 1 --num-iters 5
    seven 'decode 64 beside that picture' 180 '^Inter-token' 3 interference --images 2912x4368 --batch-size 64 --input-len 128 --output-len 512 --max-num-batched-tokens 192
    seven 'the whole job at 256' 240 '^(Throughput|Whole job|Device busy)' 5 throughput --backend job --max-num-seqs 256 --input-len 128 --output-len 128 --num-prompts 1024 --num-warmups 256
    seven 'start-up' 120 '^Start-up|Loading weights|capturing finished' 3 startup --max-num-seqs 256
    seven 'start-up with the limits of a large GPU' 120 '^Start-up|Loading weights|capturing finished' 3 startup --max-num-seqs 1024 --max-num-batched-tokens 8192
fi
if wants speculation; then
    seven speculation 150 'all right' 1 speculation --batch-size 1 8 64 --num-speculative-tokens 3 5 --input-len 128 --output-len 96
    grep -E '^(Batch|  (the )?draft)' "$log"
    part 'attention to drafts' 60 '^[0-9]+ sequences' 1 "${jvm[@]}" dev.millrace.gpu.kernel.DraftAttentionBenchmark
    grep -E '^[0-9]+ sequences' "$log"
fi
if wants layers; then
    checkpoint
    check 'check 7B by layers bfloat16' 300 "$work/7b" --dtype bfloat16
    check 'check 7B by layers float32' 300 "$work/7b" --dtype float32
fi
if wants load; then
    cat "$work"/7b/model-7b/*.safetensors > /dev/null # into the page cache
    part 'load from the page cache' 200 '^Start-up|Loading weights' 2 "${jvm[@]}" dev.millrace.job.cli.Main bench startup --device gpu \
        --model "$work/7b/model-7b" --dtype bfloat16 --max-num-seqs 8 --output-len 2 --enforce-eager
fi
if wants recovery; then
    for type in float32 bfloat16; do
        part "kills in $type" 200 '^(Streams|Lost|Pause|Failed)' 5 "${jvm[@]}" dev.millrace.job.cli.Main bench recovery \
            --model "$root/models/demo-vl" --num-streams 16 --output-len 1800 --kills 3 -- --device gpu --dtype "$type"
    done
fi
# profile BATCH BUDGET SKIP: one of the steps that come after so many launches.
profile() {
    part "kernels at batch $1" 90 '^(Decode|==ERROR)' 1 ncu --target-processes all --clock-control none --cache-control none \
        --metrics gpu__time_duration.sum --csv --log-file "$work/step-$1.csv" --launch-skip "$3" --launch-count 700 \
        "${jvm[@]}" dev.millrace.job.cli.Main bench latency --device gpu --model "$shape" --load-format dummy --dtype bfloat16 \
        "${ceilings[@]}" --batch-size "$1" --input-len 128 --output-len 128 --num-iters-warmup 1 --num-iters 1 \
        --max-num-batched-tokens "$2" --enforce-eager
    part "a step at batch $1" 20 ' us ' 25 bash -c '"$0" < "$1"' "$root/gpu/step_times.py" "$work/step-$1.csv"
}
if wants profile; then
    profile 1 128 20000
    profile 256 2048 35000
fi
if wants tp && [ "$(nvidia-smi -L 2> /dev/null | wc -l)" -gt 1 ]; then
    two=(--tensor-parallel-size 2)
    seven_shared() {
        local name=$1 command=$2
        shift 2
        seven "$name by two" 120 '^(Prefill|Decode|Vision|Floor|Start-up)' 3 "$command" "${two[@]}" "$@"
    }
    part 'how the GPUs are linked' 20 '^GPU' 8 nvidia-smi topo -m
    part 'all-reduces' 60 'tokens|peer|rows' 40 "${jvm[@]}" dev.millrace.gpu.kernel.RanksBenchmark 2
    check 'check golden float32 by two' 60 "$root/golden" --dtype float32 --filter cases- "${two[@]}"
    check 'check golden bfloat16 by two' 60 "$root/golden" --dtype bfloat16 --filter cases- "${two[@]}"
    seven_shared 'decode 1' latency --batch-size 1 --input-len 128 --output-len 128 --num-iters-warmup 1 --num-iters 3
    seven_shared 'decode 8' latency --batch-size 8 --input-len 128 --output-len 128 --num-iters-warmup 1 --num-iters 3
    seven_shared 'decode 64' latency --batch-size 64 --input-len 128 --output-len 128 --max-num-batched-tokens 8192 --num-iters-warmup 1 --num-iters 2
    seven_shared 'decode 256, prefill 256 x 128' latency --batch-size 256 --input-len 128 --output-len 128 --max-num-batched-tokens 32768 --num-iters-warmup 1 --num-iters 2
    tagged 'tests on several devices' peers EAGER
    checkpoint
    check 'check 7B by layers bfloat16 by two' 100 "$work/7b" --dtype bfloat16 "${two[@]}"
    seven_shared 'vision 448 x 448, 8' vision --images 448x448 --batch-size 8
    seven_shared 'vision 1008 x 1008, 8' vision --images 1008x1008 --batch-size 8
    seven_shared 'picture of 16224 tokens' vision --images 2912x4368 --batch-size 1 --num-iters 5
    seven_shared 'start-up' startup --max-num-seqs 256
fi
if wants sanitize; then
    # The tools patch each kernel that is loaded: with all of cuBLAS's at once that takes minutes.
    sanitizer=(env CUDA_MODULE_LOADING=LAZY compute-sanitizer --target-processes all)
    tiny=("${jvm[@]}" dev.millrace.job.cli.Main check "$root/golden" --device gpu --dtype bfloat16 --filter 'cases-layers image-56x84')
    # Each call's status is looked at where it is called; one that finds where a kernel's parameters end has to fail.
    part 'compute-sanitizer memcheck' 300 'SUMMARY|rows,' 2 \
        "${sanitizer[@]}" --tool memcheck --report-api-errors no --error-exitcode 9 "${tiny[@]}"
    # racecheck takes the asynchronous copies of cuBLAS's own kernels (nvjet) for races; where --kernel-name-exclude leaves
    # them out, it ends in an internal error. So all are looked at, and none may be in a kernel of ours.
    # shellcheck disable=SC2016 # its own variables
    part 'compute-sanitizer racecheck' 300 'SUMMARY|rows,|hazards in' 3 bash -c 'set -o pipefail
        "$@" 2>&1 | awk "{ print }
            /RACECHECK SUMMARY/ { whole = 1 }
            /Race reported between (Read|Write) access at/ { sub(/.* access at /, \"\"); theirs += /^nvjet/; ours += !/^nvjet/ }
            END { print ours + 0, \"hazards in kernels of ours,\", theirs + 0, \"in those of cuBLAS\"; exit ours > 0 || !whole }"' \
        racecheck "${sanitizer[@]}" --tool racecheck "${tiny[@]}"
fi
for check in "${checks[@]}"; do
    # shellcheck disable=SC2086 # the options are words
    check "check $check" 600 $check
done
for bench in "${benches[@]}"; do
    # shellcheck disable=SC2086 # the options are words
    part "bench $bench" 600 . 1 "${jvm[@]}" dev.millrace.job.cli.Main bench $bench --device gpu
done

gpus=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2> /dev/null | paste -sd';')
echo
echo "On ${gpus:-an unnamed GPU}, Java $version; logs are in $work/logs:"
printf '%s\n' "${rows[@]}"
exit "$failed"
