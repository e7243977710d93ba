"""Each budget, proven on small sources that keep it and small sources that do not."""

import pytest

from tools import budgets


def function(lines: int, name: str = "long") -> str:
    return f"def {name}():\n" + "    x = 1\n" * lines


def short(count: int) -> str:
    return "\n".join(function(1, f"short_{number}") for number in range(count))


def test_a_tree_with_nothing_in_it_is_within_budget(tree):
    assert tree.found() == []


@pytest.mark.parametrize("path", ["src/a.py", "tests/a.py", "tools/a.py", "benchmarks/a.py"])
def test_a_file_of_600_lines_is_too_long_and_one_of_599_is_not(tree, path):
    tree.write(path, "x = 1\n" * 599)
    assert tree.found() == []
    tree.write(path, "x = 1\n" * 600)
    assert tree.found() == [f"{path}:600: file-length"]


def test_a_page_counts_as_a_file_but_what_others_wrote_does_not(tree):
    tree.write("src/static/chat.js", "//\n" * 600)
    tree.write("src/static/vendor/other.js", "//\n" * 600)
    assert tree.found() == ["src/static/chat.js:600: file-length"]


def test_a_function_has_60_code_lines_at_most(tree):
    tree.write("src/a.py", short(9) + "\n" + function(60))
    assert tree.found() == []
    tree.write("src/a.py", function(61) + "\n" + short(9))
    assert tree.found() == ["src/a.py:1: function-length"]


def test_docstring_comments_and_blank_lines_are_no_code_lines(tree):
    notes = '    """One.\n\n    Two.\n    """\n' + "    # why\n\n" * 40
    tree.write("src/a.py", short(9) + "\n" + function(60).replace("\n", "\n" + notes, 1))
    assert tree.found() == []


def test_the_lines_of_a_string_and_of_a_function_inside_are_code_lines(tree):
    text = "    x = '''\n" + "\n" * 40 + "'''\n"
    inside = "    @wrap\n    def inner():\n" + "        x = 1\n" * 20
    tree.write("src/a.py", short(18) + "\ndef outer():\n" + text + inside)
    assert [finding.split()[-1] for finding in tree.found()] == ["function-length"]


def test_nine_functions_in_ten_are_under_25_lines(tree):
    tree.write("src/a.py", short(9) + "\n" + function(25))
    assert tree.found() == []
    tree.write("src/a.py", short(8) + "\n" + function(25))
    assert [finding.split()[-1] for finding in tree.found()] == ["function-share"]
    tree.write("src/a.py", short(8) + "\n" + function(24))
    assert tree.found() == []


def test_the_share_is_reckoned_apart_for_the_code_and_for_its_tests(tree):
    tree.write("src/a.py", short(100))
    tree.write("tests/a.py", function(25))
    assert tree.found() == ["tests/a.py:1: function-share"]


def test_a_port_of_promises_does_not_better_the_share(tree):
    port = "".join(f"def p{n}():\n    '''Promise.'''\n    ...\n" for n in range(90))
    tree.write("src/a.py", function(25) + port)
    assert tree.found() == ["src/a.py:1: function-share"]


@pytest.mark.parametrize(
    "comment",
    [
        "# type: ignore",
        "# type: ignore[arg-type]",
        "# type: ignore # because the stubs are wrong",
        "# noqa",
        "# noqa: S608",
        "# noqa: S608, E501  # -",
        "# noqa because it is fine",
        "# type: ignore[arg-type]  # noqa: E501",
        "# ruff: noqa: E501",
    ],
)
def test_an_excuse_without_code_and_reason_is_found(tree, comment):
    for path in ("src/a.py", "tests/a.py"):
        tree.write(path, f"x = 1\ny = 2  {comment}\n")
    assert tree.found() == ["src/a.py:2: excuse", "tests/a.py:2: excuse"]


