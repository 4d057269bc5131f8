#!/usr/bin/env python3
"""A bake-off of layouts for the spans table, on the embedded engine.

Each layout is a file in layouts/: sections that begin with `-- @name`; `-- @like other` takes over what it lacks.
  block    the SELECT list that makes a block of the source's rows       create   the table ({order}, {settings}: sections)
  alter    statements for the empty table, one per line                  order, settings, read, by_id, find, ...: see maps.sql

  generate    fills the source (deterministic data; few or many attribute keys)
  run         blocks -> inserts with merges stopped -> merges until nothing is left to merge -> queries; appends to results.jsonl
  flow        inserts with merges running, as production has it; CPU of both together and how often a row is rewritten
  scale       many spans into some layouts, 5 M at a time, merges running; queries settled and with hundreds of parts
  duel        CPU of insert and of one merge, layouts in turn, the least of some rounds: the comparison that noise disturbs least
  costs       what each column and each index of a layout costs at insert and merge
  amplification  how often a row is rewritten by merges, by table settings
  tags        the small table for tag names and values (tags.sql)
  columns     a layout's bytes by column, as left by the last run with --keep
  codecs      each column of codecs.sql under each codec, on what the last run with --keep left
  report      results.jsonl as Markdown
  clean       removes the data, not the results

CPU is the engine's own (user + system, /proc/PID/stat), less what it uses idle. Every heavy step holds a lock, so that
measurements on one machine exclude each other. The query condition cache is off: repeated queries would flatter themselves.
"""
import argparse, concurrent.futures, contextlib, fcntl, glob, http.client, itertools, json, os, random, re, shutil, socket, statistics, subprocess, sys, time, urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.environ.get("BAKEOFF_DATA", os.path.join(HERE, "data"))
BINARY = os.environ.get("BAKEOFF_BINARY", os.path.join(HERE, "bin", "tracestore"))
LIBRARY = os.environ.get("BAKEOFF_LIBRARY", os.path.join(HERE, "bin", "libchdb.so"))
LOCK = os.environ.get("BAKEOFF_LOCK", os.path.join(HERE, "data.lock"))
RESULTS = os.path.join(HERE, "results.jsonl")
WINDOW = 20_000          # spans of a source window; a segment is some windows
SEGMENT_WINDOWS = 5      # 100,000 spans
TRACE_STEP = 7_200_000   # ns between traces: 5 M spans an hour
START = 1795132800000000000
TICKS = os.sysconf("SC_CLK_TCK")


held = 0


@contextlib.contextmanager
def cpu_lock():
    """Held by one process at a time; may be taken again by its holder."""
    global held
    with open(LOCK, "a") as file:
        if held == 0:
            fcntl.flock(file, fcntl.LOCK_EX)
        held += 1
        try:
            yield
        finally:
            held -= 1


