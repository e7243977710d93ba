import os
import re
from pathlib import Path

import pytest

from folkmoot.server.settings import load_settings


@pytest.mark.parametrize(
    "text", ["/var/log/a.log, logs/*.gz ,", f"/var/log/a.log{os.pathsep}logs/*.gz"]
)
def test_logs_are_named_with_a_comma_or_a_colon_between(monkeypatch, text):
    monkeypatch.setenv("FOLKMOOT_ASSISTANT_LOGS", text)
    assert load_settings(None).assistant_logs == ["/var/log/a.log", "logs/*.gz"]


def test_the_servers_own_logs_are_in_the_data_folder(tmp_path):
    settings = load_settings(None, data=tmp_path)
    assert settings.assistant_logs == []
    assert settings.own_logs == Path(tmp_path) / "logs"


def test_the_zones_of_logs_are_for_all_or_for_one_source(monkeypatch):
    monkeypatch.setenv("FOLKMOOT_ASSISTANT_LOGS", "/var/log/a.log,/srv/x=y/*.log")
    monkeypatch.setenv("FOLKMOOT_ASSISTANT_LOG_ZONES", "Europe/Berlin, /srv/x=y/*.log=Asia/Tokyo")
    zones = load_settings(None).log_zones
    assert zones == {"": "Europe/Berlin", "/srv/x=y/*.log": "Asia/Tokyo"}


@pytest.mark.parametrize(
    ("zones", "sentence"),
    [
        ("Europe/Berlyn", "'Europe/Berlyn' is no zone of the tz database"),
        ("CEST", "'CEST' is no zone of the tz database"),
        ("../etc/passwd", "is no zone of the tz database"),
        ("/var/log/a.log=", "'' is no zone of the tz database"),
        ("/var/log/b.log=UTC", "'/var/log/b.log' is not among the logs of assistant_logs"),
    ],
)
def test_a_wrong_zone_of_logs_is_refused_with_a_sentence(monkeypatch, zones, sentence):
    monkeypatch.setenv("FOLKMOOT_ASSISTANT_LOGS", "/var/log/a.log")
    monkeypatch.setenv("FOLKMOOT_ASSISTANT_LOG_ZONES", zones)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        load_settings(None)
