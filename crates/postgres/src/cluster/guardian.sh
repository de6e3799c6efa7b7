# Runs a server for as long as somebody holds the other end of standard input.
#
# The parent's death, of whatever kind, closes the pipe: `kill -9` leaves no orphan behind. A terminal's Ctrl-C reaches
# the parent alone (this is a process group of its own), so the parent can drain before its database goes.
#
# usage: sh -c "$script" guardian <directory to remove at the end, or empty> <server> <arguments…>
remove=$1
shift
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
# A background job starts with SIGINT ignored: one that comes before the server has its own handler is lost, so it is sent
# until the server is gone.
stop() {
  while kill -INT "$server" 2>/dev/null; do sleep 0.2; done
}
trap 'stop &' TERM INT HUP
(
  trap - TERM INT HUP
  read -r _ <&3
  stop
) 2>/dev/null &
watch=$!
exec 3<&-
wait "$server"
status=$?
# A trapped signal ends the first wait early; the server is still writing its last checkpoint then.
while kill -0 "$server" 2>/dev/null; do
  wait "$server"
  status=$?
done
kill "$watch" 2>/dev/null
# Only what ended in order is over: a server that crashed, or could not have its port, is started again in its place.
[ "$status" -ne 0 ] || [ -z "$remove" ] || rm -rf -- "$remove"
exit "$status"
