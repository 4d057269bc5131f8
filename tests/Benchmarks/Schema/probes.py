#!/usr/bin/env python3
"""Probes on the tables that `bakeoff.py scale` left: engine and query settings for by ID, a trace index, time hints, search windows."""
import sys
import bakeoff as b

name, keys = sys.argv[1], sys.argv[2]
spec, sample = b.layout(name), b.read_json(f"samples-{keys}-scale.json")
with b.cpu_lock(), b.Engine(b.os.path.join(b.DATA, "scale-" + name)) as engine:
    show = lambda what, figure: print(f"| {name}: {what} | {figure['p50']:.1f} / {figure['p99']:.1f} | {figure['n']} |", flush=True)
    print("| probe | ms p50 / p99 | calls |\n|---|---|---|")
    print(f"| parts: {b.sizes(engine)} | | |")
    show("SELECT 1", b.measure(lambda _: engine.query("SELECT 1 FORMAT Native"), [0] * 200, 2))
    for settings in ["", "max_threads = 1", "use_uncompressed_cache = 1", "use_skip_indexes = 0", "use_skip_indexes_on_data_read = 0", "max_threads = 1, use_skip_indexes_on_data_read = 0", "optimize_move_to_prewhere = 0", "query_plan_optimize_prewhere = 0"]:
        show(f"by ID [{settings}]", b.measure(b.Reader(engine, spec, sample, settings).by_id, sample["ids"], 3, 50))
    starts = dict(engine.rows("SELECT lower(hex(trace_id)), toString(min(start_time_unix_nano)) FROM spans WHERE trace_id IN (" + ", ".join(f"unhex('{i}')" for i in sample["ids"][:150]) + ") GROUP BY 1"))
    hinted = lambda i: engine.query(b.fill(spec["by_id"], {"read": spec["read"], "trace_id": i}).replace(" LIMIT", f" AND start_time_unix_nano >= {int(starts[i]) - 10**9} AND start_time_unix_nano < {int(starts[i]) + 60 * 10**9} LIMIT") + " FORMAT Native")
    show("by ID with the trace's start known", b.measure(hinted, list(starts), 3, 50))
    engine.query("DROP TABLE IF EXISTS traces SYNC")
    before = engine.total_cpu()
    engine.query("CREATE TABLE traces (tenant LowCardinality(String), trace UInt64, bucket UInt32 CODEC(Delta, ZSTD(1))) ENGINE = ReplacingMergeTree ORDER BY (tenant, trace, bucket) SETTINGS index_granularity = 1024")
    engine.query("INSERT INTO traces SELECT DISTINCT tenant, reinterpretAsUInt64(substring(trace_id, 1, 8)), intDiv(start_time_unix_nano, 300000000000) FROM spans SETTINGS max_bytes_before_external_group_by = 200000000, max_insert_block_size = 1000000")
    print(f"| trace index: {b.sizes(engine, 'traces')}, {engine.total_cpu() - before:.1f} CPU s in all | | |")
    bucket = lambda i: [int(r) for r in engine.query(f"SELECT DISTINCT bucket FROM traces WHERE tenant = '' AND trace = reinterpretAsUInt64(unhex('{i[:16]}')) FORMAT TSV").split()]
    show("the trace index alone", b.measure(bucket, sample["ids"], 3, 50))
    def indexed(i):
        found = bucket(i)
        engine.query(b.fill(spec["by_id"], {"read": spec["read"], "trace_id": i}).replace(" LIMIT", f" AND intDiv(start_time_unix_nano, 300000000000) IN ({', '.join(map(str, found))}) LIMIT") + " FORMAT Native")
    show("by ID through the trace index", b.measure(indexed, sample["ids"], 3, 50))
    engine.query("DROP TABLE traces SYNC")
    services = [{"service": s, "duration": 100_000_000} for s in sample["services"]]
    common = [{"key": r[0], "value": r[1]} for r in sample["common"]] * 10
    for seconds, factor in [(20, 4), (60, 4), (300, 4), (300, 10)]:
        reader = b.Reader(engine, spec, sample)
        show(f"service and duration, newest first from {seconds} s, times {factor}", b.measure(reader.find_newest("service_duration", seconds, factor), services, 2))
        show(f"common value, newest first from {seconds} s, times {factor}", b.measure(reader.find_newest("string_equals", seconds, factor), common, 2))
    for seconds in [60, 300, 3600]:
        show(f"tag names of the last {seconds} s", b.measure(b.Reader(engine, spec, sample).tags("tag_names", seconds), [{"key": "x"}] * 20, 2))
    numbers = [{"key": "http.response.status_code", "value": v} for v in [500, 503, 404]] * 10
    show("status at least, newest first", b.measure(b.Reader(engine, spec, sample).find_newest("number_at_least"), numbers, 2))
    impossible = [{"key": "http.response.status_code", "value": 600}]
    show("a number no span has, newest first", b.measure(b.Reader(engine, spec, sample).find_newest("number_at_least"), impossible * 3, 5, 1))
    slow = [{"service": s, "duration": 2_000_000_000} for s in sample["services"]]
    show("service and 2 s, one query over all", b.measure(b.Reader(engine, spec, sample).find_all("service_duration"), slow, 3))
    before = engine.total_cpu()
    engine.query("ALTER TABLE spans ADD INDEX slow (service, toUInt8(log2(duration + 1))) TYPE set(0) GRANULARITY 1")
    engine.query("ALTER TABLE spans MATERIALIZE INDEX slow SETTINGS mutations_sync = 2")
    print(f"| index of (service, power of two of the duration): {engine.total_cpu() - before:.1f} CPU s in all, now {b.sizes(engine)} | | |")
    spec["service_duration"] = "service = '{service}' AND toUInt8(log2(duration + 1)) >= toUInt8(log2({duration} + 1)) AND toInt64(duration) >= {duration}"
    show("service and 2 s, one query over all, with that index", b.measure(b.Reader(engine, spec, sample).find_all("service_duration"), slow, 3))
    show("service and 2 s, newest first, with that index", b.measure(b.Reader(engine, spec, sample).find_newest("service_duration", 300, 10), slow, 3))
    fast = [{"service": s, "duration": 100_000_000} for s in sample["services"]]
    show("service and 100 ms, one query over all, with that index", b.measure(b.Reader(engine, spec, sample).find_all("service_duration"), fast, 3))
