"""The `folkmoot` command: what it does, and how it says that it cannot."""

import asyncio
import resource
import socket
import sqlite3
import subprocess
import sys
from json import dumps
from pathlib import Path

import psutil
import pytest
from typer.main import get_command

from folkmoot import __version__
from folkmoot.cli.main import app as cli
from folkmoot.server.settings import Settings
from tests.clients import PASSWORD, clients_of, new_lobby, registered
from tests.deadlines import WITHIN_S
from tests.programs import run
from tests.running import Server


def is_one_sentence(text: str) -> bool:
    return text.startswith("folkmoot: ") and text.count("\n") == 1 and text.endswith(".\n")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def made(data: Path) -> Path:
    """A data folder with an up-to-date database in it."""
    assert run("migrate", "--data", str(data)).returncode == 0
    return data


def test_the_package_is_run_as_the_command():
    command = [sys.executable, "-m", "folkmoot", "version"]
    end = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=True)
    assert end.stdout == f"{__version__}\n"


@pytest.mark.parametrize(
    "command", [[], ["serve"], ["doctor"], ["migrate"], ["account"], ["account", "create"]]
)
def test_the_help_fits_a_terminal_and_leaves_no_name_out(command):
    end = run(*command, "--help", COLUMNS="80", TERM="dumb")
    assert end.returncode == 0
    assert [line for line in end.stdout.splitlines() if len(line) > 80] == []
    assert "..." not in end.stdout.replace("[ARGS]...", "")
    if command in (["serve"], ["doctor"]):
        flags = {f"--{name.replace('_', '-')}" for name in Settings.model_fields}
        assert flags <= set(end.stdout.split())


# -- settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_a_flag_of_the_same_name(name):
    flags = get_command(cli).commands["serve"].params
    assert f"--{name.replace('_', '-')}" in [text for flag in flags for text in flag.opts]


