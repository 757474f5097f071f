"""A server on TLS, and everything that someone hostile tried on it, in one table."""

import os
import socket
import ssl
from pathlib import Path

import grpc

from chistream_harness import (BIN, REFUSED, UNREACHABLE, Server, api_messages, call, run,
                               simulate, wait_for)

ROOT = Path(__file__).resolve().parents[2]
MAKE = ROOT / "deploy" / "tls" / "make.sh"
upload_pb2, job_pb2, result_pb2 = api_messages("upload", "job", "result")


class SecureServer(Server):
    """On a TLS port of loopback, with a console of tenant "radiology" and one of "research"."""

    def __init__(self, folder):
        self.tls, self.access = folder / "tls", folder / "access.json"
        call(MAKE, self.tls, "server", "localhost", "127.0.0.1")
        for name in ("console", "stranger"):
            call(MAKE, self.tls, "client", name)
        call(MAKE, self.tls, "client", "expired", env={**os.environ, "DAYS": "-1"})
        call(MAKE, folder / "foreign", "client", "console")
        self.tokens = {}
        for name, tenant in (("radiology", "radiology"), ("research", "research")):
            self.tokens[name] = call(BIN / "chistreamd", "token", "--access-file", self.access,
                                     "--name", name, "--tenant", tenant).stdout.strip()
        super().__init__(folder, "--access-file", str(self.access), "--tls-cert",
                         str(self.tls / "server.pem"), "--tls-key", str(self.tls / "server.key"),
                         "--tls-client-ca", str(self.tls / "ca.pem"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.listen = self.address = f"localhost:{self.port}"

    def channel(self, name="console", folder=None, token=None):
        folder = folder or self.tls
        credentials = grpc.ssl_channel_credentials(
            (self.tls / "ca.pem").read_bytes(),
            (folder / f"{name}.key").read_bytes() if name else None,
            (folder / f"{name}.pem").read_bytes() if name else None)
        if token:
            credentials = grpc.composite_channel_credentials(
                credentials, grpc.access_token_call_credentials(token))
        return grpc.secure_channel(self.address, credentials)

    def alive(self):
        assert self.process.poll() is None, "the daemon is gone"
        with self.channel(token=self.tokens["radiology"]) as channel:
            ask(channel, "JobService/ListJobs", job_pb2.ListJobsRequest(),
                job_pb2.ListJobsResponse)


def ask(channel, method, request, response):
    """One unary call; `request` is a message or raw bytes."""
    rpc = channel.unary_unary(f"/qsm.v1.{method}",
                              request_serializer=lambda r: r if isinstance(r, bytes)
                              else r.SerializeToString(),
                              response_deserializer=response.FromString)
    return rpc(request, timeout=10)


def refusal(channel, method, request, response):
    """'CODE' or 'CODE REASON' of a call that must fail; then the text."""
    try:
        answer = ask(channel, method, request, response)
    except grpc.RpcError as error:
        return f"{error.code().name} {(error.details() or '').split(':')[0][:60]}"
    raise AssertionError(f"{method} was answered: {answer}")


def refused(channel):
    return refusal(channel, "JobService/ListJobs", job_pb2.ListJobsRequest(),
                   job_pb2.ListJobsResponse)


def raw(server, data):
    """What comes back for bytes that are no TLS."""
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.settimeout(5)
        connection.sendall(data)
        try:
            return connection.recv(4096)
        except (ConnectionResetError, TimeoutError):
            return b""


def at_the_door(server, table):
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        table.append(("plaintext gRPC to the TLS port", refused(channel)))
    for name, data in (("an HTTP/1 request to the TLS port", b"GET / HTTP/1.1\r\n\r\n"),
                       ("64 KiB of noise to the TLS port", os.urandom(65536))):
        answer = raw(server, data)
        assert b"HTTP" not in answer, answer
        table.append((name, "connection closed"))
    for what, arguments in (("no client certificate", {"name": None}),
                            ("an expired client certificate", {"name": "expired"}),
                            ("a certificate of a foreign authority with a known name",
                             {"folder": server.tls.parent / "foreign"})):
        with server.channel(**arguments, token=server.tokens["radiology"]) as channel:
            answer = refused(channel)
        assert answer.startswith("UNAVAILABLE"), (what, answer)
        table.append((f"{what}, with a good token", "UNAVAILABLE (TLS handshake refused)"))
    for version, name in ((ssl.TLSVersion.TLSv1, "1.0"), (ssl.TLSVersion.TLSv1_1, "1.1")):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(server.tls / "ca.pem")
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        try:
            with socket.create_connection(("127.0.0.1", server.port), 5) as plain:
                context.wrap_socket(plain, server_hostname="localhost")
            raise AssertionError(f"TLS {version} was accepted")
        except (ssl.SSLError, ConnectionError):
            table.append((f"TLS {name}", "handshake refused"))
    with server.channel("stranger") as channel:
        table.append(("a certificate of our authority, unknown name, no token", refused(channel)))
    with server.channel(token="0" * 64) as channel:
        table.append(("a guessed token", refused(channel)))
    with server.channel(token="a'; DROP TABLE jobs; --") as channel:
        table.append(("SQL in the token", refused(channel)))


def in_the_messages(server, table, job):
    with server.channel(token=server.tokens["research"]) as other:
        for method, request, response in (
                ("JobService/GetJob", job_pb2.JobRef(job_id=job), job_pb2.Job),
                ("JobService/CancelJob", job_pb2.JobRef(job_id=job), job_pb2.Job),
                ("ResultService/ListArtifacts", result_pb2.ListArtifactsRequest(job_id=job),
                 result_pb2.ArtifactList)):
            table.append((f"{method} of another tenant's job",
                          refusal(other, method, request, response)))
        guesses = {refusal(other, "JobService/GetJob",
                           job_pb2.JobRef(job_id=os.urandom(16).hex()), job_pb2.Job)
                   for _ in range(500)}
        table.append(("500 guessed job ids", ", ".join(guesses)))
        assert guesses == {"NOT_FOUND JOB_NOT_FOUND"}, guesses

    with server.channel(token=server.tokens["radiology"]) as mine:
        for trick in ("../../../../etc/passwd", "/etc/passwd", "..", "report.json\0.dcm",
                      "dicom/../../../journal.db", "%2e%2e%2fjournal.db", "report.json\n"):
            rpc = mine.unary_stream("/qsm.v1.ResultService/ReadArtifact",
                                    request_serializer=lambda r: r.SerializeToString(),
                                    response_deserializer=result_pb2.DataChunk.FromString)
            try:
                list(rpc(result_pb2.ReadArtifactRequest(job_id=job, name=trick), timeout=10))
                raise AssertionError(f"{trick!r} was read")
            except grpc.RpcError as error:
                table.append((f"artifact {trick!r}", f"{error.code().name} "
                              f"{error.details().split(':')[0]}"))
        for trick in ("../journal.db", "/etc/passwd", "x" * 100_000, "a\nb", "'; DROP TABLE jobs"):
            answer = refusal(mine, "UploadService/GetUpload",
                             upload_pb2.UploadRef(upload_id=trick), upload_pb2.Upload)
            table.append((f"upload id {trick[:24]!r}{'...' if len(trick) > 24 else ''}", answer))
        for what, request in (("a request_id of 100 000 characters", "r" * 100_000),
                              ("an empty request_id", "")):
            table.append((what, refusal(
                mine, "UploadService/CreateUpload",
                upload_pb2.CreateUploadRequest(request_id=request), upload_pb2.Upload)))
        table.append(("an upload of 2^63 bytes announced", refusal(
            mine, "UploadService/CreateUpload", upload_pb2.CreateUploadRequest(
                request_id="huge", declared_bytes=1 << 63), upload_pb2.Upload)))
        table.append(("a message of 8 MiB", refusal(
            mine, "UploadService/CreateUpload", upload_pb2.CreateUploadRequest(
                request_id="r" * (8 << 20)), upload_pb2.Upload)))
        for what, data in (("a message that is no protobuf", b"\xff" * 100),
                           ("a string that is no UTF-8", b"\x0a\x02\xc3\x28"),
                           ("a message nested 10 000 deep", b"\x12\x7f" * 10_000)):
            table.append((what, refusal(mine, "JobService/SubmitJob", data, job_pb2.Job)))
        table.append(("a method that does not exist", refusal(
            mine, "JobService/DropTables", b"", job_pb2.Job)))
        # Replay: the recorded request of another tenant, byte for byte, under our own name.
        request = upload_pb2.CreateUploadRequest(request_id="console's request", declared_bytes=9)
        first = ask(mine, "UploadService/CreateUpload", request, upload_pb2.Upload)
        again = ask(mine, "UploadService/CreateUpload", request, upload_pb2.Upload)
        assert first.upload_id == again.upload_id
        with server.channel(token=server.tokens["research"]) as other:
            theirs = ask(other, "UploadService/CreateUpload", request, upload_pb2.Upload)
        assert theirs.upload_id != first.upload_id
        table.append(("a recorded request, sent again by its tenant", "the same upload"))
        table.append(("a recorded request, sent by another tenant", "an upload of its own"))


def attacks_are_refused_by_name(folder):
    scan, _ = simulate(folder)
    with SecureServer(folder) as server:
        table = []
        keys = ["--tls-ca", server.tls / "ca.pem", "--tls-cert", server.tls / "console.pem",
                "--tls-key", server.tls / "console.key"]
        token = folder / "token"
        token.write_text(server.tokens["radiology"] + "\n")
        server.client("reconstruct", scan, "-o", folder / "out", *keys, "--token-file", token)
        job = server.client("jobs", *keys, "--token-file", token).stdout.split()[0]
        done = server.client("jobs", *keys, expect=REFUSED)
        assert "CERTIFICATE_UNKNOWN" in done.stderr, done.stderr
        done = server.client("jobs", "--token-file", token, expect=UNREACHABLE)
        at_the_door(server, table)
        in_the_messages(server, table, job)
        server.alive()
        server.stop()
        checked = call(BIN / "chistreamd", "audit", "verify", server.spool / "audit.jsonl")
        trail = server.spool / "audit.jsonl"
        text = trail.read_text()
        assert "PHANTOM" not in text.upper(), "the trail names a patient"
        trail.write_text(text.replace('"caller":"radiology"', '"caller":"somebody"', 1))
        changed = call(BIN / "chistreamd", "audit", "verify", trail, expect=1)
        table.append(("a changed line of the audit trail", changed.stdout.strip()[:60]))
        print(checked.stdout.strip())
        for what, answer in table:
            print(f"  {what:58} {answer}")
        leaks = [line for line in server.log.read_text().splitlines()
                 if any(value in line for value in server.tokens.values())]
        assert not leaks, leaks


def certificates_rotate_without_a_restart(folder):
    with SecureServer(folder) as server:
        server.alive()
        serial = lambda: call(  # noqa: E731
            "sh", "-c", f"openssl s_client -connect 127.0.0.1:{server.port} -CAfile "
            f"{server.tls}/ca.pem -cert {server.tls}/console.pem -key {server.tls}/console.key "
            "</dev/null 2>/dev/null | openssl x509 -noout -serial").stdout
        first = serial()
        call(MAKE, server.tls, "server", "localhost", "127.0.0.1")
        wait_for("the new certificate", lambda: serial() != first, 20)
        server.alive()
        (server.tls / "server.pem").write_text("no certificate")
        wait_for("the bad file to be seen",
                 lambda: "the certificate in use stays" in server.log.read_text(), 20)
        server.alive()


def a_worker_has_no_more_than_it_needs(folder):
    with Server(folder) as server:
        (pid,) = wait_for("a worker", server.worker_pids)
        status = Path(f"/proc/{pid}/status")
        wait_for("no new privileges", lambda: "NoNewPrivs:\t1" in status.read_text())
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert any(line.split()[4:6] == ["0", "0"] for line in limits.splitlines()
                   if line.startswith("Max core file size")), limits
        network = [os.readlink(f"/proc/{number}/ns/net") for number in (pid, server.process.pid)]
        assert network[0] != network[1] or "could not be taken away" in server.log.read_text()
        assert server.spool.stat().st_mode & 0o777 == 0o700
        for path in server.spool.rglob("*"):
            assert not path.stat().st_mode & 0o077, f"{path} is open to others"


def off_loopback_nothing_starts_unprotected(folder):
    for options in ([], ["--access-file", folder / "access.json"]):
        done = call(BIN / "chistreamd", "--listen", "0.0.0.0:0", "--spool", folder / "spool",
                    *options, expect=1)
        assert "NOT_LOOPBACK" in done.stderr, done.stderr
    token = folder / "token"
    token.write_text("secret\n")
    for address in ("192.0.2.1:1", "127.0.0.1.example.org:1", "localhost.example.org:1"):
        done = call(BIN / "chistream", "jobs", "--server", address, "--token-file", token,
                    expect=2)
        assert "TOKEN_NEEDS_TLS" in done.stderr and "secret" not in done.stderr, done.stderr


if __name__ == "__main__":
    run(attacks_are_refused_by_name, certificates_rotate_without_a_restart,
        a_worker_has_no_more_than_it_needs, off_loopback_nothing_starts_unprotected)
