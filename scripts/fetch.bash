# shellcheck shell=bash
# Sourced by the download scripts: one file over HTTP, whole and checked, or not at all.
#
# A transfer goes into TARGET.part, is resumed there after an interruption (within a run and by the
# next run), and is moved to TARGET only after its checks. So whatever bears its final name is complete.
# Needs bash 3.2 or newer and curl; sha256sum or shasum for files with a known checksum.

# Attempts in a row that may end without a single new byte.
FETCH_TRIES=3

# Text of a curl configuration file for credentials: they must not stand on a command line, where
# every user of the machine can read them.
FETCH_CREDENTIALS=''

fail() {
  printf '%s: error: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

misuse() {
  printf '%s: %s (try -h)\n' "${0##*/}" "$*" >&2
  exit 2
}

need_command() {
  command -v "$1" >/dev/null 2>&1 || fail "$1 is not installed; $2"
}

# check_arguments DIR BASE_URL REST...: what both scripts ask of -d, of -b, and of what follows the options.
check_arguments() {
  [ -n "$1" ] || misuse "-d needs a folder"
  case $2 in
    http://?* | https://?*) ;;
    *) misuse "-b needs an http:// or https:// address, got \"$2\"" ;;
  esac
  [ $# -eq 2 ] || misuse "unexpected argument \"$3\""
}

# bad_option OPTION NAME: what getopts reports with a leading colon in its list.
bad_option() {
  case $1 in
    :) misuse "-$2 needs a value" ;;
    *) misuse "unknown option -$2" ;;
  esac
}

size_bytes() {
  if [ -e "$1" ]; then
    wc -c <"$1" | tr -d '[:space:]'
  else
    echo 0
  fi
}

sha256_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum <"$1" | cut -d ' ' -f 1
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 <"$1" | cut -d ' ' -f 1
  else
    fail "cannot check $1: neither sha256sum nor shasum is installed"
  fi
}

# fetch URL TARGET BYTES SHA256: the last two are - where they are not known. Ends the script on failure.
fetch() {
  local url=$1 target=$2 bytes=$3 sha256=$4
  if [ -e "$target" ]; then
    local found
    found=$(size_bytes "$target")
    if [ "$bytes" != - ] && [ "$found" != "$bytes" ]; then
      fail "$target has $found bytes, expected $bytes: delete it and run this again"
    fi
    echo "$target: already there"
    return 0
  fi
  mkdir -p "$(dirname "$target")" || fail "cannot make the folder of $target"
  echo "$target: downloading"
  fetch_transfer "$url" "$target.part" "$bytes"
  fetch_check "$url" "$target.part" "$bytes" "$sha256"
  mv "$target.part" "$target" || fail "cannot move $target.part to $target"
}

# Runs curl until PART is complete by what the server says, or there is no hope.
fetch_transfer() {
  local url=$1 part=$2 bytes=$3
  local fruitless=0 before status
  while [ "$fruitless" -lt "$FETCH_TRIES" ]; do
    before=$(size_bytes "$part")
    if [ "$bytes" != - ] && [ "$before" -eq "$bytes" ]; then
      return 0
    fi
    if [ "$bytes" != - ] && [ "$before" -gt "$bytes" ]; then
      rm -f "$part" # of another file, or of another version
      before=0
    fi
    status=0
    fetch_curl "$url" "$part" || status=$?
    if [ "$http" = 416 ]; then
      # Nothing is left after what we have: either that is all, or it is of another file.
      if [ "$before" -gt 0 ] && [ "$total" = "$before" ]; then
        return 0
      fi
      rm -f "$part"
      fruitless=$((fruitless + 1))
      continue
    fi
    case $status in
      0)
        if [ "${content_type#text/html}" != "$content_type" ]; then
          rm -f "$part"
          fail "$url is a web page, not the file: a login page, a proxy or a moved file?"
        fi
        return 0
        ;;
      22) fetch_refused "$url" ;;
      23) fail "cannot write $part: is the disk full, the folder writable?" ;;
      33) rm -f "$part" ;; # the server cannot resume: from the start
      5 | 6 | 7 | 35 | 60)
        fail "cannot reach $url (curl exit $status): check the network and https_proxy, or name a mirror with -b"
        ;;
    esac
    if [ "$(size_bytes "$part")" -gt "$before" ]; then
      fruitless=0
    else
      fruitless=$((fruitless + 1))
    fi
    sleep 1
  done
  fail "$url broke off at $(size_bytes "$part") bytes (curl exit $status); run this again to go on from there"
}

# One request; sets http, content_type, and total from a Content-Range.
fetch_curl() {
  local url=$1 part=$2 headers answer status=0
  local progress=--silent redirects='=http,https'
  if [ -t 2 ]; then
    progress=--progress-bar
  fi
  case $url in
    https://*) redirects='=https' ;; # never down to a connection that can be read or altered
  esac
  headers=$(mktemp) || fail "cannot make a temporary file"
  answer=$(curl --location --fail "$progress" \
    --proto '=http,https' --proto-redir "$redirects" --connect-timeout 20 --speed-limit 1 --speed-time 60 \
    --config <(printf '%s' "$FETCH_CREDENTIALS") \
    --continue-at - --dump-header "$headers" --output "$part" \
    --write-out '%{http_code} %{content_type}' "$url") || status=$?
  http=${answer%% *}
  content_type=${answer#* }
  total=$(tr -d '\r' <"$headers" | sed -n 's/^[Cc]ontent-[Rr]ange:.*\///p' | tail -n 1)
  rm -f "$headers"
  return "$status"
}

fetch_refused() {
  case $http in
    401) fail "$1: 401, not logged in: the credentials are missing or wrong" ;;
    403) fail "$1: 403, forbidden: these credentials may not read it, or its terms were not accepted on the web page" ;;
    404) fail "$1: 404, not found: it was moved or the address given with -b is wrong" ;;
    *) fail "$1: the server answered $http; try again later" ;;
  esac
}

fetch_check() {
  local url=$1 part=$2 bytes=$3 sha256=$4 found start
  found=$(size_bytes "$part")
  start=$(head -c 256 "$part" | tr -d '\000' | tr '[:upper:]\n' '[:lower:] ' | sed 's/^ *//')
  case $start in
    '<!doctype html'* | '<html'*)
      rm -f "$part"
      fail "$url is a web page, not the file: a login page, a proxy or a moved file?"
      ;;
    'version https://git-lfs'*)
      rm -f "$part"
      fail "$url is a Git-LFS pointer, not the file: the mirror lacks the large files"
      ;;
  esac
  if [ "$found" -eq 0 ]; then
    rm -f "$part"
    fail "$url is empty"
  fi
  if [ "$bytes" != - ] && [ "$found" != "$bytes" ]; then
    rm -f "$part"
    fail "$url has $found bytes, expected $bytes: it is another file"
  fi
  if [ "$sha256" != - ]; then
    local digest
    digest=$(sha256_of "$part") || exit 1
    if [ "$digest" != "$sha256" ]; then
      rm -f "$part"
      fail "$url has the SHA-256 $digest, expected $sha256: damaged on the way, or another file"
    fi
  fi
}
