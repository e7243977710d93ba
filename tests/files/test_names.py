import pytest

from folkmoot.files.names import MAX_CHARS, disposition, harmless

HOSTILE = {
    "../../etc/passwd": "passwd",
    "..\\..\\windows\\system32\\config": "config",
    "%2e%2e%2fetc": "_2e_2e_2fetc",
    "/etc/shadow": "shadow",
    "C:\\autoexec.bat": "autoexec.bat",
    "a\0b.png": "ab.png",
    "CON": "_CON",
    "con.txt": "_con.txt",
    "LPT1.log": "_LPT1.log",
    ".htaccess": "htaccess",
    "...": "file",
    "": "file",
    "..": "file",
    "/": "file",
    " \t\r\n ": "file",
    "\u3164": "file",
    "\u200d\u200c": "file",
    "inv\u202egnp.exe": "invgnp.exe",
    "two\r\nSet-Cookie: a=b": "twoSet-Cookie_ a=b",
    'quo"te<s>|?*.txt': "quo_te_s____.txt",
    "half \ud800.txt": "half _.txt",
    "trailing. . ": "trailing",
    "Bericht März.pdf": "Bericht März.pdf",
    "写真.jpg": "写真.jpg",
    "👩\u200d🚀.png": "👩\u200d🚀.png",
}


@pytest.mark.parametrize(("given", "kept"), HOSTILE.items())
def test_a_name_says_no_folder_hides_nothing_and_breaks_no_header(given, kept):
    assert harmless(given) == kept


def test_a_harmless_name_stays_as_it_is():
    for name in HOSTILE.values():
        assert harmless(name) == name


def test_a_long_name_is_cut_and_keeps_its_ending():
    assert harmless("a" * 300 + ".png") == "a" * (MAX_CHARS - 4) + ".png"
    assert len(harmless("b" * 300)) == MAX_CHARS
    assert len(harmless("c." + "d" * 300)) == MAX_CHARS


@pytest.mark.parametrize("name", HOSTILE.values())
def test_a_disposition_is_one_line_of_ascii_with_the_exact_name_in_it(name):
    header = disposition(name, inline=False)
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith('attachment; filename="')
    assert header.count('"') == 2


def test_a_disposition_gives_the_name_twice_for_old_and_for_new_clients():
    assert disposition("März 1%.pdf", inline=True) == (
        "inline; filename=\"M_rz 1_.pdf\"; filename*=UTF-8''M%C3%A4rz%201%25.pdf"
    )
