#!/bin/sh
# Builds the PTX of every family: ./build-ptx.sh [folder], by default into the resources. Needs the nvcc that the manifest names; another
# one gives other registers. ISA 7.0 is all that the kernels use, and lets a driver of 2020 (450) load them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/src/main/resources/dev/instaflow/kernels}
mkdir -p "$out"
out=$(cd "$out" && pwd)
build() {
    name=$1
    # Tensor cores on bf16 and asynchronous copies begin at sm_80.
    arch=compute_75
    grep -q '^// Built .*compute_80' "$here/src/main/cuda/$name.cu" && arch=compute_80
    (cd "$here/src/main/cuda" && nvcc -arch=$arch -std=c++17 --ptx -o "$out/$name.ptx.part" "$name.cu")
    sed -e '/^\/\//d' -e '/^$/d' -e 's/^\.version .*/.version 7.0/' "$out/$name.ptx.part" > "$out/$name.ptx.new"
    mv "$out/$name.ptx.new" "$out/$name.ptx"
    rm "$out/$name.ptx.part"
}
if [ $# -gt 1 ]; then
    shift
    for name in "$@"; do build "$name"; done
else
    for file in "$here"/src/main/cuda/*.cu; do build "$(basename "$file" .cu)"; done
fi
