"""Real proxies before a server, set up by the very lines that the page on them prints."""

import datetime
import ipaddress
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.deadlines import WITHIN_S
from tests.starting import CannotStart, program

PAGE = Path(__file__).parents[1] / "docs" / "operators" / "behind-a-proxy.md"
NAME = "chat.localhost"
"""Stands for the page's chat.example."""
AROUND_NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/errors.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
{lines}
}}
"""
BEFORE_CADDY = """
{{
    admin off
    grace_period 1s
    auto_https disable_redirects
    skip_install_trust
}}
"""


class Proxy:
    """What listens with TLS, and the certificate that it shows."""

    def __init__(self, port: int, certificate: Path) -> None:
        self.port = port
        self.certificate = certificate
        self.url = f"https://{NAME}:{port}"


def lines_of(language: str) -> str:
    """What the page prints in this language."""
    text = PAGE.read_text(encoding="utf-8")
    (lines,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(lines)


@contextmanager
def nginx(server_port: int, folder: Path) -> Iterator[Proxy]:
    """nginx with the page's lines, but for its ports and files."""
    certificate, key = _certificate(folder)
    port, plain = _free_port(), _free_port()
    lines = _replaced(
        lines_of("nginx"),
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "chat.example;": f"{NAME};",
            "/etc/ssl/chat.example.pem": str(certificate),
            "/etc/ssl/private/chat.example.key": str(key),
            "/var/log/nginx/folkmoot.log": f"{folder}/access.log",
            "127.0.0.1:8000": f"127.0.0.1:{server_port}",
        },
    )
    file = folder / "nginx.conf"
    file.write_text(AROUND_NGINX.format(folder=folder, lines=lines))
    command = [program("nginx", package="nginx-light"), "-p", str(folder), "-c", str(file)]
    with _running(command, port, folder):
        yield Proxy(port, certificate)


@contextmanager
def caddy(server_port: int, folder: Path) -> Iterator[Proxy]:
    """Caddy with the page's lines, but for its ports and a certificate made here."""
    certificate, key = _certificate(folder)
    port = _free_port()
    lines = _replaced(
        lines_of("caddy"),
        {
            "chat.example {": f"https://{NAME}:{port} {{\n\ttls {certificate} {key}",
            "127.0.0.1:8000": f"127.0.0.1:{server_port}",
        },
    )
    file = folder / "Caddyfile"
    file.write_text(BEFORE_CADDY.format() + lines)
    command = [program("caddy", package="caddy"), "run", "--config", str(file)]
    with _running([*command, "--adapter", "caddyfile"], port, folder):
        yield Proxy(port, certificate)


def _replaced(text: str, by: dict[str, str]) -> str:
    """The text with each of these, which must be there, replaced by what is true here."""
    for printed, here in by.items():
        assert printed in text, printed
        text = text.replace(printed, here)
    return text


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    log = folder / "output.log"
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with log.open("wb") as output, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
    ) as process:  # fmt: skip
        deadline = monotonic() + WITHIN_S
        while not _listens(port):
            if monotonic() > deadline or process.poll() is not None:
                raise CannotStart(f"{command[0]} does not start here: {log.read_text()[-300:]}")
            sleep(0.02)  # polls: it says nothing once it listens
        try:
            yield
        finally:
            process.terminate()
            process.wait(WITHIN_S)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for `NAME` that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME), address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files
