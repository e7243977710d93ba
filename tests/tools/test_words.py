"""One word for each idea, proven on small trees that keep to it and small trees that do not."""

import pytest


@pytest.mark.parametrize(
    "text",
    [
        "class Turnstile:\n    pass\n",
        "def overhearing():\n    return 1\n",
        "x = the_house\n",
        "x = 1  # whispered to one\n",
        '"""What the house says."""\n',
        'x = "no more guests"\n',
    ],
)
def test_a_private_word_is_found_in_names_sentences_and_texts(tree, text):
    tree.write("src/a.py", text)
    assert tree.found() == ["src/a.py:1: word"]


def test_words_that_only_hold_a_private_one_are_fine(tree):
    tree.write("src/a.py", '"""A warehouse, indoors, for attendance."""\nindoor_plan = 1\n')
    assert tree.found() == []


def test_what_tests_write_to_each_other_is_theirs_but_their_names_are_not(tree):
    tree.write("tests/a.py", 'x = "See you at my house"\n')
    assert tree.found() == []
    tree.write("tests/a.py", "house = 1\n")
    assert tree.found() == ["tests/a.py:1: word"]


def test_a_place_may_be_spoken_of_but_is_no_name(tree):
    tree.write("src/a.py", '"""In the first place."""\n')
    assert tree.found() == []
    tree.write("src/a.py", "_place = 1\n")
    assert tree.found() == ["src/a.py:1: word"]


def test_a_library_may_have_the_word_for_something_of_its_own(tree):
    tree.write("src/storage/a.py", "x = engine.dialect\n")
    assert tree.found() == []
    tree.write("src/hub.py", "x = engine.dialect\n")
    assert tree.found() == ["src/hub.py:1: word"]


def test_pages_for_people_keep_to_the_words_too(tree):
    tree.write("docs/a.md", "One\n\nOn every door a sign.\n")
    assert tree.found() == ["docs/a.md:3: word"]
