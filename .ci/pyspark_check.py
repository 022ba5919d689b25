"""pyspark_check.py local|cluster|connect HOME STATISTICS: checks kvscale's SQL in a PySpark session of that kind.

Computes the statistics of conf/sample in several ways, checks that all are equal, and writes them to a file.
"""

import base64
import sys
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession, functions as F

ARGUMENTS = ("layer", "role", "dtype", "heads", "head_dim", "data", "sample")
AGGREGATE = f"kv_stats_agg({', '.join(ARGUMENTS)})"
FUNCTIONS = (
    "kv_stats_agg",
    "kv_stats_union_agg",
    "kv_stats_union",
    "kv_stats_info",
    "kv_scales",
    "kv_quantize",
    "kv_dequantize",
    "kv_fake_quantize",
    "kv_quantization_error",
)
# (function, arguments in SQL, result): called as SQL, by expr and by call_function.
CALLS = (
    ("kv_quantize", ("array(1.0, -2.5)", "0.05D", "'int8'"), bytes.fromhex("14CE")),
    ("kv_dequantize", ("X'14CE'", "0.05D", "'int8'"), [1.0, -2.5]),
    ("kv_fake_quantize", ("array(1.1, -2.6)", "0.5D", "'int8'"), [1.0, -2.5]),
    ("kv_fake_quantize", ("X'803f20c0'", "'BF16'", "0.05D", "'fp8'"), bytes.fromhex("803F1AC0")),
    ("kv_quantization_error", ("array(1.0, 3.5)", "0.5D", "'int4'"), (float("inf"), 0.0, 0.0, 0)),
)
# (wrong call, the argument that its error must name)
BAD_CALLS = (
    ("kv_scales(stats, 'fp9')", "scheme"),
    ("kv_quantize(array(1.0), -1.0, 'int8')", "scale"),
    ("kv_quantize(array(1.0), 0.05, 'int9')", "format"),
    ("kv_scales(stats, 8.5)", "scheme"),
    ("kv_stats_info(X'00')", "stats"),
)


def session(kind, home):
    if kind == "connect":
        builder = SparkSession.builder.remote("local[2]")
    else:
        builder = SparkSession.builder.master({"local": "local[2]", "cluster": "local-cluster[2,1,1024]"}[kind])
    return (
        builder.config("spark.jars", str(home / "udfs/target/kvscale-udfs.jar"))
        .config("spark.sql.extensions", "io.kvscale.spark.KvScaleExtensions")
        .getOrCreate()
    )


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: got {got!r:.300}, expected {wanted!r:.300}")


def call(name, *columns):
    return F.call_function(name, *columns)


def statistics(spark, home):
    """Checks that SQL, Columns, groups with a union, and rows from Parquet all give the same bytes."""
    kv = spark.read.format("kvtensors").load(str(home / "conf/sample"))
    expect("rows of conf/sample", kv.count(), 120)
    kv.createOrReplaceTempView("captures")
    groups = spark.sql(f"SELECT layer, role, {AGGREGATE} AS stats FROM captures GROUP BY layer, role")
    expect("groups", groups.count(), 60)
    stats = bytes(groups.agg(call("kv_stats_union_agg", "stats")).first()[0])

    expect("kv_stats_agg in SQL", bytes(spark.sql(f"SELECT {AGGREGATE} FROM captures").first()[0]), stats)
    expect("kv_stats_agg by call_function", bytes(kv.agg(call("kv_stats_agg", *ARGUMENTS)).first()[0]), stats)
    expect("kv_stats_agg by expr", bytes(kv.agg(F.expr(AGGREGATE)).first()[0]), stats)
    two = spark.sql(
        f"SELECT kv_stats_union((SELECT {AGGREGATE} FROM captures WHERE layer < 7),"
        f" (SELECT {AGGREGATE} FROM captures WHERE layer >= 7))"
    )
    expect("kv_stats_union of two parts", bytes(two.first()[0]), stats)

    # Spark breaks base64 into lines. The documented tr command removes the breaks.
    text = spark.sql(f"SELECT base64({AGGREGATE}) FROM captures").first()[0]
    expect("base64 in SQL", base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True), stats)

    with tempfile.TemporaryDirectory() as folder:
        kv.write.parquet(f"{folder}/kv")
        again = spark.read.parquet(f"{folder}/kv")
        expect("kv_stats_agg over Parquet", bytes(again.agg(call("kv_stats_agg", *ARGUMENTS)).first()[0]), stats)
    return stats


