#!/usr/bin/env bash
# Checks the CUDA backend on a machine with an NVIDIA GPU. See -h.
set -u -o pipefail
here=$(cd "${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}." && pwd) || exit 1
# shellcheck source=scripts/fetch.bash
. "$here/scripts/fetch.bash"

readonly NO_GPU=3
readonly JAR=examples/target/instaflow.jar
readonly BENCHMARKS=benchmarks/target/benchmarks.jar
readonly REPORTS=target/gpu-check

usage() {
  cat <<'TEXT'
Usage: gpu-check.sh [-c FILE] [-t]

Runs what is otherwise tested against stand-ins of NVIDIA's libraries on this machine's GPU: the
tests of the CUDA backend, then one full-size step against what the GPU reaches at best. Ends
with a table, which is also left in target/gpu-check/report.md.

  -c FILE  a full-size checkpoint to measure with; without it one with random weights is written
           to target/gpu-check/ (2.13 GB)
  -t       tests alone
  -h       this text

Uses no network: all that Maven needs has to be in the local repository, where one
"mvn -B verify" with network puts it. Needs JDK 17 or newer, Maven, and on the GPU's side what
"java -jar examples/target/instaflow.jar doctor" asks for.
Exit codes: 0 all passed, 1 something failed, 2 bad usage, 3 no GPU that can be used.
TEXT
}

build() {
  mvn -o -B -q -DskipTests package ||
    fail "the build failed; if something could not be resolved, run mvn -B verify once with network"
}

# Ends with NO_GPU unless the doctor finds a GPU that the backend can use.
require_gpu() {
  local json
  json=$(java -jar "$JAR" doctor --json)
  if ! grep -q '"usable" : true' <<<"$json"; then
    java -jar "$JAR" doctor
    printf '%s: no GPU was found that can be used, so nothing was checked: %s\n' \
      "${0##*/}" "$(sed -n '/"cuda"/,$s/.*"reason" : "\(.*\)",$/\1/p' <<<"$json" | head -n 1)" >&2
    exit "$NO_GPU"
  fi
}

# The tests that otherwise run on the stand-in, on the real driver; leaves what they printed in tests.log.
run_tests() {
  # The execution that has a process for one driver, since with -Dtest every execution would run them.
  mvn -o -B -pl core,training -am test-compile surefire:test@cuda -Dinstaflow.cuda=driver \
    -Dtest='*OnCudaTest' \
    -Dtest.cuda.devices="${CUDA_VISIBLE_DEVICES:-0}" -Dsurefire.failIfNoSpecifiedTests=false 2>&1 |
    tee "$REPORTS/tests.log"
}

# Maven prints a count for each class, with its time, and one for each module.
count_of_tests() {
  grep -v 'Time elapsed' "$REPORTS/tests.log" |
    sed -n 's/.*Tests run: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\), Skipped: \([0-9]*\).*/\1 \2 \3 \4/p' |
    awk '{ run += $1; failed += $2; broken += $3; skipped += $4 }
      END { if (NR) printf "Tests run: %d, Failures: %d, Errors: %d, Skipped: %d\n", run, failed, broken, skipped }'
}

benchmark() {
  local checkpoint=$1
  if [ -z "$checkpoint" ]; then
    checkpoint=$REPORTS/random-weights.ckpt
    [ -e "$checkpoint" ] || java -cp "$BENCHMARKS" dev.instaflow.benchmarks.WriteFullSizeCheckpoint \
      "$checkpoint" f16 || return 1
  fi
  java -cp "$BENCHMARKS" dev.instaflow.benchmarks.CudaOneStep "$checkpoint" | tee "$REPORTS/benchmark.md"
}

main() {
  local checkpoint='' tests_alone='' option
  while getopts ':c:th' option; do
    case $option in
      c) checkpoint=$OPTARG ;;
      t) tests_alone=yes ;;
      h) usage && exit 0 ;;
      *) bad_option "$option" "$OPTARG" ;;
    esac
  done
  shift $((OPTIND - 1))
  [ $# -eq 0 ] || misuse "unexpected argument \"$1\""
  if [ -n "$checkpoint" ]; then
    [ -r "$checkpoint" ] || fail "$checkpoint: cannot be read"
    checkpoint=$(cd "$(dirname "$checkpoint")" && pwd)/${checkpoint##*/}
  fi
  need_command java 'install a JDK 17 or newer'
  need_command mvn 'install Maven 3.6.3 or newer'
  cd "$here" || exit 1

  # A jar that another version built may know no doctor.
  java -jar "$JAR" doctor --json 2>/dev/null | grep -q '"cuda"' || build
  require_gpu
  build
  mkdir -p "$REPORTS" || exit 1
  local status=0 tests='passed' measured='passed' count
  run_tests || { tests='FAILED' status=1; }
  count=$(count_of_tests)
  case $count in
    '' | 'Tests run: 0,'*) tests='FAILED: none ran' status=1 ;;
  esac
  : >"$REPORTS/benchmark.md"
  if [ -n "$tests_alone" ]; then
    measured='left out'
  else
    benchmark "$checkpoint" || { measured='FAILED' status=1; }
  fi
  {
    java -jar "$JAR" doctor
    printf '\n| check | result |\n| --- | --- |\n'
    printf '| tests on the real driver | %s (%s) |\n' "$tests" "${count:-no count}"
    printf '| one full-size step | %s |\n\n' "$measured"
    cat "$REPORTS/benchmark.md"
  } | tee "$REPORTS/report.md"
  exit "$status"
}

main "$@"
