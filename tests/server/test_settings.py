import os
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
