#!/usr/bin/env bash
# What the disaster recovery costs and reaches, one line a figure. On an otherwise idle machine; takes about 20 minutes and 25 GB of disk.
# Usage: tests/Benchmarks/recovery.sh [SPANS] [DIRECTORY]        (default: 50,000,000 spans, a temporary directory)
set -euo pipefail
spans=${1:-50000000}; work=$(mktemp -d -p "${2:-/tmp}")
bin=$(cd "$(dirname "$0")/../.." && pwd)/artifacts/bin/tracestore/release/tracestore
server=; trap '[ -n "$server" ] && kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT
export TRACESTORE_OTLP__GRPCPORT=24317 TRACESTORE_OTLP__HTTPPORT=24318 TRACESTORE_TEMPO__PORT=23200 TRACESTORE_JAEGER__PORT=26686 TRACESTORE_ARCHIVE__DRILLEVERY=0s TRACESTORE_ARCHIVE__SCRUB=false

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }
serve() { "$bin" "$@" >"$work/out" 2>&1 & server=$!; until grep -q 'Ctrl-C stops' "$work/out"; do kill -0 $server; sleep 0.05; done; }
stop() { kill -TERM "$server"; wait "$server" || true; server=; }
lose() { kill -9 $(pgrep -P "$server") "$server"; wait "$server" 2>/dev/null || true; server=; sleep 0.5; }
ticks() { cat /proc/"$server"/stat $(pgrep -P "$server" | sed 's|.*|/proc/&/stat|') | awk '{ sub(/.*\) /, ""); sum += $12 + $13 } END { print sum }'; }
load() { "$bin" load --url http://127.0.0.1:24317 "$@"; }
metric() { curl -sf http://127.0.0.1:23200/metrics | awk -v name="$1" 'index($1, name) == 1 { print $2; exit }'; }
quiet() { local before after; before=$(ticks); while sleep 5; after=$(ticks); [ $((after - before)) -gt 25 ]; do before=$after; done; } # nothing merges
stored() { until [ "$(metric tracestore_wal_segments_waiting)" = 0 ]; do sleep 0.2; done; }

echo "== CPU seconds for 400,000 spans at 20,000/s: nothing archived, archived, archived with a snapshot every 20 s"
for round in ${ROUNDS:-1 2 3}; do
  for mode in none archive snapshots; do
    case $mode in none) set -- ;; archive) set -- --archive "$work/a" --set Archive:SnapshotEvery=0s ;; snapshots) set -- --archive "$work/a" --set Archive:SnapshotEvery=20s ;; esac
    rm -rf "$work/d" "$work/a"
    serve --data "$work/d" "$@"
    load --rate 20000 --duration 5 >/dev/null; before=$(ticks)
    load --rate 20000 --duration 20 >/dev/null; sleep 3
    awk -v t=$(($(ticks) - before)) -v m=$mode -v r=$round 'BEGIN { printf "round %d %-10s %.2f s\n", r, m, t / 100 }'
    stop
  done
done

echo "== $spans spans"
rm -rf "$work/d" "$work/a"
serve --data "$work/d" --archive "$work/a" --set Archive:SnapshotEvery=0s
before=$(ticks); load --spans "$spans" | tail -3; stored; echo "ingest: $(awk -v t=$(($(ticks) - before)) 'BEGIN { printf "%.1f", t / 100 }') CPU s"
snapshot() { local began before; before=$(ticks); began=$(now); "$bin" snapshot create --data "$work/d" --archive "$work/a" >/dev/null; echo "snapshot, $1: $(since "$began") s; $(awk -v t=$(($(ticks) - before)) 'BEGIN { printf "%.1f", t / 100 }') CPU s; storing waited $(metric tracestore_snapshot_hold_seconds) s"; }
snapshot "first, while much of it is merged"; quiet; snapshot "of what was merged since"; snapshot again
load --spans 1000000 --trace-ids "$work/ids" >/dev/null; stored
snapshot "after 1,000,000 more"
lose
echo "bytes: live $(du -sb "$work/d/engine" | cut -f1), packs $(du -sb "$work/a/packs" | cut -f1), log $(du -sb "$work/a/log" | cut -f1)"
began=$(now); cp -r "$work/a/packs" "$work/copy"; sync -f "$work/copy"; echo "cp of the packs: $(since "$began") s"; rm -rf "$work/copy" "$work/d"

echo "== complete restore"
"$bin" restore --from "$work/a" --data "$work/d" | grep -E 'To read|To take|Restored'
rm -rf "$work/d"

echo "== drill: predicted and measured"
"$bin" drill --archive "$work/a" --data "$work/d" --scratch "$work/drill" | grep -E 'RTO|RPO' || true
"$bin" restore --dry-run --from "$work/a" --data "$work/d" | grep 'To take'
began=$(now); "$bin" restore --from "$work/a" --data "$work/d" >/dev/null; echo "restored in $(since "$began") s"
rm -rf "$work/d"

echo "== restore --serve"
began=$(now)
"$bin" restore --serve --from "$work/a" --data "$work/d" >"$work/out" 2>&1 & server=$!
until load --spans 2000 --connections 1 >/dev/null 2>&1; do sleep 0.05; done; echo "first export acknowledged: $(since "$began") s"
until curl -sf "http://127.0.0.1:23200/api/traces/$(tail -1 "$work/ids")" >/dev/null; do sleep 0.05; done; echo "the newest trace found: $(since "$began") s"
until state=$(curl -sf http://127.0.0.1:23200/readyz) && ! grep -q restoring <<<"$state"; do sleep 0.05; done; echo "whole: $(since "$began") s"
stop

echo "== replay of the archived log, as OTLP"
serve --data "$work/elsewhere"
began=$(now); "$bin" archive replay --archive "$work/a" --to http://127.0.0.1:24317 | tail -2; echo "replayed in $(since "$began") s"
stop