class Engine:
    """One engine process on a directory, spoken to over HTTP."""

    CONFIG = """<clickhouse><listen_host>127.0.0.1</listen_host><http_port>{port}</http_port><timezone>UTC</timezone>
<users_config>{folder}/users.xml</users_config><logger><log>{folder}/engine.log</log><errorlog>{folder}/engine.err.log</errorlog><errorlog_level>error</errorlog_level><size>20M</size><count>3</count></logger>
<max_server_memory_usage>{memory}</max_server_memory_usage><mark_cache_size>67108864</mark_cache_size><primary_index_cache_size>67108864</primary_index_cache_size>
{extra}</clickhouse>"""
    USERS = """<clickhouse><profiles><default><allow_suspicious_low_cardinality_types>1</allow_suspicious_low_cardinality_types><use_query_condition_cache>0</use_query_condition_cache></default></profiles><quotas><default></default></quotas><users><default><password></password>
<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users></clickhouse>"""

    def __init__(self, folder, extra="", memory=1 << 30):
        self.folder = folder
        os.makedirs(os.path.join(folder, "tables"), exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        for name, text in [("config.xml", self.CONFIG.format(port=self.port, folder=folder, memory=memory, extra=extra)), ("users.xml", self.USERS),
                           ("start.sql", "SYSTEM START LISTEN HTTP;\nSELECT * FROM file('/dev/stdin', 'LineAsString') FORMAT Null;\n")]:
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        self.process = subprocess.Popen(
            [BINARY, "engine-child", LIBRARY, "clickhouse-local", "--config-file", f"{folder}/config.xml", f"--path={folder}/tables",
             "--queries-file", f"{folder}/start.sql", "--log-level=warning"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=open(f"{folder}/stderr.log", "a"))
        self.connection = None
        for _ in range(300):
            try:
                self.query("SELECT 1")
                break
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit(f"the engine ended: see {folder}/stderr.log")
                time.sleep(0.1)
        self.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
        self.database = "bench"

    database = "default"

    def request(self, sql, body=None):
        if self.connection is not None and time.time() - self.used > 5:
            self.connection.close()  # the engine closes idle connections
            self.connection = None
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            if body is None:
                self.connection.request("POST", f"/?database={self.database}", sql.encode())
            else:
                self.connection.request("POST", f"/?database={self.database}&query={urllib.parse.quote(sql)}", body)
            answer = self.connection.getresponse()
            data = answer.read()
            self.used = time.time()
        except Exception:
            self.connection.close()
            self.connection = None
            raise
        if answer.status != 200 or b"DB::Exception" in data[-2000:]:
            raise RuntimeError(f"{sql[:1500]}\n{data[-1500:].decode(errors='replace')}")
        return data

    def query(self, sql):
        return self.request(sql)

    def rows(self, sql):
        return json.loads(self.request(sql + " FORMAT JSONCompact"))["data"]

    def cpu(self):
        """CPU seconds so far: user, system."""
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) / TICKS, int(fields[12]) / TICKS

    def total_cpu(self):
        return sum(self.cpu())

    def resident(self):
        return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{self.process.pid}/status").read()).group(1)) >> 10

    def event(self, name):
        rows = self.rows(f"SELECT value FROM system.events WHERE event = '{name}'")
        return int(rows[0][0]) if rows else 0

    def idle(self, seconds=3):
        before = self.total_cpu()
        time.sleep(seconds)
        return (self.total_cpu() - before) / seconds

    def calibrate(self):
        """CPU seconds of a fixed piece of work: how fast this machine is just now."""
        before = self.total_cpu()
        for _ in range(3):
            self.query("SELECT sum(cityHash64(number, 1)) FROM numbers(400000000) FORMAT Null SETTINGS max_threads = 1")
        return round((self.total_cpu() - before) / 3, 3)

    def settle(self, table="spans", quiet=6.0, limit=280):
        """Waits until nothing has been merged for a while. Returns the seconds waited."""
        started = last = time.time()
        parts = None
        while time.time() - last < quiet and time.time() - started < limit:
            now = self.rows(f"SELECT (SELECT count() FROM system.merges), (SELECT count() FROM system.parts WHERE active AND table = '{table}')")[0]
            if now[0] != 0 and now[0] != "0" or now != parts:
                last, parts = time.time(), now
            time.sleep(0.1)
        return time.time() - started

    def close(self):
        if self.connection:
            self.connection.close()
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def sections(path):
    """A file's sections by name, less comments between statements."""
    found, name = {}, None
    for line in open(path):
        match = re.match(r"-- @(\w+)\s*(.*)", line)
        if match:
            name = match.group(1)
            found[name] = match.group(2) + "\n"
        elif name and not line.startswith("--"):
            found[name] += line
    return {key: value.strip() for key, value in found.items()}


def layout(name):
    own = sections(os.path.join(HERE, "layouts", name + ".sql"))
    base = layout(own["like"]) if "like" in own else {}
    own.setdefault("shape", base["shape"] if base and "block" not in own else name)
    return {**base, **own, "name": name}


def fill(text, values):
    for key, value in values.items():
        text = text.replace("{" + key + "}", str(value))
    return text


# -- source and blocks

def source_engine(keys):
    return Engine(os.path.join(DATA, f"source-{keys}"), memory=4 << 30)


def generate(spans, keys, first=0):
    text = sections(os.path.join(HERE, "source.sql"))
    with source_engine(keys) as engine:
        engine.query("DROP TABLE IF EXISTS source SYNC")
        engine.query(text["create"])
        for start in range(first, first + spans, 1_000_000):
            with cpu_lock():
                engine.query(fill(text["fill"], {"first": start, "count": min(1_000_000, first + spans - start), "keys": keys}))
        with cpu_lock():
            samples(engine, spans, keys)


def samples(engine, spans, keys):
    """What the queries look for, chosen from the data and kept beside it."""
    ids = [row[0] for row in engine.rows("SELECT lower(hex(trace_id)) FROM source WHERE cityHash64(span_number) % 997 = 0 ORDER BY cityHash64(span_number, 'sample') LIMIT 400")]
    pairs = engine.rows("SELECT string_keys[5], string_values[5] FROM source WHERE length(string_values[5]) = 16 ORDER BY cityHash64(span_number, 'rare') LIMIT 40")
    common = engine.rows("SELECT string_keys[3], string_values[3], count() AS n FROM source GROUP BY 1, 2 ORDER BY n DESC LIMIT 3")
    medium = engine.rows("SELECT string_keys[5] AS k, string_values[5] AS v, count() AS n FROM source WHERE startsWith(v, 'key-') GROUP BY k, v HAVING n BETWEEN 20 AND 60 ORDER BY cityHash64(k, v) LIMIT 20")
    middle = engine.rows("SELECT string_keys[5] AS k, string_values[5] AS v, count() AS n FROM source WHERE startsWith(v, 'key-') GROUP BY k, v HAVING n BETWEEN 2000 AND 12000 ORDER BY cityHash64(k, v) LIMIT 20")
    services = [row[0] for row in engine.rows("SELECT service FROM source GROUP BY service ORDER BY service")]
    time_range = [int(value) for value in engine.rows("SELECT toString(min(start)), toString(max(start)) FROM source")[0]]
    write_json(f"samples-{keys}.json", {"ids": ids, "rare": pairs, "medium": medium, "middle": middle, "common": common, "services": services, "range": time_range, "spans": spans})


def write_json(name, value):
    json.dump(value, open(os.path.join(DATA, name), "w"))


def read_json(name):
    return json.load(open(os.path.join(DATA, name)))


def block_files(shape, keys):
    return sorted(glob.glob(os.path.join(DATA, "blocks", f"{shape}-{keys}", "*.native")))


def make_blocks(spec, keys, small=0):
    """One Native file per segment of the source, as the collector would have written it; or segments of at most `small` spans."""
    folder = os.path.join(DATA, "blocks", f"{spec['shape']}-{keys}")
    os.makedirs(folder, exist_ok=True)
    with source_engine(keys) as engine:
        windows = sorted(int(row[0]) for row in engine.rows("SELECT DISTINCT intDiv(window, %d) FROM source" % SEGMENT_WINDOWS))
        cuts = [""] if not small else [f" LIMIT {small} OFFSET {at}" for at in range(0, WINDOW * SEGMENT_WINDOWS, small)]
        todo = [w for w in windows if not os.path.exists(os.path.join(folder, f"{w:06}.native"))]
        for at in range(0, len(todo), 50):
            with cpu_lock():
                def write(task):
                    w, (number, cut) = task
                    connection = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=600)
                    connection.request("POST", "/?database=bench", (
                        f"{spec['block']} FROM source WHERE window >= {w * SEGMENT_WINDOWS} AND window < {(w + 1) * SEGMENT_WINDOWS} ORDER BY {spec.get('arrival', 'window, service_number, instance, start')}{cut} "
                        + "SETTINGS max_threads = 1, preferred_block_size_bytes = 0, max_block_size = 1000000, optimize_read_in_order = 0, output_format_native_use_flattened_dynamic_and_json_serialization = 1 FORMAT Native").encode())
                    answer = connection.getresponse()
                    data = answer.read()
                    if answer.status != 200:
                        raise RuntimeError(data[-1500:].decode(errors="replace"))
                    with open(os.path.join(folder, f"{w:06}{f'-{number:03}' if small else ''}.native"), "wb") as file:
                        file.write(data)

                with concurrent.futures.ThreadPoolExecutor(2) as pool:
                    list(pool.map(write, itertools.product(todo[at:at + 50], enumerate(cuts))))
    return block_files(spec["shape"], keys)