@pytest.mark.parametrize(
    "comment",
    [
        "# type: ignore[arg-type]  # the stubs lack the keyword",
        "# noqa: S608  # the name is a constant",
        "# noqa: S608, E501 - the name is a constant",
        "# type: ignore[arg-type]  # noqa: E501  # the stubs lack it",
        "# ruff: noqa: E501  # a table",
        "# a remark",
    ],
)
def test_an_excuse_with_code_and_reason_passes(tree, comment):
    tree.write("src/a.py", f"x = 1  {comment}\n")
    assert tree.found() == []


def test_an_excuse_in_a_string_is_none(tree):
    tree.write("src/a.py", 'x = "# type: ignore"\n')
    assert tree.found() == []


def test_what_is_left_to_do_is_found_in_comments_docstrings_and_pages(tree):
    tree.write("src/a.py", '"""One.\n\nFIXME: this.\n"""\nx = "TODO"\ny = 1  # TODO later\n')
    tree.write("src/page.html", "<p>\n<!-- XXX -->\n")
    assert tree.found() == [
        "src/a.py:3: left-to-do",
        "src/a.py:6: left-to-do",
        "src/page.html:2: left-to-do",
    ]


@pytest.mark.parametrize(
    "lines",
    [
        "import time\ntime.sleep(1)",
        "import time as clock\nclock.sleep(0.1)",
        "from time import sleep\nsleep(1)",
        "import asyncio\nasyncio.sleep(0.1)",
        "import asyncio\nasyncio.sleep(delay)",
        "import asyncio\nasyncio.sleep(1)  # polls:",
        "from asyncio import sleep as nap\nnap(1)",
        "\npage.wait_for_timeout(500)",
    ],
)
def test_a_test_that_sleeps_is_found(tree, lines):
    tree.write("tests/a.py", lines + "\n")
    assert tree.found() == ["tests/a.py:2: sleep"]


@pytest.mark.parametrize(
    "lines",
    [
        "import asyncio\nasyncio.sleep(0)",
        "import time\ntime.sleep(0.01)  # polls: only the port tells that it is up",
        "clock.sleep(1)",
    ],
)
def test_yielding_a_turn_and_polling_with_a_reason_are_no_sleep(tree, lines):
    tree.write("tests/a.py", lines + "\n")
    assert tree.found() == []


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        ("from unittest.mock import Mock\nx = Mock()", 1),
        ("from unittest import mock\nx = mock.Mock()", 1),
        ("import unittest.mock\nx = 1", 1),
        ("def test_a(monkeypatch):\n    monkeypatch.setattr(x, 'y', 1)", 2),
        ("def test_a(mocker):\n    mocker.patch('x')", 2),
    ],
)
def test_a_mock_in_few_tests_is_found(tree, lines, first):
    tree.write("tests/a.py", lines + "\n")
    assert tree.found() == [f"tests/a.py:{first}: mocks"]


def test_mocks_are_weighed_against_the_number_of_tests(tree):
    tests = "\n".join(function(1, f"test_{number}") for number in range(20))
    patched = "def test_patched(monkeypatch):\n    monkeypatch.setattr(x, 'y', 1)\n"
    tree.write("tests/a.py", tests + patched)
    assert tree.found() == []
    tree.write("tests/b.py", patched)
    assert [finding.split()[-1] for finding in tree.found()] == ["mocks"]


def test_setting_the_environment_is_no_mock(tree):
    tree.write("tests/a.py", "def test_a(monkeypatch):\n    monkeypatch.setenv('X', '1')\n")
    assert tree.found() == []


def test_a_file_that_does_not_parse_is_found(tree):
    tree.write("src/a.py", "x = 1\ndef (:\n")
    assert tree.found() == ["src/a.py:2: syntax"]


def test_the_command_prints_a_line_a_finding_and_says_so_by_its_exit_code(tree, capsys):
    assert budgets.main([str(tree.root)]) == 0
    tree.write("src/a.py", "x = 1  # noqa\n")
    assert budgets.main([str(tree.root)]) == 1
    assert "src/a.py:1: excuse: name the code: # noqa\n" in capsys.readouterr().out
