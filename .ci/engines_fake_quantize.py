"""engines_fake_quantize.py HOME WORK: kv_fake_quantize, channel by channel, of the K and V in WORK/attention.json.

Runs in PySpark's Python. Writes WORK/attention.fake.json, which `engines_check.py attention` compares with ONNX Runtime.
"""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession

home, work = map(Path, sys.argv[1:])
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", str(home / "udfs/target/kvscale-udfs.jar"))
    .config("spark.sql.extensions", "io.kvscale.spark.KvScaleExtensions")
    .getOrCreate()
)
given = json.loads((work / "attention.json").read_text())
fake = {}
for scheme, slots in given.items():
    rows = [(role, channel, scale, [float(x) for x in values])
            for role in "kv" for channel, (scale, values) in enumerate(zip(slots[role]["scales"], slots[role]["channels"]))]
    spark.createDataFrame(rows, "role string, channel int, scale double, x array<float>").createOrReplaceTempView("channels")
    found = spark.sql(f"SELECT role, channel, kv_fake_quantize(x, scale, '{scheme}') AS x FROM channels").collect()
    fake[scheme] = {role: [row.x for row in sorted(found, key=lambda row: row.channel) if row.role == role] for role in "kv"}
(work / "attention.fake.json").write_text(json.dumps(fake))