# -- target

def create(engine, spec):
    values = {"order": spec["order"], "json": spec.get("json", ""), "settings": (", " + spec["settings"]) if spec.get("settings") else ""}
    for statement in spec.get("before", "").split(";\n"):
        if statement.strip():
            engine.query(statement)
    engine.query(fill(spec["create"], values))
    for statement in spec.get("alter", "").splitlines():
        if statement.strip():
            engine.query(statement.strip().rstrip(";"))


def insert(engine, path, table="spans", settings=""):
    with open(path, "rb") as file:
        block = file.read()
    token = f"tracestore-{os.path.basename(os.path.dirname(path))}-{os.path.basename(path)}"
    started = time.time()
    engine.request(f"INSERT INTO {table} SETTINGS async_insert = 0, input_format_skip_unknown_fields = 0, min_free_disk_bytes_to_perform_insert = 1000000000, "
                   f"insert_deduplicate = 1, insert_deduplication_token = '{token}'{', ' + settings if settings else ''} FORMAT Native", block)
    return time.time() - started


def sizes(engine, table="spans"):
    rows, size, parts, index = engine.rows(
        f"SELECT sum(rows), sum(bytes_on_disk), count(), sum(secondary_indices_compressed_bytes) FROM system.parts WHERE active AND table = '{table}'")[0]
    return {"rows": int(rows), "bytes": int(size) / max(1, int(rows)), "parts": int(parts), "index_bytes": int(index) / max(1, int(rows))}


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(action, inputs, budget=6.0, least=5):
    """Milliseconds of each call, the first ones unmeasured."""
    action(inputs[0])
    times, started = [], time.time()
    for value in inputs:
        if len(times) >= least and time.time() - started > budget:
            break
        before = time.perf_counter()
        action(value)
        times.append((time.perf_counter() - before) * 1000)
    return {"p50": statistics.median(times), "p99": percentile(times, 0.99), "n": len(times)}


def patterns(values):
    return {**values, "key_pattern": values["key"].replace(".", "[.]")} if "key" in values else values


class Reader:
    """Runs a layout's queries as the query service would."""

    def __init__(self, engine, spec, sample, settings=""):
        self.engine, self.spec, self.sample = engine, spec, sample
        self.suffix = (" SETTINGS " + settings if settings else "") + " FORMAT Native"
        self.first, self.last = sample["range"][0], sample["range"][1] + 1
        self.hits = 0

    def by_id(self, trace_id):
        data = self.engine.query(fill(self.spec["by_id"], {"read": self.spec["read"], "trace_id": trace_id}) + self.suffix)
        if len(data) < 300:
            raise RuntimeError(f"trace {trace_id} not found")

    def find(self, predicate, values, start, end):
        """At most 20 traces: trace ID to newest."""
        sql = fill(fill(self.spec["find"], {"predicate": self.spec[predicate]}), {**patterns(values), "from": start, "to": end})
        text = self.engine.query(f"SELECT hex(trace_id), toString(newest) FROM ({sql})" + self.suffix.replace("Native", "TSV")).decode()
        return {row.split("\t")[0]: int(row.split("\t")[1]) for row in text.splitlines()}

    def find_all(self, predicate):
        def action(values):
            self.hits = len(self.find(predicate, values, self.first, self.last))
        return action

    def find_newest(self, predicate, first_seconds=60, factor=4):
        """Newest first: the last minute, then what lies before it, ever more, until 20 traces are found."""
        def action(values):
            found, end, width = {}, self.last, first_seconds * 10**9
            while end > self.first and len(found) < 20:
                start = max(self.first, self.last - width)
                for trace, newest in self.find(predicate, values, start, end).items():
                    found[trace] = max(newest, found.get(trace, 0))
                end, width = start, width * factor
            self.hits = len(found)
        return action

    def tags(self, which, seconds):
        def action(values):
            data = self.engine.query(fill(self.spec[which], {**patterns(values), "from": self.last - seconds * 10**9, "to": self.last}) + self.suffix)
            self.hits = len(data)
        return action


