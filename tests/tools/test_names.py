"""Names and closed lists, proven on small trees that keep to them and small trees that do not."""

import pytest


def test_no_class_has_the_name_of_another(tree):
    tree.write("src/a.py", "class Hub:\n    pass\n")
    tree.write("src/b.py", "class Hub:\n    pass\n")
    assert tree.found() == ["src/b.py:1: class-twice"]


def test_a_file_is_not_called_what_any_could_be(tree):
    tree.write("src/utils.py", "x = 1\n")
    assert tree.found() == ["src/utils.py:1: file-name"]


@pytest.mark.parametrize("line", ["def f(event: object): ...", "events: list[object] = []"])
def test_an_event_of_no_type_is_found(tree, line):
    tree.write("src/a.py", f"{line}\n")
    assert tree.found() == ["src/a.py:1: loose-event"]


MATCH = """
from folkmoot.core.messages.events import MessagePosted

def f(event):
    match event:
        case MessagePosted():
            return 1
        case _:
            {end}
"""


def test_a_match_over_events_names_all_of_them(tree):
    tree.write("src/a.py", MATCH.format(end="return 2"))
    assert tree.found() == ["src/a.py:8: open-match"]
    tree.write("src/a.py", MATCH.format(end="assert_never(event)"))
    assert tree.found() == []


def test_a_match_over_anything_else_may_be_open(tree):
    tree.write("src/a.py", MATCH.format(end="return 2").replace("folkmoot.core", "other"))
    assert tree.found() == []
