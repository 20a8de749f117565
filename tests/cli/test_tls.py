"""HTTPS without a proxy: the certificate is served, and what cannot be served is said before anything is opened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import SSLError
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

SCRIPT = Path(__file__).parents[1] / "fakes" / "serve.py"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    chain, private = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, private


def client(data: Path, verify: str | bool) -> Any:
    environment = {"AWS_SHARED_CREDENTIALS_FILE": str(data / "credentials"), "AWS_CONFIG_FILE": str(data / "config")}
    os.environ.update(environment)
    return boto3.session.Session(profile_name="custodes").client("rekognition", verify=verify)


def test_https_is_served_and_clients_check_the_certificate(tmp_path, certificate, monkeypatch):
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "")
    data = tmp_path / "data"
    environment = {**os.environ, "CUSTODES_TLS_CERT": str(certificate[0]), "CUSTODES_TLS_KEY": str(certificate[1])}
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), str(data)], env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert "https://127.0.0.1:" in server.stdout.readline()
        try:
            assert client(data, str(certificate[0])).list_collections()["CollectionIds"] == []
            with pytest.raises(SSLError):
                client(data, verify=True).list_collections()
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(20) == 0


def test_what_cannot_be_served_is_said_at_once(custodes, tmp_path, certificate):
    none = custodes("serve", "--port", "0", "--data", str(tmp_path / "d"), "--tls-cert", "x", "--tls-key", "y")
    assert none.returncode == 1
    assert "cannot serve HTTPS with x and y" in none.stderr
    half = custodes("serve", "--port", "0", "--data", str(tmp_path / "d"), "--tls-cert", str(certificate[0]))
    assert half.returncode == 1
    assert "tls_key" in half.stderr
    assert not (tmp_path / "d").exists()


def test_a_certificate_of_ones_own_serves_and_is_not_written_over(custodes, tmp_path):
    data = tmp_path / "data"
    made = custodes("tls", "init", "--data", str(data))
    assert made.returncode == 0, made.stderr
    chain, private = data / "tls" / "cert.pem", data / "tls" / "key.pem"
    assert f"--tls-cert {chain} --tls-key {private}" in made.stdout
    assert private.stat().st_mode & 0o777 == 0o600
    names = x509.load_pem_x509_certificate(chain.read_bytes()).extensions
    assert "localhost" in names.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    )
    again = custodes("tls", "init", "--data", str(data))
    assert again.returncode != 0
    assert "already" in again.stderr