def queries(engine, spec, sample, keys, budget=6.0, settings="", only=None):
    reader = Reader(engine, spec, sample, settings)
    rng = random.Random(7)
    services = [{"service": rng.choice(sample["services"]), "duration": rng.choice([20, 50, 100, 200]) * 1_000_000} for _ in range(60)]
    slow = [{"service": rng.choice(sample["services"]), "duration": 2_000_000_000} for _ in range(60)]
    pair = lambda rows: [{"key": row[0], "value": row[1]} for row in rows] * 10
    hour = [{"key": key} for key in (["db.operation", "cloud.zone"] if keys == "few" else [row[0] for row in sample["common"]])] * 20
    plan = {
        "by_id": lambda: measure(reader.by_id, sample["ids"], budget, 50),
        "service_duration": lambda: measure(reader.find_all("service_duration"), services, budget),
        "service_duration_newest": lambda: measure(reader.find_newest("service_duration"), services, budget),
        "service_slow": lambda: measure(reader.find_all("service_duration"), slow, budget),
        "service_slow_newest": lambda: measure(reader.find_newest("service_duration"), slow, budget),
        "rare": lambda: measure(reader.find_all("string_equals"), pair(sample["rare"]), budget),
        "rare_newest": lambda: measure(reader.find_newest("string_equals"), pair(sample["rare"]), budget),
        "medium_newest": lambda: measure(reader.find_newest("string_equals"), pair(sample["medium"]), budget) if sample["medium"] else None,
        "middle_newest": lambda: measure(reader.find_newest("string_equals"), pair(sample["middle"]), budget) if sample["middle"] else None,
        "common": lambda: measure(reader.find_all("string_equals"), pair(sample["common"]), budget),
        "common_newest": lambda: measure(reader.find_newest("string_equals"), pair(sample["common"]), budget),
        "tag_names": lambda: measure(reader.tags("tag_names", 3600), hour, budget),
        "tag_values": lambda: measure(reader.tags("tag_values", 3600), hour, budget),
    }
    figures = {}
    for name, action in plan.items():
        if only and name not in only:
            continue
        with cpu_lock():
            try:
                figures[name] = action()
                if figures[name]:
                    figures[name]["hits"] = reader.hits
            except RuntimeError as error:
                figures[name] = None
                print(f"{spec['name']} {name}: {error}", file=sys.stderr)
    return figures


def record(result):
    with open(RESULTS, "a") as file:
        file.write(json.dumps(result) + "\n")
    print(json.dumps(result), file=sys.stderr)


