#!/usr/bin/env bash
# Downloads the weights of InstaFlow and of Stable Diffusion v1.5. See -h.
set -u -o pipefail
here=$(cd "${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}." && pwd) || exit 1
# shellcheck source=scripts/fetch.bash
. "$here/scripts/fetch.bash"

# options that want it, bytes, SHA-256, path on the server, path under the folder. Sizes and checksums are the
# publisher's, - where not known to us. InstaFlow's revision is fixed, so its files cannot change.
# table begins
FILES='
if 1059962 - stable-diffusion-v1-5/stable-diffusion-v1-5/resolve/main/tokenizer/vocab.json tokenizer/vocab.json
if - - stable-diffusion-v1-5/stable-diffusion-v1-5/resolve/main/tokenizer/merges.txt tokenizer/merges.txt
i 4265380512 cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516 stable-diffusion-v1-5/stable-diffusion-v1-5/resolve/main/v1-5-pruned-emaonly.ckpt v1-5-pruned-emaonly.ckpt
f 7703807346 e1441589a6f3c5a53f5f54d0975a18a7feb7cdf0b0dee276dfc3331ae376a053 stable-diffusion-v1-5/stable-diffusion-v1-5/resolve/main/v1-5-pruned.ckpt v1-5-pruned.ckpt
o - - XCLiu/instaflow_0_9B_from_sd_1_5/resolve/5095524f30694797f224357bc4eaaff75925ffa8/model_index.json instaflow_0_9B/model_index.json
o - - XCLiu/instaflow_0_9B_from_sd_1_5/resolve/5095524f30694797f224357bc4eaaff75925ffa8/scheduler/scheduler_config.json instaflow_0_9B/scheduler/scheduler_config.json
o - - XCLiu/instaflow_0_9B_from_sd_1_5/resolve/5095524f30694797f224357bc4eaaff75925ffa8/tokenizer/vocab.json instaflow_0_9B/tokenizer/vocab.json
o - - XCLiu/instaflow_0_9B_from_sd_1_5/resolve/5095524f30694797f224357bc4eaaff75925ffa8/tokenizer/merges.txt instaflow_0_9B/tokenizer/merges.txt
o - - XCLiu/instaflow_0_9B_from_sd_1_5/resolve/5095524f30694797f224357bc4eaaff75925ffa8/text_encoder/config.json instaflow_0_9B/text_encoder/config.json
o - - XCLiu/instaflow_0_9B_from_sd_1_5/resolve/5095524f30694797f224357bc4eaaff75925ffa8/text_encoder/model.safetensors instaflow_0_9B/text_encoder/model.safetensors
o - - XCLiu/instaflow_0_9B_from_sd_1_5/resolve/5095524f30694797f224357bc4eaaff75925ffa8/unet/config.json instaflow_0_9B/unet/config.json
o - - XCLiu/instaflow_0_9B_from_sd_1_5/resolve/5095524f30694797f224357bc4eaaff75925ffa8/unet/diffusion_pytorch_model.safetensors instaflow_0_9B/unet/diffusion_pytorch_model.safetensors
o - - XCLiu/instaflow_0_9B_from_sd_1_5/resolve/5095524f30694797f224357bc4eaaff75925ffa8/vae/config.json instaflow_0_9B/vae/config.json
o - b4d2b5932bb4151e54e694fd31ccf51fca908223c9485bd56cd0e1d83ad94c49 XCLiu/instaflow_0_9B_from_sd_1_5/resolve/5095524f30694797f224357bc4eaaff75925ffa8/vae/diffusion_pytorch_model.safetensors instaflow_0_9B/vae/diffusion_pytorch_model.safetensors
'
# table ends

usage() {
  cat <<'TEXT'
Usage: download_stable_diffusion_files.sh [-i] [-f] [-o] [-d DIR] [-b BASE_URL]

  -i           Stable Diffusion v1.5 for inference: v1-5-pruned-emaonly.ckpt (4.3 GB) and the
               tokenizer. Licence CreativeML Open RAIL-M: restricts use
  -f           Stable Diffusion v1.5 for fine-tuning: v1-5-pruned.ckpt (7.7 GB), which has the plain
               and the averaged weights, and the tokenizer. The same licence
  -o           InstaFlow 0.9B, the one-step model: a diffusers folder with its tokenizer (4.3 GB).
               Licence CC-BY-NC-4.0: not for commercial use
  -d DIR       where to put them (default: stable_diffusion_files)
  -b BASE_URL  take them from a mirror with the same paths (default: https://huggingface.co)
  -h           this text

Finished files are skipped and interrupted ones resumed, so run it again after a failure.
Exit codes: 0 all there, 1 failed, 2 bad usage.
TEXT
}

directory=stable_diffusion_files
base=https://huggingface.co
sets=''
while getopts ':ifod:b:h' option; do
  case $option in
    i | f | o) sets=$sets$option ;;
    d) directory=$OPTARG ;;
    b) base=${OPTARG%/} ;;
    h)
      usage
      exit 0
      ;;
    *) bad_option "$option" "$OPTARG" ;;
  esac
done
shift $((OPTIND - 1))
check_arguments "$directory" "$base" "$@"
[ -n "$sets" ] || misuse "say which files: -i, -f, -o or several of them"
need_command curl "install it, or download the files named in this script by hand"

count=0
while read -r set bytes sha256 path name; do
  case $set in
    '') continue ;;
    *["$sets"]*) ;;
    *) continue ;;
  esac
  fetch "$base/$path" "$directory/$name" "$bytes" "$sha256" </dev/null
  count=$((count + 1))
done <<<"$FILES"
echo "$directory: all $count files are there"
