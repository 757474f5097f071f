"""A gateway, a PACS and senders of DICOM, on loopback with ports of their own."""

import contextlib
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from chistream_harness import BIN, Skip, call, free_port, wait_for

FAST_SET = ["inversion.iterations=20"]


def tls_files(folder):
    """An authority, and certificates of gateway, pacs and scanner that it signed."""
    folder.mkdir(exist_ok=True)
    make = lambda *words: call("openssl", *words, cwd=folder)
    make("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
         "-days", 2, "-subj", "/CN=test authority")
    for name in ("gateway", "pacs", "scanner"):
        make("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
             f"{name}.csr", "-subj", f"/CN={name}")
        make("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
             "-CAcreateserial", "-out", f"{name}.pem", "-days", 2)
    return folder


def tls_of(folder, name):
    return {"certificate": str(folder / f"{name}.pem"), "key": str(folder / f"{name}.key"),
            "ca": str(folder / "ca.pem")}


class Gateway:
    """A gateway in front of `server`; `with Gateway(folder, server, nodes) as gateway:`."""

    def __init__(self, folder, server, nodes, tls=None, **settings):
        self.folder = folder / "gateway"
        self.folder.mkdir()
        self.log = self.folder / "gateway.log"
        self.state = self.folder / "state"
        self.socket = self.folder / "gateway.sock"
        self.port, self.tls_port = free_port(), free_port()
        listen = [{"port": self.port, "address": "127.0.0.1"}]
        if tls:
            listen.append({"port": self.tls_port, "address": "127.0.0.1",
                           "tls": tls_of(tls, "gateway")})
        self.settings = {
            "daemon": {"address": server.address}, "listen": listen, "quiet_s": 2,
            "pipelines": {"QSM_3T": {"pipeline": "brain-3t", "set": FAST_SET}},
            "callers": [{"ae_title": "*", "return_to": list(nodes)}], "nodes": nodes, **settings}
        self.process = None

    def add_console(self, pipeline):
        """Before start(): a port for MRD."""
        port = free_port()
        self.settings["consoles"] = [{"port": port, "address": "127.0.0.1", "pipeline": pipeline}]
        return port

    def start(self):
        config = self.folder / "gateway.json"
        config.write_text(json.dumps(self.settings))
        self.socket.unlink(missing_ok=True)
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(BIN / "chistream-gateway"), "serve", "--config", str(config), "--state",
                 str(self.state), "--listen", f"unix:{self.socket}", "--metrics", "127.0.0.1:0"],
                stdout=log, stderr=log)
        wait_for("the gateway to listen", lambda: self.listening(before), 30)
        return self

    def listening(self, before):
        text = self.log.read_bytes()[before:].decode(errors="replace")
        assert self.process.poll() is None, f"the gateway ended:\n{text}"
        return "chistream-gateway listening on" in text

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def client(self, *words):
        return call(BIN / "chistream", *words, "--gateway", f"unix:{self.socket}")

    def ask_http(self, path):
        port = re.findall(r"metrics on port (\d+)", self.log.read_text(errors="replace"))[-1]
        return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}").read().decode()

    def audit(self):
        """The trail, whose chain is whole."""
        path = self.state / "audit.jsonl"
        call(BIN / "chistreamd", "audit", "verify", path)
        return [json.loads(line) for line in path.read_text().splitlines()]

    def metrics(self):
        """'deliveries{node="pacs",state="QUEUED"}' -> 1.0, without the prefix of every name."""
        lines = re.findall(r"^chistream_gateway_(.*) (\S+)$", self.ask_http("/metrics"), re.M)
        return {name: float(value) for name, value in lines}

    def exams(self):
        return json.loads(self.client("exams", "--json").stdout)

    def deliveries(self):
        return json.loads(self.client("deliveries", "--json").stdout)

    def wait_until_delivered(self, count=1, seconds=120):
        def done():
            failed = [e for e in self.exams() if e["state"] == "EXAM_STATE_FAILED"]
            assert not failed, failed
            states = [d["state"] for d in self.deliveries()]
            assert "DELIVERY_STATE_FAILED" not in states, self.deliveries()
            return states.count("DELIVERY_STATE_DELIVERED") >= count
        wait_for("the result to be delivered", done, seconds, pause=0.25)

    def send(self, scan, called="QSM_3T", calling="SCANNER", tls=None, expect=0, timeout=120):
        """storescu of everything below `scan`."""
        secure = ["+tls", tls / "scanner.key", tls / "scanner.pem", "+cf", tls / "ca.pem"] if tls else []
        return call("storescu", "-aet", calling, "-aec", called, *secure, "+sd", "+r", "127.0.0.1",
                    self.tls_port if tls else self.port, scan, expect=expect, timeout=timeout)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        if kind:
            print(f"--- gateway log\n{self.log.read_text(errors='replace')[-4000:]}")


class Orthanc:
    """A PACS with a DICOM and an HTTP port; `with Orthanc(folder) as pacs:`."""

    def __init__(self, folder, tls=None, web=False):
        self.program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
        if not self.program:
            raise Skip("Orthanc is not installed")
        self.folder = folder / "orthanc"
        self.folder.mkdir()
        self.port, self.http_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.settings = {
            "Name": "test", "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"), "HttpPort": self.http_port,
            "DicomServerEnabled": True, "DicomAet": "ORTHANC", "DicomPort": self.port,
            "DicomAlwaysAllowStore": True, "DicomCheckCalledAet": True, "OverwriteInstances": False,
            "RemoteAccessAllowed": True, "AuthenticationEnabled": False, "Plugins": []}
        if tls:
            self.settings |= {"DicomTlsEnabled": True, "DicomTlsRemoteCertificateRequired": True,
                              "DicomTlsCertificate": str(tls / "pacs.pem"),
                              "DicomTlsPrivateKey": str(tls / "pacs.key"),
                              "DicomTlsTrustedCertificates": str(tls / "ca.pem")}
        if web:
            plugin = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
            if not plugin.exists():
                raise Skip("orthanc-dicomweb is not installed")
            self.settings |= {"Plugins": [str(plugin)], "DicomWeb": {"Enable": True}}
        self.tls = tls
        self.process = None

    def node(self):
        """As a node of the gateway."""
        node = {"ae_title": "ORTHANC", "host": "127.0.0.1", "port": self.port, "timeout_s": 20}
        if self.tls:
            node["tls"] = tls_of(self.tls, "gateway")
        return node

    def start(self):
        config = self.folder / "orthanc.json"
        config.write_text(json.dumps(self.settings))
        with (self.folder / "orthanc.log").open("ab") as log:
            self.process = subprocess.Popen([self.program, str(config)], stdout=log, stderr=log)
        wait_for("Orthanc to answer", self.answers, 60)
        return self

    def answers(self):
        assert self.process.poll() is None, (self.folder / "orthanc.log").read_text()
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return self.http("/system")

    def http(self, path, body=None):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}{path}", data=body, timeout=30) as answer:
            return answer.read()

    def json(self, path):
        return json.loads(self.http(path))

    def series(self):
        """Every series: its main tags and the files of its instances."""
        return {identifier: self.json(f"/series/{identifier}") for identifier in self.json("/series")}

    def save_series(self, identifier, folder):
        """The instances of a series as files."""
        folder.mkdir(parents=True)
        for number, instance in enumerate(self.json(f"/series/{identifier}")["Instances"]):
            (folder / f"{number:04}.dcm").write_bytes(self.http(f"/instances/{instance}/file"))
        return folder

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
