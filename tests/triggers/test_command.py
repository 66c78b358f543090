"""Commands: really run, on this machine, for a moment."""

import os
import subprocess
import sys
import time

import pytest

from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.ports import TriggerError
from interlock.triggers.allowed_commands import AllowedCommands
from interlock.triggers.command import CommandTrigger
from interlock.triggers.outside import Outside
from interlock.triggers.processes import OsProcesses
from triggers.requests_for import RUN_ID, a_request


def a_trigger(*, allowed="*", seconds=10):
    return CommandTrigger(
        Outside(
            clients=None,
            http=None,
            processes=OsProcesses(),
            in_background=None,
            allowed_commands=AllowedCommands.listed(allowed),
            answer_seconds=seconds,
        )
    )


def python(code, *arguments):
    return {"command": [sys.executable, "-I", "-S", "-c", code, *arguments]}


def run(config, **changes):
    return a_trigger(**changes).start(a_request(config)).answer()


def test_exit_code_zero_is_success():
    assert run(python("print('x' * 100_000)")) == Outcome(JobEnd.SUCCESS)


def test_any_other_exit_code_is_a_failure_with_its_last_words():
    outcome = run(python("import sys; sys.stderr.write('noise\\n' * 100_000 + 'no space left'); sys.exit(3)"))

    assert outcome.end is JobEnd.FAIL
    assert outcome.error.startswith("exit code 3: ")
    assert outcome.error.endswith("noise no space left")
    assert len(outcome.error) < 900


def test_no_shell_reads_the_arguments():
    outcome = run(python("import sys; sys.exit(sys.argv[1])", "$HOME; exit 0"))

    assert outcome.error == "exit code 1: $HOME; exit 0"


def test_a_command_finds_its_period_and_nothing_of_our_environment(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    show = "import os, sys; sys.exit(' '.join(sorted(f'{k}={v}' for k, v in os.environ.items() if k != 'LC_CTYPE')))"

    shown = run(python(show)).error

    assert shown == (
        "exit code 1: INTERLOCK_JOB_ATTEMPT=1 INTERLOCK_JOB_DATE=2026-03-01 INTERLOCK_JOB_HOUR=18 "
        "INTERLOCK_JOB_PAR_DAY=20260301 INTERLOCK_JOB_PAR_HOUR=18 INTERLOCK_JOB_PIPELINE=gold-revenue "
        f"INTERLOCK_JOB_RUN_ID={RUN_ID} LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin"
    )


def test_a_command_that_takes_too_long_is_ended_with_its_children():
    children = (
        "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(30)']);"
        "sys.stderr.write(str(child.pid)); sys.stderr.flush(); time.sleep(30)"
    )

    outcome = run(python(children), seconds=0.5)

    assert (outcome.end, outcome.category) == (JobEnd.TIMEOUT, FailureCategory.TIMEOUT)
    assert eventually_gone(int(outcome.error.split()[-1]))


def test_a_command_that_will_not_end_when_asked_is_ended_all_the_same(monkeypatch):
    monkeypatch.setattr("interlock.triggers.processes._GRACE_SECONDS", 0.1)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(30)"

    began = time.monotonic()
    assert run(python(deaf), seconds=0.5).end is JobEnd.TIMEOUT
    assert time.monotonic() - began < 20


def test_a_cancelled_command_has_failed():
    trigger = a_trigger()
    started = trigger.start(a_request(python("import time; time.sleep(30)")))

    trigger.cancel(started.handle)

    assert started.answer().end is JobEnd.FAIL


def test_a_later_process_with_the_same_pid_is_left_alone():
    bystander = subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(30)"], start_new_session=True
    )
    try:
        a_trigger().cancel({"pid": bystander.pid, "startedAt": "12345"})

        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_process_that_cannot_be_told_from_others_is_not_ended():
    with pytest.raises(TriggerError, match="cannot be told from others"):
        a_trigger().cancel({"pid": os.getpid(), "startedAt": ""})


@pytest.mark.parametrize(
    ("allowed", "program"),
    [
        pytest.param("", "/usr/bin/touch", id="nothing is allowed"),
        pytest.param(" , ,", "/usr/bin/touch", id="nothing, in other words"),
        pytest.param("/usr/bin/true", "/usr/bin/touch", id="another program"),
        pytest.param("touch", "/usr/bin/touch", id="the name alone is not the path"),
        pytest.param("/usr/bin/touch", "touch", id="the path is not the name alone"),
        pytest.param("/usr/bin", "/usr/bin/touch", id="its folder"),
        pytest.param("/usr/bin/touch2", "/usr/bin/touch", id="a longer name"),
        pytest.param("/usr/bin/*", "/usr/bin/touch", id="a pattern is no pattern"),
        pytest.param("/usr/bin/touch", "/usr/bin/../bin/touch", id="another way to write the path"),
        pytest.param("TOUCH", "touch", id="other letters"),
        pytest.param("touch", "touch ", id="a blank behind it"),
        pytest.param("touch", "touch,", id="a comma behind it"),
        pytest.param("./touch", "./touch", id="a relative path"),
        pytest.param("../bin/touch", "../bin/touch", id="a relative path upwards"),
        pytest.param("bin/touch", "bin/touch", id="a relative path without a dot"),
    ],
)
def test_a_program_that_is_not_allowed_is_not_started(tmp_path, monkeypatch, allowed, program):
    monkeypatch.chdir("/usr")
    trace = tmp_path / "trace"

    with pytest.raises(TriggerError, match="does not allow the command") as error:
        a_trigger(allowed=allowed).start(a_request({"command": [program, str(trace)]}))

    assert error.value.permanent
    assert not trace.exists()


@pytest.mark.parametrize(
    ("allowed", "program"),
    [
        pytest.param("/usr/bin/touch", "/usr/bin/touch", id="by its path"),
        pytest.param("touch", "touch", id="by its name, found on the path"),
        pytest.param("/opt/report, touch ,echo", "touch", id="one of several, with blanks between"),
        pytest.param("*", "touch", id="any"),
    ],
)
def test_a_program_that_is_allowed_is_started(tmp_path, allowed, program):
    trace = tmp_path / "trace"

    a_trigger(allowed=allowed).start(a_request({"command": [program, str(trace)]})).answer()

    assert trace.exists()


def test_a_program_with_a_blank_in_its_name_can_be_allowed(tmp_path):
    program = tmp_path / "daily report"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)

    outcome = run({"command": [str(program)]}, allowed=f"echo,{program}")

    assert outcome.error.startswith("exit code 3")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("/opt/report", "the command /opt/report; name it in allowed_commands of the Terraform module"),
        ("./report", "the command ./report: a relative path cannot be allowed; write the absolute one"),
        ("/opt/a,b", "the command /opt/a,b: a program with a comma in its name"),
        ("/opt/report\n", "or a blank around it, cannot be allowed; rename it"),
    ],
)
def test_a_refusal_names_the_program_and_says_what_to_change(program, words):
    with pytest.raises(TriggerError) as error:
        a_trigger(allowed="echo").start(a_request({"command": [program]}))

    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "command",
    [
        None,
        "rm -rf /",
        [],
        [""],
        ["ls", 7],
        ["/no/such/program"],
        ["/etc/passwd"],
        ["ls", "a\0b"],
    ],
)
def test_what_cannot_be_run_is_a_permanent_error(command):
    with pytest.raises(TriggerError) as error:
        a_trigger().start(a_request({"command": command}))

    assert (error.value.permanent, error.value.unknown_outcome) == (True, False)


def eventually_gone(pid):
    """A killed child is a zombie until its new parent has looked at it."""
    for _ in range(200):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.02)
    return False
