#!/usr/bin/env python3
"""Probes with hundreds of small parts on the tables that `bakeoff.py scale` left: 2 M further spans in segments of 8,000, merges stopped."""
import shutil, sys
import bakeoff as b

name, keys, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
spec, sample = b.layout(name), b.read_json(f"samples-{keys}-scale.json")
with b.cpu_lock():
    b.generate(2_000_000, keys, first)
    files = b.make_blocks(spec, keys, small=8_000)
    with b.Engine(b.os.path.join(b.DATA, "scale-" + name)) as engine:
        show = lambda what, figure: print(f"| {name}: {what} | {figure['p50']:.1f} / {figure['p99']:.1f} | {figure['n']} |", flush=True)
        print("| probe | ms p50 / p99 | calls |\n|---|---|---|")
        rare = [{"key": r[0], "value": r[1]} for r in sample["rare"]] * 3
        medium = [{"key": r[0], "value": r[1]} for r in sample["medium"]]
        for state in ["settled", "many parts"]:
            if state == "many parts":
                engine.query("SYSTEM STOP MERGES spans")
                for path in files:
                    b.insert(engine, path)
            print(f"| {state}: {b.sizes(engine)} | | |")
            for settings in ["", "max_threads = 1, use_skip_indexes_on_data_read = 0", "max_threads = 1, use_skip_indexes_on_data_read = 0, use_skip_indexes = 0"]:
                show(f"{state}, by ID [{settings}]", b.measure(b.Reader(engine, spec, sample, settings).by_id, sample["ids"], 2.5, 50))
            for settings in ["", "use_skip_indexes_on_data_read = 0"]:
                show(f"{state}, rare value, one query over all [{settings}]", b.measure(b.Reader(engine, spec, sample, settings).find_all("string_equals"), rare, 2.5))
                show(f"{state}, rare value, newest first from 300 s, times 10 [{settings}]", b.measure(b.Reader(engine, spec, sample, settings).find_newest("string_equals", 300, 10), rare, 2.5))
            show(f"{state}, a value on 1 span in 100,000, newest first from 300 s, times 10 [{settings}]", b.measure(b.Reader(engine, spec, sample, settings).find_newest("string_equals", 300, 10), medium, 2))
            show(f"{state}, common value, newest first from 300 s, times 10 [{settings}]", b.measure(b.Reader(engine, spec, sample, settings).find_newest("string_equals", 300, 10), [{"key": r[0], "value": r[1]} for r in sample["common"]] * 10, 2))
shutil.rmtree(b.os.path.dirname(files[0]))
