"""One file out of a multipart body: bytes in, pieces of the file out, nothing gathered.

What a form may have is bounded before anything of it is kept; how large the file may be is not
this module's business.
"""

from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from folkmoot.core.shared.refusals import Invalid

FIELD: Final = "file"
MAX_PARTS: Final = 8
MAX_HEADERS: Final = 8
MAX_HEADER_BYTES: Final = 4096
OVERHEAD_BYTES: Final = 64 * 1024
"""What a body may have besides its file."""


class FormMalformed(Invalid):
    """The body is no multipart form, or not the one that was asked for."""

    code = "form_malformed"
    sentence = "The upload cannot be read: {problem}."


class FileForm:
    """A form with one file in the field ``file``; other fields are passed over, within bounds."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise _malformed("a body of the type multipart/form-data with a boundary is needed")
        self.file_name: str | None = None
        self._pieces: list[bytes] = []
        self._parts = 0
        self._name, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._in_file = False
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
                max_header_count=MAX_HEADERS,
                max_header_size=MAX_HEADER_BYTES,
            )
        except FormParserError as error:
            raise _malformed(str(error)) from None

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of the file in these bytes of the body.

        Raises:
            FormMalformed
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _malformed(str(error)) from None
        pieces, self._pieces = self._pieces, []
        return pieces

    def finish(self) -> str:
        """The name that the client gave the file, once the whole body was fed.

        Raises:
            FormMalformed: the body ended too early, or had no file.
        """
        if not self._ended:
            raise _malformed("it ends before its closing boundary")
        if self.file_name is None:
            raise _malformed(f"there is no file in the field {FIELD!r}")
        return self.file_name

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _malformed(f"it has more than {MAX_PARTS} parts")
        self._headers = {}

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if options.get(b"name") != FIELD.encode() or b"filename" not in options:
            return
        if self.file_name is not None:
            raise _malformed("it has more than one file")
        self.file_name = options[b"filename"].decode(errors="replace")
        self._in_file = True

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._pieces.append(data[start:end])

    def _on_part_end(self) -> None:
        self._in_file = False

    def _on_end(self) -> None:
        self._ended = True


def _malformed(problem: str) -> FormMalformed:
    return FormMalformed(field=FIELD, problem=problem)
