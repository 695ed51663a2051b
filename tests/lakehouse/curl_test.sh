#!/bin/bash
# The test store checked by an independent client: curl signs, lists, reads ranges and writes.
# usage: curl_test.sh SIROCCO-TEST-STORE
set -euo pipefail
command -v curl >/dev/null || { echo "curl is not installed; nothing checked"; exit 77; }
work=$(mktemp -d)
mkfifo "$work/in"
"$1" 0 AKTEST s3cret/+key <"$work/in" >"$work/port" &
store=$!
exec 9>"$work/in"
trap 'exec 9>&-; wait $store || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s "$work/port" ] && break; sleep 0.1; done
base=http://127.0.0.1:$(cat "$work/port")

# request KEYS METHOD URL [curl options]: prints the status; the body is in $work/body.
request() {
  local keys=$1 method=$2 url=$3
  shift 3
  curl -sS --noproxy '*' -o "$work/body" -w '%{http_code}' -X "$method" --aws-sigv4 aws:amz:eu-test-1:s3 --user "$keys" \
    -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$@" "$url"
}
expect() {
  [ "$1" = "$2" ] || { echo "FAILED: $3: got $1 instead of $2"; cat "$work/body"; exit 1; }
}
good=AKTEST:s3cret/+key
printf 'hello, store' >"$work/hello"
expect "$(request $good PUT "$base/bucket/dir/hello.txt" --data-binary @"$work/hello")" 200 "put"
expect "$(request $good GET "$base/bucket/dir/hello.txt")" 200 "get"
expect "$(cat "$work/body")" "hello, store" "content"
expect "$(request $good GET "$base/bucket/dir/hello.txt" -H 'Range: bytes=7-11')" 206 "range"
expect "$(cat "$work/body")" "store" "content of a range"
expect "$(request $good GET "$base/bucket/dir/hello.txt" -H 'Range: bytes=-5')" 206 "suffix range"
expect "$(cat "$work/body")" "store" "content of a suffix range"
expect "$(request $good GET "$base/bucket/dir/hello.txt" -H 'Range: bytes=50-')" 416 "range behind the end"
expect "$(request $good GET "$base/bucket/none")" 404 "missing object"
expect "$(request $good PUT "$base/bucket/dir/hello.txt" -H 'If-None-Match: *' --data-binary @"$work/hello")" 412 "put of an existing one"
expect "$(request $good GET "$base/bucket/dir/hello.txt" -H 'If-Match: "other"')" 412 "get of a changed one"
expect "$(request $good GET "$base/bucket?list-type=2&prefix=dir%2F")" 200 "list"
grep -q '<Key>dir/hello.txt</Key>' "$work/body" || { echo "FAILED: list lacks the object"; exit 1; }
expect "$(request AKTEST:wrong GET "$base/bucket/dir/hello.txt")" 403 "wrong secret"
grep -q SignatureDoesNotMatch "$work/body" || { echo "FAILED: other reason"; exit 1; }
expect "$(request other:s3cret/+key GET "$base/bucket/dir/hello.txt")" 403 "wrong key"
expect "$(curl -sS --noproxy '*' -o "$work/body" -w '%{http_code}' "$base/bucket/dir/hello.txt")" 403 "anonymous"
expect "$(request $good GET "$base/big?list-type=2&max-keys=3&prefix=part-0000")" 200 "generated list"
expect "$(grep -o '<Key>' "$work/body" | wc -l)" 3 "keys of a page"
expect "$(request $good GET "$base/big/part-00000007" -H 'Range: bytes=999999990-')" 206 "generated object"
expect "$(stat -c %s "$work/body")" 10 "its last bytes"
echo "curl agrees with the test store"
