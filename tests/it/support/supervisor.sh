# Stops the tests' PostgreSQL when no test process uses it any more.
#
# Arguments: the shared folder, and the path of pg_ctl.
#
# Every test process holds a shared lock on users.lock for its life, and the
# kernel takes it back however the process ends. So whoever gets the exclusive
# lock knows that nobody is left, and while it is held nobody comes in.
set -u
dir=$1
pg_ctl=$2
trap '' HUP INT TERM
cd /

exec 8<"$dir/supervisor.lock" || exit 1
flock --nonblock 8 || exit 0
exec 9<"$dir/users.lock" || exit 1

while sleep 5 8<&- 9<&-; do
    flock --nonblock 9 && break
done

# Someone may have removed the folder by hand, and another may be there now.
[ "$dir/users.lock" -ef /proc/self/fd/9 ] || exit 0

for cluster in "$dir"/cluster-*/postgres/data; do
    "$pg_ctl" stop --silent --mode immediate --timeout 30 -D "$cluster" 8<&- 9<&-
done
# Taken away in one step: a newcomer finds either this folder, with its lock
# held, or none.
mv "$dir" "$dir.gone.$$" && rm -rf "$dir.gone.$$"
