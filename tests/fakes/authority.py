"""Time-stamping authorities made with ``openssl``: a root, a certificate for stamps, and answers to queries."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical, CA:TRUE
[stamping]
extendedKeyUsage = critical, {usage}
[tsa]
dir = .
serial = ./serial
signer_cert = ./stamping.pem
signer_key = ./stamping.key
certs = ./stamping.pem
default_policy = 1.2.3.4.1
signer_digest = sha256
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
"""


class OpensslAuthority:
    """One authority in a folder of its own."""

    def __init__(self, folder: Path, name: str, usage: str = "timeStamping", days: int = 30) -> None:
        folder.mkdir()
        self.folder, self.name = folder, name
        (folder / "tsa.cnf").write_text(_CONFIG.format(name=name, usage=usage))
        (folder / "serial").write_text("01\n")
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self._openssl("req", "-x509", *key, "-keyout", "root.key", "-out", "root.pem", "-days", str(days),
                      "-subj", f"/CN={name} root", "-config", "tsa.cnf", "-extensions", "root")  # fmt: skip
        self._openssl("req", *key, "-keyout", "stamping.key", "-out", "stamping.csr",
                      "-subj", f"/CN={name} stamps", "-config", "tsa.cnf")  # fmt: skip
        self._openssl("x509", "-req", "-in", "stamping.csr", "-CA", "root.pem", "-CAkey", "root.key",
                      "-CAcreateserial", "-out", "stamping.pem", "-days", str(days), "-extfile", "tsa.cnf",
                      "-extensions", "stamping")  # fmt: skip

    @property
    def root_pem(self) -> bytes:
        return (self.folder / "root.pem").read_bytes()

    def reply(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        self._openssl("ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Over HTTP on a free port of loopback; yields the address."""
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                answer = authority.reply(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_address[1]}/"
            server.shutdown()

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