def test_flags_count_before_variables_and_both_before_the_file(data, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('title = "file"\nlog_format = "json"\nsend_burst = 1\nlimits = false\n')
    variables = {"FOLKMOOT_TITLE": "variable", "FOLKMOOT_SEND_BURST": "2"}
    flags = (
        "--title",
        "flag",
        "--limits",
        "--allowed-origins",
        "https://a.example,https://b.example",
    )
    end = run("doctor", "--config", str(file), "--data", str(data), *flags, **variables)
    for line in (
        "title = flag",
        "limits = True",
        "allowed_origins = ['https://a.example', 'https://b.example']",
        "send_burst = 2",
        "log_format = json",
    ):
        assert f"  {line}\n" in end.stdout


# -- starts that are refused -----------------------------------------------------------------------


def refused(*arguments: str, **settings: str) -> str:
    """Why it did not start: one sentence, and exit code 1."""
    end = run("serve", *arguments, **settings)
    assert end.returncode == 1, end.stderr
    assert is_one_sentence(end.stderr), end.stderr
    assert end.stdout == ""
    return end.stderr


def test_a_taken_port_is_refused_with_what_to_do(data):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        sentence = refused("--port", port, "--data", str(data))
    assert port in sentence
    assert "--port" in sentence


def test_an_address_that_is_not_ours_is_refused(data):
    assert "--host" in refused("--host", "192.0.2.1", "--port", "0", "--data", str(data))


def test_a_data_folder_that_cannot_be_written_is_refused(data):
    data.write_text("a file in its place")
    assert str(data) in refused("--port", "0", "--data", str(data))


def test_a_damaged_database_is_refused_and_left_as_it_is(data):
    data.mkdir()
    database = data / "folkmoot.db"
    database.write_bytes(b"this is no database at all" * 1000)
    before = database.read_bytes()
    assert "damaged" in refused("--port", "0", "--data", str(data))
    assert database.read_bytes() == before


def test_a_database_of_a_newer_version_is_refused(made):
    with sqlite3.connect(made / "folkmoot.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    database.close()
    assert "newer" in refused("--port", "0", "--data", str(made))


def test_a_second_server_on_the_same_data_is_refused(tmp_path):
    with Server(tmp_path) as server:
        assert "Another" in refused("--port", "0", "--data", str(server.data))


def test_demo_data_is_refused_where_others_have_accounts(made):
    create = ("account", "create", "ana", "--email", "ana@example.com", "--data", str(made))
    assert run(*create).returncode == 0
    assert "--demo" in refused("--demo", "--port", "0", "--data", str(made))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"FOLKMOOT_SECRET": "too short"}, "FOLKMOOT_SECRET"),
        ({"FOLKMOOT_WORKERS": "2"}, "workers"),
        ({"FOLKMOOT_LIMITS": "perhaps"}, "limits"),
        ({"FOLKMOOT_ISSUERS": "not json"}, "issuers"),
        ({"FOLKMOOT_SEND_PER_MINUTE": "-1"}, "send_per_minute"),
        ({"FOLKMOOT_DATABASE": "mysql://here"}, "mysql"),
        ({"FOLKMOOT_DATABASE": "postgresql://127.0.0.1:1/nowhere"}, "127.0.0.1"),
        ({"FOLKMOOT_LOG_LEVEL": "loud"}, "log_level"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(data, settings, named):
    assert named in refused("--port", "0", "--data", str(data), **settings)


@pytest.mark.parametrize("text", ["port = [", 'prot = "8000"', "port = 'x'"])
def test_a_settings_file_that_is_wrong_is_refused(data, tmp_path, text):
    settings = tmp_path / "settings.toml"
    settings.write_text(text)
    refused("--config", str(settings), "--data", str(data))


def test_several_workers_are_refused(data):
    assert "workers" in refused("--workers", "2", "--data", str(data))


# -- other commands --------------------------------------------------------------------------------


def test_the_doctor_finds_a_fresh_machine_well_and_hides_secrets(data):
    secret = "".join(f"{number:x}" for number in range(7, 60))
    end = run("doctor", "--data", str(data), FOLKMOOT_SECRET=secret, FOLKMOOT_PORT="0")
    assert end.returncode == 0, end.stdout
    assert end.stdout.count("  ok ") == 8
    assert "port = 0" in end.stdout
    assert secret not in end.stdout


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ana:s3/cr@t@127.0.0.1:1/nowhere",
        "postgresql://127.0.0.1:1/nowhere?user=ana&password=s3%2Fcr%40t",
        "postgresql://ana@127.0.0.1:1/nowhere?sslpassword=s3/cr@t&user=bo",
    ],
)
def test_the_doctor_hides_the_password_in_a_database_url(data, url):
    end = run("doctor", "--data", str(data), "--port", "0", "--database", url)
    assert end.returncode == 1
    assert "127.0.0.1:1/nowhere" in end.stdout
    assert "s3" not in end.stdout
    assert "cr@t" not in end.stdout


def test_the_doctor_hides_the_secrets_of_a_bucket_and_of_issuers(data):
    issuer = {"issuer": "https://ana.example", "audience": "folkmoot", "secret": "hidden" * 8}
    bucket = "s3://key:hidden@bucket/prefix?aws_secret_access_key=hidden"
    flags = ("--files-url", bucket, "--issuers", dumps([issuer]), "--port", "0")
    end = run("doctor", "--data", str(data), *flags)
    assert "bucket/prefix" in end.stdout
    assert "ana.example" in end.stdout
    assert "hidden" not in end.stdout


def test_the_doctor_names_what_is_wrong(made):
    (made / "folkmoot.db").write_bytes(b"this is no database at all" * 1000)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        end = run("doctor", "--data", str(made), FOLKMOOT_PORT=port)
    assert end.returncode == 1
    wrong = [line.split(":")[0].split()[1] for line in end.stdout.splitlines() if "WRONG" in line]
    assert wrong == ["database", "port"]


FEW_FILES = """
import resource, sys
most = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_NOFILE, (most // 2, most))
from folkmoot.cli.main import app
app()
"""


@pytest.mark.parametrize(
    ("most", "code", "finding"),
    [
        (1024, 0, "ok     open files: up to 1024, too little for more than 924 connections"),
        (128, 1, "WRONG  open files: The machine allows 128 at once"),
    ],
)
def test_the_doctor_says_how_many_files_the_machine_allows(data, most, code, finding):
    doctor = [sys.executable, "-c", FEW_FILES, str(most), "doctor", "--data", str(data)]
    end = subprocess.run(
        [*doctor, "--port", "0"], capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert (end.returncode, end.stderr) == (code, "")
    assert finding in end.stdout


def few_files_at_first() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))


