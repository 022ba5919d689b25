"""Calibrates every night, and exports new scales if the deployed scales no longer fit the data.

    calibrate ── drift ─┬─ exit code 11 ── export ── notify
                        └─ exit code 0 ─── keep

For Airflow 3 with apache-airflow-providers-apache-spark. The connection `spark_default` names the cluster of `calibrate`. The
machine of the task needs spark-submit of Spark 4.2 on its PATH and the jar. `drift` and `export` read only statistics and scales,
so they run in a Spark of their own, without executors.

Nothing is deployed here. `deployed` is the folder that holds the scales in use: put the first result of `calibrate` there by
hand, and replace it when new scales are served.
"""

import logging
import subprocess
from datetime import timedelta

import pendulum
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

DRIFTED = 11
# Wrong options or recipe, bad data, and an output that cannot be written: trying again gives the same error.
FINAL = {2, 3, 4}

# One folder for each run. A retry of a run uses the same one, so calibrate and export overwrite it.
RESULT = "{{ params.results }}/{{ dag_run.run_after | ts_nodash }}"
EXPORT = "{{ params.exports }}/{{ dag_run.run_after | ts_nodash }}"


def text(default, description):
    return Param(default, type="string", minLength=1, description=description)


def kvscale(jar, *arguments):
    """Runs a command that needs no cluster, and returns its exit code, which spark-submit hands on in client mode."""
    command = ["spark-submit", "--master", "local[1]", jar, *arguments]
    logging.info("%s", command)
    code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    if code in FINAL:
        raise AirflowFailException(f"kvscale {arguments[0]} ended with exit code {code}: see its error above")
    return code


@dag(
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    # A state has one writer at a time.
    max_active_runs=1,
    # A state whose writer was lost with its machine is locked for a minute.
    default_args={"retries": 2, "retry_delay": timedelta(minutes=6)},
    params={
        "jar": text("/opt/kvscale/kvscale.jar", "kvscale.jar on the machine of the task"),
        "recipe": text("/opt/kvscale/recipes/fp8_mse.yaml", "recipe; for fail_sqnr_loss it must keep histograms"),
        # One night is lost among many in drift: name the newest captures only, such as a folder of a date.
        "input": text("hdfs:///kvscale/captures", "captures, the newest ones: drift sees no single night among many"),
        "state": text("hdfs:///kvscale/state", "what earlier runs have read of the captures"),
        "results": text("hdfs:///kvscale/results", "gets a folder of scales and statistics in each run"),
        "deployed": text("hdfs:///kvscale/deployed", "the result folder whose scales are in use"),
        "exports": text("hdfs:///kvscale/exports", "gets a folder for the engine whenever data has drifted"),
        "engine": text("vllm", "a target of kvscale export"),
        "fail_saturated": Param(0.001, type="number", minimum=0, maximum=1, description="see kvscale drift --help"),
        "fail_sqnr_loss": Param(1.0, type="number", minimum=0, description="in decibels; see kvscale drift --help"),
    },
    tags=["kvscale"],
    doc_md=__doc__,
)
def kvscale_nightly():
    calibrate = SparkSubmitOperator(
        task_id="calibrate",
        conn_id="spark_default",
        name="kvscale",
        application="{{ params.jar }}",
        # The settings of conf/spark-defaults.conf.
        conf={
            "spark.speculation": "true",
            "spark.speculation.multiplier": "3",
            "spark.speculation.quantile": "0.9",
            "spark.executor.memoryOverheadFactor": "0.2",
            "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
        },
        application_args=[
            *("calibrate", "--recipe", "{{ params.recipe }}"),
            *("--input", "{{ params.input }}", "--state", "{{ params.state }}"),
            *("--output", RESULT, "--overwrite"),
        ],
    )

    @task.branch
    def drift(result, params):
        code = kvscale(
            params["jar"],
            *("drift", "--from", params["deployed"], "--to", result),
            *("--fail-saturated", str(params["fail_saturated"])),
            *("--fail-sqnr-loss", str(params["fail_sqnr_loss"])),
        )
        if code not in (0, DRIFTED):
            raise AirflowException(f"kvscale drift ended with exit code {code}")
        return "export" if code == DRIFTED else "keep"

    @task
    def export(result, folder, params):
        code = kvscale(
            params["jar"],
            *("export", "--scales", result, "--for", params["engine"]),
            *("--output", folder, "--overwrite"),
        )
        if code != 0:
            raise AirflowException(f"kvscale export ended with exit code {code}")

    @task
    def notify(result, folder):
        """Replace this by a message to those who deploy."""
        logging.warning("the deployed scales no longer fit: new scales are in %s, for the engine in %s", result, folder)

    decision = drift(RESULT)
    calibrate >> decision
    decision >> export(RESULT, EXPORT) >> notify(RESULT, EXPORT)
    decision >> EmptyOperator(task_id="keep")


kvscale_nightly()
