"""Certificates of a broker on loopback, made by openssl, good for a month."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """`ca` is what clients trust; `broker` holds the broker's key and certificate (PEM)."""

    ca: Path
    broker: Path


def make_certificates(folder: Path) -> Certificates:
    """Make an authority and a certificate for localhost and 127.0.0.1 in `folder`; an earlier pair is kept."""
    made = Certificates(folder / "ca.pem", folder / "broker.pem")
    if made.ca.exists() and made.broker.exists():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    authority = ["-x509", "-days", "30", "-subj", "/CN=development authority", "-keyout", "ca.key", "-out", "ca.pem"]
    _openssl(folder, "req", *key, *authority)
    _openssl(folder, "req", *key, "-subj", "/CN=broker", "-keyout", "broker.key", "-out", "broker.csr")
    signing = ["-in", "broker.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30"]
    _openssl(folder, "x509", "-req", *signing, "-extfile", "extensions", "-out", "broker.crt")
    made.broker.write_text((folder / "broker.key").read_text() + (folder / "broker.crt").read_text())
    return made


def _openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]} failed: {done.stderr.strip()[-400:]}")