def test_a_server_takes_as_many_open_files_as_the_machine_allows(tmp_path):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 1_048_576 if hard == resource.RLIM_INFINITY else min(hard, 1_048_576)
    with Server(tmp_path, prepare=few_files_at_first) as server:
        assert psutil.Process(server.pid).rlimit(psutil.RLIMIT_NOFILE)[0] == most


def test_migrating_twice_is_migrating_once(made):
    before = (made / "folkmoot.db").read_bytes()
    assert run("migrate", "--data", str(made)).returncode == 0
    assert (made / "folkmoot.db").read_bytes() == before


def test_accounts_are_made_promoted_and_given_a_password_where_no_server_runs(made):
    data = ("--data", str(made))
    create = run("account", "create", "Dee", "--email", "dee@example.com", *data)
    assert create.returncode == 0, create.stderr
    again = run("account", "create", "dee", "--email", "other@example.com", *data)
    assert again.returncode == 1
    assert is_one_sentence(again.stderr)
    assert run("account", "role", "dee", "admin", *data).returncode == 0
    assert run("account", "password", "dee", *data).returncode == 0
    last = run("account", "deactivate", "dee", *data)
    assert last.returncode == 1
    assert is_one_sentence(last.stderr), "the last admin can be deactivated"


async def test_who_was_deactivated_is_refused_everywhere(tmp_path):
    with Server(tmp_path) as server:
        ana, bo = (registered(server, name) for name in ("ana", "bo"))
        async with clients_of(server, ana, bo) as (gone, other):
            lobby = await new_lobby(other, gone)
            deactivate = ("account", "deactivate", ana.name, "--data", str(server.data))
            end = await asyncio.to_thread(run, *deactivate)
            assert end.returncode == 0, end.stderr
            assert (await gone.ask("GET", "/auth/me")).status_code == 403
            form = {"username": ana.name, "password": PASSWORD}
            answer = await gone.ask("POST", "/auth/token", data=form)
            assert (answer.status_code, answer.json()["code"]) == (403, "account_inactive")
            code, _ = await (await gone.connect(f"/conversations/{lobby}/ws")).end()
            assert code == 4000


@pytest.mark.parametrize(
    "arguments",
    [
        ("role", "nobody", "admin"),
        ("deactivate", "nobody"),
        ("password", "nobody"),
        ("create", "not a name", "--email", "a@example.com"),
        ("create", "fine", "--email", "not an address"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_command_that_cannot_be_done_says_so_in_one_sentence(made, arguments):
    end = run("account", *arguments, "--data", str(made))
    assert end.returncode == 1
    assert is_one_sentence(end.stderr), end.stderr


def test_a_weak_password_is_refused(made):
    create = ("account", "create", "ana", "--email", "ana@example.com", "--data", str(made))
    end = run(*create, FOLKMOOT_ACCOUNT_PASSWORD="password1")
    assert end.returncode == 1
    assert is_one_sentence(end.stderr)


def test_a_password_on_the_command_line_is_taken_with_a_warning(made):
    create = ("account", "create", "bo", "--email", "bo@example.com", "--data", str(made))
    end = run(*create, "--password", "Correct-horse-7")
    quiet = run("account", "password", "bo", "--data", str(made))
    assert (end.returncode, quiet.returncode, quiet.stderr) == (0, 0, "")
    assert is_one_sentence(end.stderr)
    assert "can be read by whoever lists the processes" in end.stderr
    assert "Correct-horse-7" not in end.stderr + end.stdout


def test_a_password_is_read_from_standard_input(made):
    """What is piped is seen by nobody else."""
    command = ("account", "password", "ana", "--password-stdin", "--data", str(made))
    end = run(*command)
    both = run(*command, "--password", "Correct-horse-7")
    assert (end.returncode, both.returncode) == (1, 1)
    assert "no password on standard input" in end.stderr
    assert "not both" in both.stderr
