#!/usr/bin/env bash
# buf_curl.sh HOST:PORT - the whole life of an import job by `buf curl` and curl,
# with nothing but the server's reflection to go by.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
address=$1
users=$root/examples/users.csv
expected=$root/examples/users.expected.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step=0
done_with() {
    step=$((step + 1))
    printf 'ok %2d - %s\n' "$step" "$*"
}

die() {
    echo "buf_curl.sh: $*" >&2
    exit 1
}

buf() { "$root/scripts/buf" curl --protocol grpc --http2-prior-knowledge "$@"; }

# call SERVICE/METHOD JSON: the answer, as JSON.
call() { buf --data "$2" "http://$address/muster.v1.$1"; }

# refused CODE SERVICE/METHOD JSON: the call must fail with that gRPC code,
# which buf multiplies by 8 for its exit code. The error is left in $work/error.
refused() {
    local code=$1 found=0
    shift
    call "$@" >"$work/answer" 2>"$work/error" || found=$?
    ((found == 8 * code)) || die "$1 $2: exit code $found, not 8 x $code: $(cat "$work/answer" "$work/error")"
}

# field PATH: a value out of the JSON on standard input; a.b.0.c.
field() {
    python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value[int(key)] if isinstance(value, list) else value.get(key, "")
print(value)' "$1"
}

# same WHAT FOUND WANTED
same() { [[ $2 == "$3" ]] || die "$1 is $2, not $3"; }

buf --list-methods "http://$address" >"$work/methods"
for method in UserImportService/WatchUserImportJob UserPoolService/CreateUserPool UserService/ListUsers; do
    grep -qx "muster.v1.$method" "$work/methods" || die "reflection does not list $method"
done
health=$(buf --data '{}' "http://$address/grpc.health.v1.Health/Check")
same health "$(field status <<<"$health")" SERVING
done_with 'reflection lists the methods; the server is SERVING'

pool=$(call UserPoolService/CreateUserPool '{"poolName": "buf-curl", "autoVerifiedAttributes": ["email"]}' \
    | field userPool.userPoolId)
done_with "pool $pool is made"

refused 5 UserImportService/ListUserImportJobs '{"userPoolId": "nowhere_123456789"}'
refused 3 UserImportService/CreateUserImportJob "{\"userPoolId\": \"$pool\", \"jobName\": \"\"}"
done_with 'an unknown pool is NOT_FOUND, an empty name INVALID_ARGUMENT'

call UserImportService/CreateUserImportJob "{\"userPoolId\": \"$pool\", \"jobName\": \"buf curl\"}" >"$work/job"
job=$(field userImportJob.jobId <"$work/job")
which="{\"userPoolId\": \"$pool\", \"jobId\": \"$job\"}"
same status "$(field userImportJob.status <"$work/job")" USER_IMPORT_JOB_STATUS_CREATED
done_with "$job is made"

refused 9 UserImportService/StartUserImportJob "$which"
done_with 'it does not start without a file'

# Both ways that Cognito's documentation shows; the second replaces the first.
url=$(field userImportJob.preSignedUrl <"$work/job")
curl --silent --show-error --fail -T "$users" "$url"
url=$(call UserImportService/DescribeUserImportJob "$which" | field userImportJob.preSignedUrl)
curl --silent --show-error --fail -v -T "$users" -H 'x-amz-server-side-encryption:aws:kms' "$url" 2>"$work/curl" \
    || die "$(<"$work/curl")"
done_with 'the file is uploaded, and again by a fresh URL'

call UserImportService/StartUserImportJob "$which" >/dev/null
call UserImportService/WatchUserImportJob "$which" >"$work/updates"
call UserImportService/DescribeUserImportJob "$which" >"$work/job"
same status "$(field userImportJob.status <"$work/job")" USER_IMPORT_JOB_STATUS_SUCCEEDED
for counter in imported skipped failed; do
    same "$counter" "$(field "userImportJob.${counter}Users" <"$work/job")" "$(field "$counter" <"$expected")"
done
# The stream's updates stand one after the other; the last is as Describe has it.
python3 - "$work/updates" "$work/job" <<'PYTHON' || die 'the last update is not what Describe answers'
import json, sys

updates, job = (open(path).read() for path in sys.argv[1:])
decoder, at, last = json.JSONDecoder(), 0, None
while at < len(updates.rstrip()):
    last, at = decoder.raw_decode(updates, at + len(updates[at:]) - len(updates[at:].lstrip()))
sys.exit(last != json.loads(job))
PYTHON
done_with 'it is watched to its end, with the counts that it must have'

call UserImportService/ListRejectedRows "{\"userPoolId\": \"$pool\", \"jobId\": \"$job\", \"pageSize\": 1}" >"$work/rows"
same line "$(field rejectedRows.0.lineNumber <"$work/rows")" "$(field rejected.0.line <"$expected")"
same code "$(field rejectedRows.0.code <"$work/rows")" "$(field rejected.0.code <"$expected")"
[[ -n $(field nextPageToken <"$work/rows") ]] || die 'there is no second page of rejected rows'
done_with 'the first rejected row is the one that it must be'

username=$(call UserService/ListUsers "{\"userPoolId\": \"$pool\", \"pageSize\": 1}" | field users.0.username)
call UserService/DescribeUser "{\"userPoolId\": \"$pool\", \"username\": \"$username\"}" >"$work/user"
same 'the job of the user' "$(field user.importJobId <"$work/user")" "$job"
done_with "user $username was imported by the job"

call UserImportService/DeleteUserImportJob "$which" >/dev/null
refused 5 UserImportService/DescribeUserImportJob "$which"
call UserPoolService/DeleteUserPool "{\"userPoolId\": \"$pool\"}" >/dev/null
refused 5 UserPoolService/DescribeUserPool "{\"userPoolId\": \"$pool\"}"
done_with 'job and pool are deleted'
echo "buf_curl.sh: $step steps, all as they must be"