def scales(spark, stats):
    spark.createDataFrame([(stats,)], "stats binary").createOrReplaceTempView("one")
    by_sql = spark.sql("SELECT inline(kv_scales(stats, 'fp8')) FROM one").collect()
    by_column = spark.table("one").select(F.inline(call("kv_scales", "stats", F.lit("fp8")))).collect()
    expect("kv_scales by call_function", by_column, by_sql)
    expect("slots", len(by_sql), 60)
    info = spark.sql("SELECT inline(kv_stats_info(stats).slots) FROM one").collect()
    for slot, row in zip(info, by_sql):
        expect("slot", (row.layer, row.role, row.shape), (slot.layer, slot.role, [1]))
        # Python computes the F32 quotient in F64, so the comparison allows for rounding.
        wanted = max(-slot.min, slot.max) / 448
        if abs(row.scale[0] - wanted) > 1e-7 * wanted:
            sys.exit(f"scale of {slot}: {row.scale[0]}")


def calls(spark):
    for name, arguments, wanted in CALLS:
        written = f"{name}({', '.join(arguments)})"
        for way, result in (
            ("SQL", spark.sql(f"SELECT {written}")),
            ("expr", spark.range(1).select(F.expr(written))),
            ("call_function", spark.range(1).select(call(name, *(F.expr(a) for a in arguments)))),
        ):
            got = result.first()[0]
            got = bytes(got) if isinstance(wanted, bytes) else tuple(got) if isinstance(wanted, tuple) else got
            expect(f"{written} by {way}", got, wanted)


def descriptions(spark):
    for name in FUNCTIONS:
        text = "\n".join(row[0] for row in spark.sql(f"DESCRIBE FUNCTION EXTENDED {name}").collect())
        for part in (f"Function: {name}", f"Usage: {name}(", "Arguments:", "Examples:", "SELECT ", "Since: "):
            if part not in text:
                sys.exit(f"DESCRIBE FUNCTION EXTENDED {name} has no '{part}':\n{text}")


def errors(spark):
    for written, argument in BAD_CALLS:
        try:
            spark.sql(f"SELECT {written} FROM one").collect()
        except Exception as e:
            said = str(e)
        else:
            sys.exit(f"{written} did not fail")
        function = written.split("(")[0]
        # Spark reports a wrong type, kvscale a wrong value.
        if function not in said or not (f"argument {argument}" in said or f"`{argument}` parameter" in said):
            sys.exit(f"the error of {written} names no argument {argument}:\n{said}")


def readme(spark, home):
    """Runs README's SQL as it stands, with relative paths from the top level."""
    block = (home / "README.md").read_text(encoding="utf-8").split("```sql\n")[1].split("```")[0]
    for statement in filter(str.strip, block.split(";")):
        rows = spark.sql(statement).collect()
    expect("rows of README's query", len(rows), 60)


def main(kind, home, to):
    spark = session(kind, Path(home))
    expect("a Spark Connect session", ".connect." in type(spark).__module__, kind == "connect")
    stats = statistics(spark, Path(home))
    if kind == "cluster":
        executors = len(spark.sparkContext._jsc.sc().statusTracker().getExecutorInfos()) - 1
        expect("executors beside the driver", executors, 2)
    scales(spark, stats)
    calls(spark)
    descriptions(spark)
    readme(spark, Path(home))
    errors(spark)
    Path(to).write_bytes(stats)
    print(f"  {kind}: {len(FUNCTIONS)} functions, by SQL and by Column; {len(BAD_CALLS)} bad calls name the argument")
    spark.stop()


main(*sys.argv[1:])
