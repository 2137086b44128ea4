#!/usr/bin/env bash
# Downloads the Kaggle data set of Russian emoji. See -h.
set -u -o pipefail
here=$(cd "${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}." && pwd) || exit 1
# shellcheck source=scripts/fetch.bash
. "$here/scripts/fetch.bash"

# path on the server of the one archive; Kaggle publishes neither its size nor a checksum.
ARCHIVE='api/v1/datasets/download/shonenkov/russian-emoji?datasetVersionNumber=6'

# What the archive has to hold.
LAYOUT='images rgba_train rgba_valid marking.csv'

usage() {
  cat <<'TEXT'
Usage: download_emoji_dataset.sh [-d DIR] [-b BASE_URL]

Downloads version 6 of the Kaggle data set shonenkov/russian-emoji and unpacks it: images/,
rgba_train/, rgba_valid/ and marking.csv. Its terms are on its Kaggle page.

  -d DIR       where to put it (default: dataset); made by this script
  -b BASE_URL  take it from a mirror with the same path (default: https://www.kaggle.com)
  -h           this text

Needs a Kaggle account: the variables KAGGLE_USERNAME and KAGGLE_KEY, or the file
~/.kaggle/kaggle.json that "Create New Token" on the account's settings page gives.
A finished data set is left alone and an interrupted download resumed.
Exit codes: 0 there, 1 failed, 2 bad usage.
TEXT
}

# Fails without printing if a part of the layout is missing in the folder.
is_complete() {
  local name
  for name in $LAYOUT; do
    [ -e "$1/$name" ] || return 1
  done
}

json_string() {
  sed -n "s/.*\"$1\"[[:space:]]*:[[:space:]]*\"\([^\"]*\)\".*/\1/p" "$2" | head -n 1
}

read_credentials() {
  local user=${KAGGLE_USERNAME:-} key=${KAGGLE_KEY:-}
  local file=${KAGGLE_CONFIG_DIR:-${HOME:-}/.kaggle}/kaggle.json
  if [ -z "$user" ] || [ -z "$key" ]; then
    [ -r "$file" ] || fail "no Kaggle credentials: set KAGGLE_USERNAME and KAGGLE_KEY, or put kaggle.json at $file"
    user=$(json_string username "$file")
    key=$(json_string key "$file")
    if [ -z "$user" ] || [ -z "$key" ]; then
      fail "$file has no \"username\" or no \"key\": create a new token on Kaggle's settings page"
    fi
  fi
  case $user$key in
    *[\"\\]*) fail "the Kaggle user name or key has a quote or a backslash: was it pasted whole?" ;;
  esac
  FETCH_CREDENTIALS="user = \"$user:$key\""
}

# A key sent over plain HTTP can be read by everyone on the way.
check_credentials_are_safe() {
  case $1 in
    https://* | http://127.0.0.1 | http://127.0.0.1[:/]* | http://localhost | http://localhost[:/]*) ;;
    *) misuse "-b needs an https:// address, since the Kaggle key is sent to it, got \"$1\"" ;;
  esac
}

unpack() {
  local archive=$1 fresh=$directory.unpack problem
  if ! unzip -tq "$archive" >/dev/null 2>&1; then
    rm -f "$archive"
    fail "the archive is not a sound zip file and was deleted: run this again"
  fi
  rm -rf "$fresh"
  mkdir -p "$fresh" || fail "cannot make $fresh"
  problem=$(unzip -q "$archive" -d "$fresh" 2>&1) || fail "cannot unpack into $fresh: ${problem%%$'\n'*}"
  is_complete "$fresh" || fail "the archive has not all of: $LAYOUT; see $fresh"
  if [ -d "$directory" ]; then
    rmdir "$directory" || fail "cannot replace $directory"
  fi
  mv "$fresh" "$directory" || fail "cannot move $fresh to $directory"
  rm -f "$archive"
}

directory=dataset
base=https://www.kaggle.com
while getopts ':d:b:h' option; do
  case $option in
    d) directory=${OPTARG%/} ;;
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
check_credentials_are_safe "$base"
need_command curl "install it, or download the archive on the data set's Kaggle page by hand"
need_command unzip "install it to unpack the archive"

if is_complete "$directory"; then
  echo "$directory: already there"
  exit 0
fi
if [ -e "$directory" ] && [ -n "$(ls -A "$directory")" ]; then
  fail "$directory holds something other than the whole data set: empty it, or name another folder with -d"
fi
read_credentials
fetch "$base/$ARCHIVE" "$directory.zip" - -
unpack "$directory.zip"
echo "$directory: unpacked"
