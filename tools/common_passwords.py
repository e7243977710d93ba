"""Writes the list of common passwords anew from that of zxcvbn, which is kept up.

    python -m tools.common_passwords

A test fails when the installed zxcvbn knows others than the list that is shipped.
"""

from pathlib import Path

LIST = Path(__file__).parent.parent / "src" / "folkmoot" / "auth" / "common_passwords.txt"
MIN_CHARS = 8
"""Shorter ones are refused for that already (`auth/passwords.py`)."""


def listed() -> list[str]:
    """The commonest passwords that are long enough to be asked about, in their own order."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]  # no stubs

    return [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_CHARS]


if __name__ == "__main__":
    LIST.write_text("\n".join(listed()) + "\n", encoding="utf-8")
