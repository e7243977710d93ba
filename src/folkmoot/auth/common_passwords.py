"""The passwords that are guessed first, among those that are long enough to be asked about."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final

MIN_CHARS: Final = 8
"""Of a password, whatever it is."""

# What the list of zxcvbn lacks: signs and digits at the end, other
# keyboards, what installers suggest.
_WORDS = """
password password1 password12 password123 password1234 password! password1! passw0rd passw0rd1
p@ssw0rd p@ssword pa$$w0rd pa55word passwort passwort1 mypassword password0 passpass
12345678 123456789 1234567890 12345678910 87654321 987654321 0987654321 123123123 11223344
12341234 01234567 0123456789 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qaz2wsx3edc q1w2e3r4 q1w2e3r4t5
zaq12wsx zaq1zaq1 qwerty12 qwerty123 qwerty1234 qwertyui qwertyuiop qwertzuiop azertyuiop
asdfghjk asdfghjkl zxcvbnm1 zxcvbnm123 asdf1234 asdfasdf qweasdzxc qwer1234 1234qwer abcd1234
abc12345 abc123456 abcdefgh abcdefghi a1b2c3d4 a1234567 a12345678 aa123456 aa12345678
iloveyou iloveyou1 iloveyou2 sunshine sunshine1 princess princess1 football football1 baseball
baseball1 superman superman1 batman123 starwars starwars1 pokemon1 dragon123 monkey123
michael1 jennifer jessica1 jordan23 liverpool chelsea1 arsenal1 internet computer computer1
corvette mercedes maverick midnight trustno1 whatever welcome1 welcome123 welcome1! letmein1
letmein123 admin123 admin1234 administrator administrator1 changeme changeme1 changeme123
default1 default123 guest123 root1234 test1234 test12345 testtest testing1 testing123 secret123
master123 access14 hello123 samsung1 google123 facebook linkedin freedom1 charlie1 blink182
"""


@cache
def common_passwords() -> frozenset[str]:
    """Those that are not too short anyway, in small letters. The first call takes a moment.

    zxcvbn counted them in leaks.
    """
    listed = _lists_of_zxcvbn()["passwords"]
    return frozenset(_WORDS.split()) | {one for one in listed if len(one) >= MIN_CHARS}


def _lists_of_zxcvbn() -> Mapping[str, Sequence[str]]:
    """Its lists of words, without the rest of it, which would keep ten times the memory."""
    package = find_spec("zxcvbn")
    assert package is not None  # noqa: S101 - it is installed with this program
    assert package.origin is not None  # noqa: S101 - a package of files
    path = Path(package.origin).with_name("frequency_lists.py")
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None  # noqa: S101 - a source file is named
    assert spec.loader is not None  # noqa: S101 - and read by Python's own loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    lists: Mapping[str, Sequence[str]] = module.FREQUENCY_LISTS
    return lists
