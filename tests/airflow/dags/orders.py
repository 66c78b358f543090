"""What the tests start on a real Airflow. Read by Airflow's own Python, not by ours."""

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import dag, task


@dag(schedule=None, is_paused_upon_creation=False)
def load_orders():
    """Succeeds if it was told its date."""

    @task
    def load(dag_run=None):
        assert dag_run.conf["date"] == "2026-03-01"

    load()


@dag(schedule=None, is_paused_upon_creation=False)
def spoil_orders():
    """Fails."""

    @task
    def load():
        raise ValueError("no orders")

    load()


@dag(schedule=None, is_paused_upon_creation=False)
def hold_orders():
    """Runs for long, in a process whose id it writes where it is told to."""
    BashOperator(task_id="hold", bash_command="echo $$ > '{{ dag_run.conf.pid_file }}'; exec sleep 60")


@dag(schedule=None, is_paused_upon_creation=True)
def paused_orders():
    """Never runs."""
    BashOperator(task_id="load", bash_command="true")


load_orders()
spoil_orders()
hold_orders()
paused_orders()
