"""Beyond loopback: TLS and a token, for the services and for those who call them."""

import hashlib
import hmac
import os
import re
import ssl
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.services.cli.test_serve import free_port, line_with, serving

TOKEN = "correct-horse-battery-staple"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed one for this machine."""
    key, certificate = tmp_path / "tls.key", tmp_path / "tls.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out",
                    str(certificate)], check=True, capture_output=True)
    return certificate, key


def afteraction(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "services.cli", *arguments], capture_output=True, text=True,
                          check=False, env=os.environ | environment)


def test_only_who_has_the_token_gets_in(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    port, otlp = free_port(), free_port()
    secured = {"AFTERACTION_TLS_CERTIFICATE": str(certificate[0]), "AFTERACTION_TLS_KEY": str(certificate[1]),
               "AFTERACTION_TOKEN": TOKEN, "AFTERACTION_INGESTION_ADDRESS": f"0.0.0.0:{port}",
               "AFTERACTION_OTLP_GRPC_ADDRESS": f"0.0.0.0:{otlp}",
               "AFTERACTION_OTLP_HTTP_ADDRESS": f"127.0.0.1:{free_port()}"}
    client = {"AFTERACTION_TLS_CA": str(certificate[0]), "AFTERACTION_INGESTION_ADDRESS": f"127.0.0.1:{port}"}
    with serving(tmp_path, "ingestion", **secured) as process:
        line_with(process, "ingestion  ready")

        refused = afteraction(client, "note", "hello", "--author", "test")
        accepted = afteraction(client | {"AFTERACTION_TOKEN": TOKEN}, "note", "hello", "--author", "test")

        assert refused.returncode == 1
        assert "token" in refused.stderr
        assert accepted.returncode == 0, accepted.stderr
        assert re.search("recorded in stream live", accepted.stdout)
        process.terminate()
        line_with(process, "ingestion stopped")
        assert process.wait(30) == 0


def test_nothing_answers_in_plain_text_where_tls_is_on(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    port = free_port()
    secured = {"AFTERACTION_TLS_CERTIFICATE": str(certificate[0]), "AFTERACTION_TLS_KEY": str(certificate[1]),
               "AFTERACTION_TOKEN": TOKEN, "AFTERACTION_INGESTION_ADDRESS": f"127.0.0.1:{port}",
               "AFTERACTION_OTLP_GRPC_ADDRESS": f"127.0.0.1:{free_port()}",
               "AFTERACTION_OTLP_HTTP_ADDRESS": f"127.0.0.1:{free_port()}"}
    with serving(tmp_path, "ingestion", **secured) as process:
        line_with(process, "ingestion  ready")

        result = afteraction({"AFTERACTION_INGESTION_ADDRESS": f"127.0.0.1:{port}", "AFTERACTION_TOKEN": TOKEN},
                             "note", "hello", "--author", "test")

        assert result.returncode == 3


def test_over_http_only_who_has_the_token_or_signs_gets_in(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    http, body = free_port(), b'{"deployment": 1}'
    secured = {"AFTERACTION_TLS_CERTIFICATE": str(certificate[0]), "AFTERACTION_TLS_KEY": str(certificate[1]),
               "AFTERACTION_TOKEN": TOKEN, "AFTERACTION_INGESTION_ADDRESS": f"127.0.0.1:{free_port()}",
               "AFTERACTION_OTLP_GRPC_ADDRESS": f"127.0.0.1:{free_port()}",
               "AFTERACTION_OTLP_HTTP_ADDRESS": f"0.0.0.0:{http}", "AFTERACTION_INGESTION_GITHUB_SECRET": "orange"}
    signature = hmac.new(b"orange", body, hashlib.sha256).hexdigest()
    json_ = {"content-type": "application/json"}
    with (serving(tmp_path, "ingestion", **secured) as process,
          httpx2.Client(base_url=f"https://127.0.0.1:{http}",
                        verify=ssl.create_default_context(cafile=certificate[0])) as client):
        line_with(process, "ingestion  ready")

        assert client.get("/healthz").status_code == 200
        note = {"note": {"text": "hello"}}
        assert client.post("/webhooks/events", json=note).status_code == 401
        assert client.post("/v1/metrics", content=b"", headers=json_).status_code == 401
        assert client.post("/api/v1/write", content=b"").status_code == 401
        assert client.post("/webhooks/events", json=note,
                           headers={"authorization": f"Bearer {TOKEN}"}).json()["recorded"] == 1
        assert client.post("/webhooks/github", content=body, headers=json_ | {
            "authorization": f"Bearer {TOKEN}", "x-github-event": "ping"}).status_code == 401
        assert client.post("/webhooks/github", content=body, headers=json_ | {
            "x-hub-signature-256": f"sha256={signature}", "x-github-event": "ping"}).status_code == 200
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"http://127.0.0.1:{http}/healthz")
        process.terminate()
        line_with(process, "ingestion stopped")
        assert process.wait(30) == 0
