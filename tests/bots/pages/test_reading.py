"""Pages as they are read: title, link and text; and that nothing in a folder does any harm."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.bots.pages.page import MAX_PASSAGE_CHARS, passages_of
from folkmoot.bots.pages.reading import (
    MAX_PAGE_BYTES,
    PAGES,
    PageReader,
    PageSources,
    link_of,
    state_of,
)
from folkmoot.core.logs.model import LogLine, LogReading, SourceAudience


def read(folder: Path | str, link: str = "") -> tuple[list[LogLine], LogReading]:
    reader = PageReader(PageSources(folders=(str(folder),), link=link))
    return list(reader.lines()), reader.so_far(is_done=True)


def passages(folder: Path, name: str, content: str | bytes) -> list[tuple[str, str, str]]:
    """Of the passages of one page their titles, links and texts."""
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    found, _ = read(folder)
    return [(one.source, one.link, one.text.partition("\n")[2]) for one in found]


def reasons(reading: LogReading) -> dict[str, str]:
    return dict(reading.skipped)


def test_markdown_is_read_by_its_headings(tmp_path: Path) -> None:
    page = "# Refunds\n\nAsk us.\n\n## How long\n\n**Five** days.\n\nAbroad\n------\nTen.\n"
    assert passages(tmp_path, "refunds.md", page) == [
        ("Refunds", "refunds.md", "Ask us."),
        ("Refunds: How long", "refunds.md", "Five days."),
        ("Refunds: Abroad", "refunds.md", "Ten."),
    ]


def test_front_matter_says_title_and_address(tmp_path: Path) -> None:
    page = '---\ntitle: "Your money"\nurl: https://help.example.com/money\n---\nBack in a day.\n'
    assert passages(tmp_path, "money.md", page) == [
        ("Your money", "https://help.example.com/money", "Back in a day.")
    ]


def test_html_is_read_by_its_headings(tmp_path: Path) -> None:
    page = (
        "<title>Refunds &amp; returns</title>"
        '<link rel="canonical" href="https://help.example.com/r"><h1>Refunds &amp; returns</h1>'
        '<p>Ask <b>us</b>.</p><h2 id="how long">How long</h2><ul><li>Five days<li>ten abroad</ul>'
    )
    assert passages(tmp_path, "r.html", page) == [
        ("Refunds & returns", "https://help.example.com/r", "Ask us."),
        (
            "Refunds & returns: How long",
            "https://help.example.com/r#how%20long",
            "- Five days\n- ten abroad",
        ),
    ]


@pytest.mark.parametrize(
    ("content", "title", "text"),
    [
        ("Opening hours\n\nNine to five.", "Opening hours", "Nine to five."),
        ("Nine to five,\nbut not on Sundays.", "opening hours", None),
    ],
)
def test_a_text_has_its_first_line_or_its_name_for_a_title(
    tmp_path: Path, content: str, title: str, text: str | None
) -> None:
    (found,) = passages(tmp_path, "opening-hours.txt", content)
    assert found == (title, "opening-hours.txt", text or content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", "<p>shown</p><script>canary</script><style>canary</style>"),
        ("a.html", "<p>shown</p><!-- canary --><template>canary</template>"),
        ("a.html", "<p>shown<p hidden>canary</p><p style='display: none'>canary</p>"),
        ("a.html", "<nav>canary</nav>shown<svg><title>canary</title></svg>"),
        ("a.html", "shown<script>'</p>' canary"),
        ("a.html", "shown<SCRIPT src=x>canary</SCRIPT >"),
        ("a.html", "shown<!-- canary"),
        ("a.html", "<div hidden><div>x</div>canary</div>shown"),
        ("a.md", "shown\n<!-- canary\n# canary\n```\ncanary\n-->\n"),
        ("a.md", "shown <script>canary\ncanary</script>"),
        ("a.md", "shown <!-- canary --> and <!-- canary"),
        ("a.md", "---\ntitle: T\nsecret: canary\n---\nshown"),
    ],
)
def test_what_a_reader_is_not_shown_is_not_read(tmp_path: Path, name: str, content: str) -> None:
    found = repr(passages(tmp_path, name, content))
    assert "shown" in found
    assert "canary" not in found


def test_code_in_markdown_is_shown_as_it_stands(tmp_path: Path) -> None:
    (found,) = passages(tmp_path, "a.md", "```html\n<script>run()</script>\n# no heading\n```\n")
    assert found[2] == "<script>run()</script>\n# no heading"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"caf\xe9 and more", "caf\ufffd and more"),
        (b"\xef\xbb\xbfcaf\xc3\xa9 and more", "caf\u00e9 and more"),
        ("caf\u00e9 and more".encode("utf-16"), "caf\u00e9 and more"),
        (b"a \x1b[31mred\x1b[0m b\x00c\xe2\x80\xae d", None),
    ],
)
def test_broken_and_foreign_encodings(tmp_path: Path, content: bytes, text: str | None) -> None:
    found = passages(tmp_path, "a.md", b"x\n\n" + content if text is None else content)
    assert [each[2] for each in found] == ([] if text is None else [text])


def test_a_declared_charset_is_heeded(tmp_path: Path) -> None:
    page = b'<meta charset="iso-8859-2"><p>\xbf\xf3\xb3w'
    assert passages(tmp_path, "a.html", page)[0][2] == "\u017c\u00f3\u0142w"
    odd = b'<meta charset="no-such-thing"><p>\xbf more'
    assert passages(tmp_path, "a.html", odd)[0][2] == "\ufffd more"


def test_only_pages_within_the_folder_are_read(tmp_path: Path) -> None:
    folder, outside = tmp_path / "help", tmp_path / "outside"
    for each in (folder / ".git", folder / "deep", outside):
        each.mkdir(parents=True)
    (outside / "secret.md").write_text("canary")
    (folder / "way_out.md").symlink_to(outside / "secret.md")
    (folder / "all").symlink_to(outside)
    (folder / "loop.md").symlink_to(folder / "loop.md")
    (folder / "loop").symlink_to(folder)
    (folder / ".git" / "config.md").write_text("canary")
    (folder / ".draft.md").write_text("canary")
    (folder / "picture.md").write_bytes(bytes(range(256)) * 40)
    (folder / "server.key").write_text("canary")
    (folder / "folder.md").mkdir()
    os.mkfifo(folder / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "s.md"))
    (folder / "deep" / "good.md").write_text("good")

    found, reading = read(folder)

    assert [(one.link, one.text) for one in found] == [("deep/good.md", "good\ngood")]
    assert {one.audience for one in found} == {SourceAudience.EVERYBODY}
    why = reasons(reading)
    assert why["way_out.md"] == "leads out of the folder"
    assert why["picture.md"] == "not a text file"
    assert why["pipe.md"] == why["s.md"] == "not a regular file"
    assert "loop.md" in why


def test_of_a_huge_file_the_beginning_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.md").open("w") as file:
        file.write("# Huge\n\nThe beginning.\n")
        file.truncate(1 << 36)
        file.seek(len("# Huge\n\nThe beginning.\n"))
        file.write("word " * (MAX_PAGE_BYTES // 5))
    found, reading = read(tmp_path)
    assert found[0].text.startswith("Huge\nThe beginning.")
    assert sum(len(one.text) for one in found) < 2 * MAX_PAGE_BYTES
    assert reasons(reading)["huge.md"] == "only its first 1024 KiB are read"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    found, reading = read(tmp_path / "nowhere")
    assert found == []
    assert list(reasons(reading)) == ["nowhere"]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("", "a b/c d.md"),
        ("https://help.example.com/", "https://help.example.com/a%20b/c%20d.md"),
        ("https://help.example.com/{page}/", "https://help.example.com/a%20b/c%20d/"),
    ],
)
def test_where_a_page_is_published(link: str, expected: str) -> None:
    assert link_of(link, "a b/c d.md") == expected


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "https://x.example/a b", "https://x.example/](y)", "/r"]
)
def test_an_address_that_is_none_is_not_taken(tmp_path: Path, address: str) -> None:
    (found,) = passages(tmp_path, "a.md", f"---\nurl: {address}\n---\nText.")
    assert found[1] == "a.md"


def test_a_change_is_seen(tmp_path: Path) -> None:
    states = [state_of([str(tmp_path)])]
    page = tmp_path / "a.md"
    for act in (
        lambda: page.write_text("one"),
        lambda: page.write_text("other"),
        lambda: page.rename(tmp_path / "b.md"),
        lambda: (tmp_path / "b.md").unlink(),
    ):
        act()
        states.append(state_of([str(tmp_path)]))
    assert len(set(states[:4])) == 4
    assert states[0] == states[4] == state_of([str(tmp_path)])


@given(st.text())
@settings(deadline=None)
def test_passages_are_short_and_leave_no_word_out(text: str) -> None:
    found = list(passages_of(text))
    assert all(0 < len(one) <= MAX_PASSAGE_CHARS for one in found)
    assert "".join("".join(found).split()) == "".join(text.split())


@given(st.text(alphabet=st.sampled_from("<>!-/abh1 \"'=&;#\n`~*_[]()script"), max_size=300))
@settings(deadline=None, max_examples=300)
def test_no_page_is_an_error(text: str) -> None:
    for page_of in PAGES.values():
        assert all(isinstance(one.text, str) for one in page_of(text).sections)