def fresh(name):
    folder = os.path.join(DATA, "target")
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def run(name, keys, spans, extra, query_settings, keep, budget, only, with_queries=True, optimize=False):
    spec, sample = layout(name), read_json(f"samples-{keys}.json")
    files = make_blocks(spec, keys)[:spans // (WINDOW * SEGMENT_WINDOWS)]
    rows = len(files) * WINDOW * SEGMENT_WINDOWS
    result = {"kind": "run", "layout": name, "keys": keys, "spans": rows, "engine": extra, "settings": query_settings}
    with cpu_lock(), Engine(fresh(name), extra) as engine:
        create(engine, spec)
        engine.query("SYSTEM STOP MERGES spans")
        with cpu_lock():
            result["calibration"] = [engine.calibrate()]
            idle = engine.idle()
            before, started = engine.cpu(), time.time()
            took = [insert(engine, path) for path in files]
            after, elapsed = engine.cpu(), time.time() - started
        million = rows / 1e6
        result["idle_cpu"] = idle
        result["insert_cpu"] = (sum(after) - sum(before) - idle * elapsed) / million
        result["insert_system_cpu"] = (after[1] - before[1]) / million
        result["insert_ms"] = statistics.median(took) * 1000
        result["fresh"] = sizes(engine)
        with cpu_lock():
            if only is None or "by_id_fresh" in only:
                result["by_id_fresh"] = measure(Reader(engine, spec, sample, query_settings).by_id, sample["ids"], 4, 30)
        with cpu_lock():
            result["calibration"].append(engine.calibrate())
            merged, before = engine.event("MergedRows"), engine.total_cpu()
            engine.query("SYSTEM START MERGES spans")
            elapsed = engine.settle()
            result["merge_cpu"] = (engine.total_cpu() - before - idle * elapsed) / million
            result["merged_rows"] = (engine.event("MergedRows") - merged) / rows
        result["settled"] = sizes(engine)
        if result["settled"]["rows"] != rows:
            raise RuntimeError(f"{result['settled']['rows']} of {rows} rows")
        if optimize:
            with cpu_lock():
                before = engine.total_cpu()
                engine.query("OPTIMIZE TABLE spans FINAL")
                result["optimize_cpu"] = (engine.total_cpu() - before) / million
            result["optimized"] = sizes(engine)
        result["columns"] = columns(engine)
        result["calibration"].append(engine.calibrate())
        if with_queries:
            result["queries"] = queries(engine, spec, sample, keys, budget, query_settings, only)
        result["resident_mib"] = engine.resident()
    record(result)
    if not keep:
        shutil.rmtree(os.path.join(DATA, "target"), ignore_errors=True)
    return result


def columns(engine, table="spans"):
    rows = engine.rows(f"SELECT column, sum(column_data_compressed_bytes) / sum(rows), sum(column_marks_bytes) / sum(rows) FROM system.parts_columns WHERE active AND table = '{table}' GROUP BY column ORDER BY 2 DESC")
    return {row[0]: round(row[1], 3) for row in rows}


def flow(name, keys, spans, extra, pause, segment):
    """Inserts with merges running. `segment`: spans of a block, when not whole segments."""
    spec = layout(name)
    files = make_blocks(spec, keys)[:spans // (WINDOW * SEGMENT_WINDOWS)]
    rows = len(files) * WINDOW * SEGMENT_WINDOWS
    result = {"kind": "flow", "layout": name, "keys": keys, "spans": rows, "engine": extra, "pause": pause}
    with Engine(fresh(name), extra) as engine, cpu_lock():
        create(engine, spec)
        idle, merged, before, most = engine.idle(), engine.event("MergedRows"), engine.total_cpu(), 0
        started = time.time()
        for path in files:
            insert(engine, path)
            if pause:
                time.sleep(pause)
                most = max(most, sizes(engine)["parts"])
        inserted = engine.total_cpu()
        result["parts_after_insert"] = sizes(engine)["parts"]
        engine.settle()
        elapsed = time.time() - started
        result["cpu"] = (engine.total_cpu() - before - idle * elapsed) / rows * 1e6
        result["merged_rows"] = (engine.event("MergedRows") - merged) / rows
        result["most_parts"] = most
        result["settled"] = sizes(engine)
    record(result)
    return result


def codecs(rows=1_000_000):
    """On the tables that `run --keep` left: writes each column under each codec, alone; CPU and bytes."""
    print("| column | codec | B/row | write CPU s/M | read CPU s/M |\n|---|---|---|---|---|")
    with Engine(os.path.join(DATA, "target")) as engine:
        for line in open(os.path.join(HERE, "codecs.sql")):
            if line.startswith("--") or not line.strip():
                continue
            name, expression, kind, variants = [part.strip() for part in line.split("|")]
            with cpu_lock():
                create = lambda codec: engine.query(f"CREATE TABLE one (c {kind} CODEC({codec})) ENGINE = MergeTree ORDER BY tuple() SETTINGS min_bytes_for_wide_part = 0")
                engine.query("DROP TABLE IF EXISTS plain SYNC")
                engine.query(f"CREATE TABLE plain (c {kind}) ENGINE = Memory SETTINGS min_rows_to_keep = 0")
                engine.query(f"INSERT INTO plain SELECT {expression} FROM spans LIMIT {rows} SETTINGS max_threads = 1")
                for codec in ["NONE"] + variants.split(";"):
                    engine.query("DROP TABLE IF EXISTS one SYNC")
                    create(codec.strip())
                    before = engine.total_cpu()
                    for _ in range(3):
                        engine.query("TRUNCATE TABLE one")
                        engine.query("INSERT INTO one SELECT c FROM plain SETTINGS max_insert_threads = 1, max_threads = 1")
                    write = (engine.total_cpu() - before) / 3
                    before = engine.total_cpu()
                    for _ in range(3):
                        engine.query("SELECT ignore(c) FROM one FORMAT Null SETTINGS max_threads = 1")
                    read = (engine.total_cpu() - before) / 3
                    size = int(engine.rows("SELECT sum(data_compressed_bytes) FROM system.parts_columns WHERE active AND table = 'one'")[0][0]) / rows
                    print(f"| {name} | {codec.strip()} | {size:.2f} | {write:.2f} | {read:.2f} |", flush=True)


def column_costs(name, keys, only, files=20, repeat=3):
    """What each column and index costs: tables of the sort key and one column, or one index, more; CPU above the sort key's alone."""
    spec = layout(name)
    paths = make_blocks(spec, keys)[:files]
    rows = files * WINDOW * SEGMENT_WINDOWS / 1e6
    with cpu_lock(), Engine(fresh(name)) as engine:
        create(engine, spec)
        every = engine.rows("SELECT name, type, compression_codec FROM system.columns WHERE table = 'spans'")
        indexes = engine.rows("SELECT name, expr, type_full, granularity FROM system.data_skipping_indices WHERE table = 'spans'")
        key = [row[0] for row in every if re.search(rf"\b{row[0]}\b", spec["order"])]
        needed = lambda expression: [row[0] for row in every if re.search(rf"\b{row[0]}\b", expression)]
        cases = {"(sort key)": (key, "")}
        for column, kind, codec in every:
            if column not in key:
                cases[column] = (key + [column], "")
        for index, expression, kind, granularity in indexes:
            cases[f"index {index}"] = (list(dict.fromkeys(key + needed(expression))), f", INDEX {index} {expression} TYPE {kind} GRANULARITY {granularity}")
        if only:
            wanted = {case for case in cases if case.split(" ")[-1] in only}
            wanted |= {column for case in wanted for column in cases[case][0] if column in cases}
            cases = {case: value for case, value in cases.items() if case == "(sort key)" or case in wanted}
        types = {row[0]: f"{row[0]} {row[1]} {row[2]}" for row in every}
        costs = {}
        for _ in range(repeat):
            for case, (names, index) in cases.items():
                engine.query("DROP TABLE IF EXISTS one SYNC")
                engine.query(f"CREATE TABLE one ({', '.join(types[n] for n in names)}{index}) ENGINE = MergeTree ORDER BY ({spec['order']}) SETTINGS min_bytes_for_wide_part = 0, "
                             "vertical_merge_algorithm_min_columns_to_activate = 1, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1")
                engine.query("SYSTEM STOP MERGES one")
                before = engine.total_cpu()
                for path in paths:
                    with open(path, "rb") as file:
                        engine.request("INSERT INTO one SETTINGS async_insert = 0, input_format_skip_unknown_fields = 1 FORMAT Native", file.read())
                inserted = engine.total_cpu()
                engine.query("SYSTEM START MERGES one")
                engine.query("OPTIMIZE TABLE one FINAL")
                costs.setdefault(case, []).append(((inserted - before) / rows, (engine.total_cpu() - inserted) / rows, sizes(engine, "one")["bytes"]))
        best = {case: [min(values) for values in zip(*runs)] for case, runs in costs.items()}
        base = best["(sort key)"]
        print(f"| {name} | insert CPU s/M | merge CPU s/M | B/row |\n|---|---|---|---|")
        print("| (parsing the block, sort key) | " + " | ".join(f"{value:.2f}" for value in base) + " |")
        for case, values in best.items():
            if case != "(sort key)":
                under = base
                if case.startswith("index "):
                    others = [n for n in cases[case][0] if n not in key]
                    under = best[others[0]] if len(others) == 1 else base
                print(f"| {case} | " + " | ".join(f"{value - below:.2f}" for value, below in zip(values, under)) + " |")


def tags(keys):
    """The derived table for tag names and values: its size and how long a list takes."""
    text = sections(os.path.join(HERE, "tags.sql"))
    with cpu_lock(), source_engine(keys) as engine:
        engine.query("DROP TABLE IF EXISTS tags SYNC")
        engine.query(text["create"])
        engine.query(fill(text["fill"], {"limit": 5_000_000}))
        names = [row[0] for row in engine.rows("SELECT key, count() FROM tags GROUP BY key ORDER BY count() DESC LIMIT 20")]
        result = {"kind": "tags", "keys": keys, "rows": sizes(engine, "tags")["rows"], "bytes": sizes(engine, "tags")["bytes"],
                  "names": measure(lambda _: engine.query(text["names"] + " FORMAT Native"), [0] * 50, 3),
                  "values": measure(lambda key: engine.query(fill(text["values"], {"key": key}) + " FORMAT Native"), names * 3, 3)}
        engine.query("DROP TABLE tags SYNC")
    record(result)


def amplification(name, keys, variants, times=10, pause=0.0):
    """How often merges rewrite a row, by settings: a table of the sort key alone, the blocks inserted several times over."""
    spec = layout(name)
    paths = make_blocks(spec, keys)
    for settings in variants:
        with cpu_lock(), Engine(fresh(name)) as engine:
            engine.query("CREATE TABLE one (seg UInt64 CODEC(Delta, ZSTD(1)), trace_id FixedString(16) CODEC(ZSTD(1)), span_ids FixedString(16), start_time_unix_nano UInt64 CODEC(Delta, ZSTD(1)), duration UInt64) ENGINE = MergeTree "
                         f"ORDER BY (intDiv(start_time_unix_nano, 300000000000), trace_id) SETTINGS min_bytes_for_wide_part = 268435456{', ' + settings if settings else ''}")
            merged, started, most = engine.event("MergedRows"), time.time(), []
            for number in range(times):
                for path in paths:
                    with open(path, "rb") as file:
                        engine.request("INSERT INTO one SETTINGS async_insert = 0, input_format_skip_unknown_fields = 1 FORMAT Native", file.read())
                    if pause:
                        time.sleep(pause)
                    most.append(sizes(engine, "one")["parts"])
            busy = (engine.event("MergedRows") - merged) / sizes(engine, "one")["rows"]
            engine.settle("one")
            total = (engine.event("MergedRows") - merged) / sizes(engine, "one")["rows"]
            record({"kind": "amplification", "settings": settings, "spans": sizes(engine, "one")["rows"], "seconds": round(time.time() - started), "most_parts": max(most), "median_parts": statistics.median(most), "merged_rows_at_end": round(busy, 2), "merged_rows": round(total, 2), "parts": sizes(engine, "one")["parts"]})


def duel(names, keys, rounds, files=20):
    """Insert and one merge of all parts, the layouts in turn, over and over: the least CPU of each, which noise on the machine only adds to."""
    specs = [layout(name) for name in names]
    paths = {spec["name"]: make_blocks(spec, keys)[:files] for spec in specs}
    rows = files * WINDOW * SEGMENT_WINDOWS / 1e6
    seen = {}
    for _ in range(rounds):
        for spec in specs:
            with cpu_lock(), Engine(fresh(spec["name"])) as engine:
                create(engine, spec)
                engine.query("SYSTEM STOP MERGES spans")
                insert(engine, paths[spec["name"]][0], settings=spec.get("insert_settings", ""))
                before = engine.total_cpu()
                for path in paths[spec["name"]][1:]:
                    insert(engine, path, settings=spec.get("insert_settings", ""))
                inserted, parted = engine.total_cpu(), sizes(engine)
                engine.query("SYSTEM START MERGES spans")
                engine.query("OPTIMIZE TABLE spans FINAL")
                seen.setdefault(spec["name"], []).append(((inserted - before) / rows * files / (files - 1), (engine.total_cpu() - inserted) / rows, parted["bytes"], sizes(engine)["bytes"]))
    for name, runs in seen.items():
        record({"kind": "duel", "layout": name, "keys": keys, "spans": int(rows * 1e6), "rounds": rounds, "insert_cpu": round(min(r[0] for r in runs), 3), "merge_cpu": round(min(r[1] for r in runs), 3),
                "insert_median": round(statistics.median(r[0] for r in runs), 3), "merge_median": round(statistics.median(r[1] for r in runs), 3), "fresh": round(runs[0][2], 1), "merged": round(runs[0][3], 1)})


# -- scale

def scale(names, keys, chunks, budget, only, extra, minutes):
    """Chunks of 5 M spans, one after the other, into every layout at once; all merges finished after each chunk. Then the queries; then
    a further chunk's first spans in small segments with merges stopped: hundreds of parts; and again settled."""
    specs = [layout(name) for name in names]
    shutil.rmtree(os.path.join(DATA, "blocks"), ignore_errors=True)
    engines = {}
    for spec in specs:
        shutil.rmtree(os.path.join(DATA, "scale-" + spec["name"]), ignore_errors=True)
        engines[spec["name"]] = Engine(os.path.join(DATA, "scale-" + spec["name"]), extra)
        create(engines[spec["name"]], spec)
    totals = {spec["name"]: {"kind": "scale", "layout": spec["name"], "keys": keys, "engine": extra, "cpu": [], "merged_rows": [], "insert_seconds": [], "parts": [], "calibration": []} for spec in specs}
    sample, rows, begun = None, 0, time.time()
    try:
        for chunk in range(chunks):
            if time.time() - begun > minutes * 60:
                chunks = chunk
                break
            with cpu_lock():
                generate(5_000_000, keys, chunk * 5_000_000)
                sample = joined(sample, read_json(f"samples-{keys}.json"))
                for spec in specs:
                    files, total, engine = make_blocks(spec, keys), totals[spec["name"]], engines[spec["name"]]
                    total["calibration"].append(engine.calibrate())
                    idle, merged, before, started = engine.idle(1), engine.event("MergedRows"), engine.total_cpu(), time.time()
                    for path in files:
                        insert(engine, path)
                    total["insert_seconds"].append(round(time.time() - started, 1))
                    engine.settle(quiet=3.0)
                    total["cpu"].append(round((engine.total_cpu() - before - idle * (time.time() - started)) / 5, 2))
                    total["merged_rows"].append(round((engine.event("MergedRows") - merged) / 5e6, 2))
                    total["parts"].append(sizes(engine)["parts"])
                    shutil.rmtree(os.path.dirname(files[0]))
                    print(spec["name"], chunk, total["cpu"][-1], total["merged_rows"][-1], sizes(engine), file=sys.stderr, flush=True)
                rows += 5_000_000
        write_json(f"samples-{keys}-scale.json", sample)
        for spec in specs:
            totals[spec["name"]]["spans"] = rows
            with cpu_lock():
                totals[spec["name"]]["settled"] = sizes(engines[spec["name"]])
                totals[spec["name"]]["columns"] = columns(engines[spec["name"]])
                totals[spec["name"]]["queries"] = queries(engines[spec["name"]], spec, sample, keys, budget, "", only)
                totals[spec["name"]]["resident_mib"] = engines[spec["name"]].resident()
            record(totals[spec["name"]])
        with cpu_lock():
            generate(2_000_000, keys, chunks * 5_000_000)
        for spec in specs:
            engine, small = engines[spec["name"]], {"kind": "scale", "layout": spec["name"] + ", 2 M more in segments of 8,000", "keys": keys, "spans": rows + 2_000_000, "engine": extra, "merged_rows": [], "calibration": [], "insert_seconds": []}
            with cpu_lock():
                engine.query("SYSTEM STOP MERGES spans")
                files = make_blocks(spec, keys, small=8_000)
                small["calibration"].append(engine.calibrate())
                before, started = engine.total_cpu(), time.time()
                for path in files:
                    insert(engine, path)
                small["insert_seconds"] = [round(time.time() - started, 1)]
                small["cpu"] = [round((engine.total_cpu() - before) / 2, 2)]
                small["settled"], small["parts"] = sizes(engine), [sizes(engine)["parts"]]
                small["queries"] = queries(engine, spec, sample, keys, budget, "", ["by_id", "service_duration_newest", "common_newest", "rare_newest"])
                record(dict(small))
                merged, before = engine.event("MergedRows"), engine.total_cpu()
                engine.query("SYSTEM START MERGES spans")
                engine.settle()
                small["layout"] = spec["name"] + ", the same settled"
                small["cpu"] = [round((engine.total_cpu() - before) / 2, 2)]
                small["merged_rows"] = [round((engine.event("MergedRows") - merged) / 2e6, 2)]
                small["settled"], small["parts"] = sizes(engine), [sizes(engine)["parts"]]
                small["queries"] = queries(engine, spec, sample, keys, budget, "", ["by_id", "service_duration_newest", "common_newest", "rare_newest"])
                record(small)
                shutil.rmtree(os.path.dirname(files[0]))
    finally:
        for engine in engines.values():
            engine.close()


def joined(one, other):
    """Samples of two chunks as one, mixed."""
    if one is None:
        return other
    both = {name: one[name] + other[name] for name in ["ids", "rare", "medium", "middle"]}
    for values in both.values():
        random.Random(3).shuffle(values)
    return {**both, "common": other["common"], "services": other["services"], "range": [one["range"][0], other["range"][1]], "spans": one["spans"] + other["spans"]}


# -- report

def report():
    results = [json.loads(line) for line in open(RESULTS)]
    def cell(value, form="{:.1f}"):
        return "" if value is None else form.format(value)
    def pair(figure):
        return "" if not figure else f"{figure['p50']:.0f} / {figure['p99']:.0f}" if figure["p50"] >= 20 else f"{figure['p50']:.1f} / {figure['p99']:.1f}"
    print("Milliseconds are p50 / p99 of one client over HTTP; empty: not measured. Calibration: CPU s of a fixed query before inserts, merges, queries; 0.17 is this machine undisturbed.")
    for keys, spans in sorted({(r["keys"], r["spans"]) for r in results if r["kind"] == "run"}):
        chosen = [r for r in results if r["kind"] == "run" and (r["keys"], r["spans"]) == (keys, spans)]
        print(f"\n### {keys} keys, {spans / 1e6:g} M spans: cost\n\n| layout | insert CPU s/M (system) | ms per block | merge CPU s/M (rows merged ×) | B/span fresh | B/span settled (indexes) | parts | calibration |\n|---|---|---|---|---|---|---|---|")
        for r in chosen:
            print(f"| {label(r)} | {r['insert_cpu']:.2f} ({r['insert_system_cpu']:.2f}) | {r['insert_ms']:.0f} | {r['merge_cpu']:.2f} (×{r['merged_rows']:.1f}) | {r['fresh']['bytes']:.1f} | {r['settled']['bytes']:.1f} ({r['settled']['index_bytes']:.1f}) | {r['fresh']['parts']} → {r['settled']['parts']} | {' '.join(map(str, r.get('calibration', [])))} |")
        names = ["by_id_fresh", "by_id", "service_duration", "service_duration_newest", "service_slow", "service_slow_newest", "common", "common_newest", "middle_newest", "medium_newest", "rare", "rare_newest", "tag_names", "tag_values"]
        print(f"\n### {keys} keys, {spans / 1e6:g} M spans: milliseconds p50 / p99\n\n| layout | " + " | ".join(n.replace('_', ' ') for n in names) + " |\n" + "|---" * (len(names) + 1) + "|")
        for r in chosen:
            q = {**r.get("queries", {}), "by_id_fresh": r.get("by_id_fresh")}
            print(f"| {label(r)} | " + " | ".join(pair(q.get(n)) for n in names) + " |")
    report_scale(results, pair)
    duels = [r for r in results if r["kind"] == "duel"]
    if duels:
        print("\n### Duels: least CPU s/M of some rounds (median)\n\n| layout | keys | spans | rounds | insert | one merge of all parts | B/span fresh, merged |\n|---|---|---|---|---|---|---|")
        for r in duels:
            print(f"| {r['layout']} | {r['keys']} | {r['spans'] / 1e6:g} M | {r['rounds']} | {r['insert_cpu']:.2f} ({r['insert_median']:.2f}) | {r['merge_cpu']:.2f} ({r['merge_median']:.2f}) | {r['fresh']}, {r['merged']} |")
    rewrites = [r for r in results if r["kind"] == "amplification"]
    if rewrites:
        print("\n### How often merges rewrite a row (blocks of 100,000 one after the other, sort key alone)\n\n| settings | spans | rows merged ×: at the last insert, settled | parts: median, most, settled |\n|---|---|---|---|")
        for r in rewrites:
            print(f"| {r['settings'] or '(defaults)'} | {r['spans'] / 1e6:g} M in {r['seconds']} s | {r['merged_rows_at_end']}, {r['merged_rows']} | {r['median_parts']:.0f}, {r['most_parts']}, {r['parts']} |")
    for r in results:
        if r["kind"] == "tags":
            print(f"\nTag table, {r['keys']} keys: {r['rows']} rows of {r['bytes']:.1f} B; names {pair(r['names'])} ms, values {pair(r['values'])} ms.")
    flows = [r for r in results if r["kind"] == "flow"]
    if flows:
        print("\n### Inserts with merges running\n\n| layout | keys | spans | pause s | CPU s/M, all | rows merged × | parts: most, after, settled | B/span |\n|---|---|---|---|---|---|---|---|")
        for r in flows:
            print(f"| {label(r)} | {r['keys']} | {r['spans'] / 1e6:g} M | {r['pause']} | {r['cpu']:.2f} | {r['merged_rows']:.1f} | {r['most_parts'] or ''}, {r['parts_after_insert']}, {r['settled']['parts']} | {r['settled']['bytes']:.1f} |")


def report_scale(results, pair):
    chosen = [r for r in results if r["kind"] == "scale"]
    if not chosen:
        return
    print("\n### At scale: cost\n\n| layout | keys | spans | CPU s/M, insert and merges: mean of chunks (all) | rows merged × | B/span | parts | peak resident MiB | calibration |\n|---|---|---|---|---|---|---|---|---|")
    for r in chosen:
        merged = f"{sum(r['merged_rows']) / len(r['merged_rows']):.1f}" if r["merged_rows"] else ""
        print(f"| {label(r)} | {r['keys']} | {r['spans'] / 1e6:g} M | {statistics.mean(r['cpu']):.2f} ({' '.join(map(str, r['cpu']))}) | {merged} | {r['settled']['bytes']:.1f} | {r['settled']['parts']} | {r.get('resident_mib', '')} | {' '.join(map(str, r['calibration']))} |")
    names = list(max((r["queries"] for r in chosen), key=len))
    print("\n### At scale: milliseconds p50 / p99 (calls)\n\n| query | " + " | ".join(f"{label(r)}, {r['keys']}" for r in chosen) + " |\n" + "|---" * (len(chosen) + 1) + "|")
    for name in names:
        print(f"| {name.replace('_', ' ')} | " + " | ".join(pair(r["queries"].get(name)) + (f" ({r['queries'][name]['n']})" if r["queries"].get(name) else "") for r in chosen) + " |")


def label(r):
    return r["layout"] + (f" [{r['engine']}]" if r.get("engine") else "") + (f" [{r['settings']}]" if r.get("settings") else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["generate", "run", "flow", "scale", "costs", "duel", "tags", "amplification", "columns", "codecs", "report", "clean"])
    parser.add_argument("layouts", nargs="*", help="names of files in layouts/")
    parser.add_argument("--keys", choices=["few", "many"], default="few", help="attribute keys: about 17, or about 2,900")
    parser.add_argument("--spans", type=int, default=5_000_000)
    parser.add_argument("--engine", default="", help="XML for the engine's configuration")
    parser.add_argument("--settings", default="", help="settings of the queries")
    parser.add_argument("--budget", type=float, default=4.0, help="seconds per query at most, once five calls were measured")
    parser.add_argument("--only", nargs="*", help="names of queries")
    parser.add_argument("--no-queries", action="store_true")
    parser.add_argument("--minutes", type=float, default=1e9, help="scale: no further chunk after so many")
    parser.add_argument("--rounds", type=int, default=3, help="duel: times that each layout is measured")
    parser.add_argument("--variants", nargs="*", default=[""], help="amplification: table settings to compare")
    parser.add_argument("--optimize", action="store_true", help="OPTIMIZE FINAL before the queries")
    parser.add_argument("--pause", type=float, default=0, help="flow: seconds between inserts")
    parser.add_argument("--keep", action="store_true", help="leave the tables and blocks for a look")
    arguments = parser.parse_args()
    os.makedirs(DATA, exist_ok=True)
    if arguments.verb == "generate":
        generate(arguments.spans, arguments.keys)
    elif arguments.verb == "run":
        for name in arguments.layouts:
            run(name, arguments.keys, arguments.spans, arguments.engine, arguments.settings, arguments.keep, arguments.budget, arguments.only, not arguments.no_queries, arguments.optimize)
    elif arguments.verb == "flow":
        for name in arguments.layouts:
            flow(name, arguments.keys, arguments.spans, arguments.engine, arguments.pause, None)
    elif arguments.verb == "amplification":
        amplification(arguments.layouts[0], arguments.keys, arguments.variants, pause=arguments.pause)
    elif arguments.verb == "duel":
        duel(arguments.layouts, arguments.keys, arguments.rounds)
    elif arguments.verb == "tags":
        tags(arguments.keys)
    elif arguments.verb == "costs":
        for name in arguments.layouts:
            column_costs(name, arguments.keys, arguments.only)
    elif arguments.verb == "scale":
        scale(arguments.layouts, arguments.keys, arguments.spans // 5_000_000, arguments.budget, arguments.only, arguments.engine, arguments.minutes)
    elif arguments.verb == "columns":
        with Engine(os.path.join(DATA, "target")) as engine:
            for column, size in columns(engine).items():
                print(f"{size:8.3f} {column}")
    elif arguments.verb == "codecs":
        codecs()
    elif arguments.verb == "report":
        report()
    else:
        shutil.rmtree(DATA, ignore_errors=True)


if __name__ == "__main__":
    main()
