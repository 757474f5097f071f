"""What deploy/ hands to other programs: options that exist, metrics that exist, a backup that
restores."""

import json
import re
import urllib.request
from pathlib import Path

import yaml

from chistream_harness import BIN, Server, call, digests, run, simulate, wait_for
from dicom_harness import Gateway

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def accepted(options):
    """chistreamd takes these options; what it then misses are only files."""
    done = call(BIN / "chistreamd", *options, "--check-config", expect=None)
    assert "not expected" not in done.stderr and "Could not convert" not in done.stderr, done.stderr
    return done


def kubernetes_manifests_fit_the_program(_folder):
    manifests = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "chistream.yaml").read_text()))
    kinds = {manifest["kind"]: manifest for manifest in manifests}
    pod = kinds["StatefulSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert accepted(container["args"]).returncode == 0
    assert kinds["StatefulSet"]["spec"]["replicas"] == 1
    options = dict(arg.removeprefix("--").split("=") for arg in container["args"])
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert options["listen"].endswith(f":{ports['grpc']}")
    assert options["metrics"].endswith(f":{ports['metrics']}")
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    for name in ("tls-cert", "tls-key", "tls-client-ca", "access-file"):
        assert any(options[name].startswith(mount) for mount in mounts), options[name]
    assert pod["terminationGracePeriodSeconds"] > float(options["drain-s"])
    volumes = {volume["name"] for volume in pod["volumes"]} | {
        claim["metadata"]["name"] for claim in kinds["StatefulSet"]["spec"]["volumeClaimTemplates"]}
    assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    (port,) = kinds["Service"]["spec"]["ports"]
    assert port["targetPort"] in ports and port["port"] == ports["grpc"]


def systemd_unit_and_its_configuration_fit_the_program(folder):
    unit = (DEPLOY / "systemd" / "chistreamd.service").read_text()
    settings = dict(re.findall(r"^(\w+)=(.*)$", unit, re.M))
    program, *options = settings["ExecStart"].split()
    assert program.endswith("/chistreamd") and options[0] == "--config"
    toml = DEPLOY / "systemd" / "chistreamd.toml"
    assert accepted(["--config", toml]).stdout == "configuration ok\n"
    drain = float(re.search(r"^drain-s = (\d+)", toml.read_text(), re.M)[1])
    assert float(settings["TimeoutStopSec"]) > drain
    everything = folder / "all.toml"  # what is commented out is meant to be used
    everything.write_text(re.sub(r"^listen = .*\n", "", re.sub(r"^# (?=[a-z-]+ = )", "",
                                 toml.read_text(), flags=re.M), count=1, flags=re.M))
    assert accepted(["--config", everything]).returncode == 0
    analysed = call("systemd-analyze", "security", "--offline=yes", "--threshold=30",
                    DEPLOY / "systemd" / "chistreamd.service", expect=None)
    if "Overall exposure" in analysed.stdout:
        print(analysed.stdout.strip().splitlines()[-1])
        assert analysed.returncode == 0, analysed.stdout


def gateway_settings_of_the_manual_are_settings(folder):
    """The example of docs/gateway.md is what the program reads; so is what its unit starts."""
    manual = (DEPLOY.parent / "docs" / "gateway.md").read_text()
    example = folder / "gateway.json"
    example.write_text(re.search(r"```json\n(.*?)```", manual, re.S)[1])
    done = call(BIN / "chistream-gateway", "check", "--config", example)
    assert done.stdout == "2 pipelines, 2 callers, 3 nodes, 2 ports\n", done.stdout
    unit = (DEPLOY / "systemd" / "chistream-gateway.service").read_text()
    program, *words = re.search(r"^ExecStart=(.*)$", unit, re.M)[1].split()
    assert program.endswith("/chistream-gateway") and words[0] == "serve"
    known = call(BIN / "chistream-gateway", "serve", "--help").stdout
    assert all(word in known for word in words if word.startswith("--"))


def metrics_that_are_watched_exist(folder):
    scan, _ = simulate(folder)
    with Server(folder, "--metrics", "127.0.0.1:0") as server:
        server.client("reconstruct", scan, "-o", folder / "out")
        port = re.search(r"metrics on 127.0.0.1:(\d+)", server.log.read_text())[1]
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        nodes = {"pacs": {"ae_title": "PACS", "host": "127.0.0.1", "port": 1}}
        with Gateway(folder, server, nodes) as gateway:
            assert gateway.ask_http("/livez") == "ok\n" and gateway.ask_http("/readyz") == "ready\n"
            text += gateway.ask_http("/metrics")
    there = set(re.findall(r"^(chistream_\w+)", text, re.M))
    there |= {"chistream_certificate_days", "chistream_gateway_certificate_days",  # with TLS
              "chistream_gateway_images_refused_total",  # once one was
              "chistream_device_reserved_bytes",  # while a job runs
              "chistream_callers_refused_total"}  # once one was
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
    dashboard = json.loads((DEPLOY / "grafana" / "chistream.json").read_text())
    expressions = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    expressions += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    watched = {name for expression in expressions
               for name in re.findall(r"chistream_\w+", expression)}
    assert watched <= there, watched - there
    unwatched = {re.sub(r"_(bucket|sum|count)$", "", name) for name in there} - {
        re.sub(r"_bucket$", "", name) for name in watched}
    assert not unwatched, f"nobody looks at {unwatched}"
    print(f"{len(watched)} metrics in {len(expressions)} expressions, all of them there")


def a_backup_restores_what_was_there(folder):
    scan, _ = simulate(folder)
    saved, lost = folder / "saved", folder / "lost"
    with Server(folder) as server:
        server.client("reconstruct", scan, "-o", folder / "first")
        call(DEPLOY / "backup.sh", "save", server.spool, saved)
        server.client("submit", scan, "--new", "--priority", "batch")
        call(DEPLOY / "backup.sh", "save", server.spool, saved)  # while one may run
        server.kill()
        server.spool.rename(lost)
        call(DEPLOY / "backup.sh", "restore", saved, server.spool)
        server.start()
        lines = server.client("jobs").stdout.splitlines()
        assert len(lines) == 2, lines
        first = lines[1].split()[0]
        wait_for("both jobs", lambda: server.client("jobs").stdout.count("SUCCEEDED") == 2, 60)
        server.client("fetch", first, "-o", folder / "again")
        assert digests(folder / "first") == digests(folder / "again")
    refused = call(DEPLOY / "backup.sh", "restore", saved, lost, expect=1)
    assert "is there already" in refused.stderr


if __name__ == "__main__":
    run(kubernetes_manifests_fit_the_program, systemd_unit_and_its_configuration_fit_the_program,
        gateway_settings_of_the_manual_are_settings,
        metrics_that_are_watched_exist, a_backup_restores_what_was_there)
