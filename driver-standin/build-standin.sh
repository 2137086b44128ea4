#!/bin/sh
# Builds the stand-in libraries: ./build-standin.sh [folder], by default into the resources, with the manifest beside them. Needs gcc
# and a JDK for its jni.h. The committed files come from the gcc that the manifest names; another one gives other bytes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/src/main/resources/dev/instaflow/standin}
jdk=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here/src/main/c"

# All that JCuda's libraries import and nobody defines says "not supported": weak, so that a definition takes its place.
refuse() {
    echo '#include "standin.h"'
    while read -r symbol; do
        printf 'int __attribute__((weak)) %s(void) {\n    static Counter counter = {.name = "%s"};\n    return standin_unsupported(&counter, %s);\n}\n' \
            "$symbol" "$symbol" "$2"
    done < "$1"
}
refuse cuda.symbols 801 > "$work/cuda_rest.c"
refuse cublas.symbols 15 > "$work/cublas_rest.c"
refuse cudnn.symbols 9 > "$work/cudnn_rest.c"

# Plain x86-64, and no path of this machine in the result.
flags="-std=gnu11 -O3 -fPIC -Wall -Wextra -Werror -ffp-contract=off -fno-ident -ffile-prefix-map=$work=. -I. -I$jdk/include -I$jdk/include/linux"
link="-shared -Wl,--build-id=none -Wl,-s"
cuda="state.c record.c context.c memory.c stream.c copy.c launch.c graph.c errors.c bridge.c"
gcc $flags $link -Wl,-soname,libcuda.so.1 -o "$out/libcuda.so.1" $cuda "$work/cuda_rest.c" -lpthread
for pair in cublas:libcublas.so.12 cudnn:libcudnn.so.8; do
    name=${pair%%:*}
    library=${pair#*:}
    gcc $flags $link -Wl,-soname,$library -o "$out/$library" $name*.c matrix.c "$work/${name}_rest.c" "$out/libcuda.so.1" -lpthread -lm
done

{
    echo "compiler $(gcc --version | head -n 1)"
    for file in *.c *.h *.symbols ../../../build-standin.sh; do
        echo "source $(sha256sum < "$file" | cut -d ' ' -f 1) $(basename "$file")"
    done
    for library in libcuda.so.1 libcublas.so.12 libcudnn.so.8; do
        echo "library $(sha256sum < "$out/$library" | cut -d ' ' -f 1) $library"
    done
} > "$out/manifest.txt"
