"""What strangers send to the DICOM ports ends their own association at most."""

import socket
import struct
import subprocess
import time

from chistream_harness import Server, call, run, wait_for
from dicom_harness import Gateway, tls_files
from raw_dicom import MR, RawAssociation, explicit
from vendor_scans import Head, write


def echo(gateway, called="QSM_3T", calling="SCANNER", expect=0):
    return call("echoscu", "-aet", calling, "-aec", called, "127.0.0.1", gateway.port,
                expect=expect)


def start_of_image(uid):
    return (explicit(0x0008, 0x0016, b"UI", MR) + explicit(0x0008, 0x0018, b"UI", uid)
            + explicit(0x0020, 0x000d, b"UI", b"1.2") + explicit(0x0020, 0x000e, b"UI", b"1.3"))


def wrong_callers(folder):
    tls = tls_files(folder / "tls")
    callers = [{"ae_title": "SCANNER", "address": "127.0.0.1"},
               {"ae_title": "SECURE", "certificate": "pacs"}]
    with Server(folder) as server, Gateway(folder, server, {}, tls=tls, callers=callers) as gateway:
        echo(gateway)
        echo(gateway, called="NOBODY", expect=1)
        echo(gateway, calling="STRANGER", expect=1)
        echo(gateway, calling="SECURE", expect=1)  # without the certificate
        secure = ["echoscu", "-aec", "QSM_3T", "+cf", tls / "ca.pem"]
        port = ["127.0.0.1", gateway.tls_port]
        known = ["+tls", tls / "scanner.key", tls / "scanner.pem", "-aet", "SCANNER"]
        call(*secure, *known, *port)
        call(*secure, "+tls", tls / "pacs.key", tls / "pacs.pem", "-aet", "SECURE", *port)
        call(*secure, *known[:3], "-aet", "SECURE", *port, expect=1)  # another's certificate
        call(*secure, "+tla", "-aet", "SCANNER", *port, expect=1)     # none
        call("echoscu", "-aec", "QSM_3T", "-aet", "SCANNER", *port, expect=1)  # plain to TLS
        call("echoscu", "-aec", "QSM_3T", "+cf", tls / "ca.pem", *known, "127.0.0.1", gateway.port,
             expect=1)  # TLS to plain
        foreign = tls_files(folder / "foreign")
        call("echoscu", "-aec", "QSM_3T", "-ic", "+tls", foreign / "scanner.key",
             foreign / "scanner.pem", "-aet", "SCANNER", *port, expect=1)  # an unknown authority
        log = gateway.log.read_text()
        for words in ("no pipeline has this called AE title", "no caller has this AE title",
                      "speaks plain DICOM to the TLS port", "speaks TLS to the plain port"):
            assert words in log, words
        echo(gateway)
        rejected = lambda: [line for line in gateway.audit() if line["event"] == 110114]
        wait_for("four rejections in the trail", lambda: len(rejected()) == 4)
        assert [(line["caller"], line["outcome"]) for line in rejected()] == [
            ("SCANNER", 4), ("STRANGER", 4), ("SECURE", 4), ("SECURE", 4)], rejected()
        assert all(line["reason"] for line in rejected()), rejected()
        days = gateway.metrics()[f'certificate_days{{of="port {gateway.tls_port}"}}']
        assert 1.9 < days < 2.1, days


def nonsense_on_the_wire(folder):
    with Server(folder) as server, Gateway(folder, server, {}) as gateway:
        for bytes_sent in (b"", b"\1", b"GET / HTTP/1.1\r\n\r\n", b"\1\0\xff\xff\xff\xff" + bytes(70000),
                           b"\4\0\0\0\0\4abcd", bytes(range(256)) * 64):
            with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
                connection.sendall(bytes_sent)
        association = RawAssociation(gateway.port)
        assert association.answer[0] == 2
        association.socket.sendall(b"\4\0\x7f\xff\xff\xff" + bytes(1000))  # a PDU of 2 GiB
        association.close()
        echo(gateway)

        refused = {
            "empty": b"",
            "no pixels": start_of_image(b"1.2.3"),
            "absurd length": start_of_image(b"1.2.3")
            + struct.pack("<HH2sxxI", 0x7fe0, 0x10, b"OW", 0xfffffff0) + bytes(64),
            "cut": start_of_image(b"1.2.3")[:-4],
            "text for a number": start_of_image(b"1.2.3") + explicit(0x0028, 0x0010, b"US", b"ab")
            + explicit(0x0028, 0x0030, b"DS", b"nan\\inf"),
        }
        for name, dataset in refused.items():
            association = RawAssociation(gateway.port)
            status, comment = association.store(b"1.2.3", dataset)
            print(f"{name}: {status:04X} {comment}", flush=True)
            assert status in (0xc000, 0xa700, 0xa900) and comment
            association.close()
        wait_for("the refusals to be counted", lambda: len(refused) == sum(
            value for name, value in gateway.metrics().items() if "refused" in name))

        deep = start_of_image(b"1.2.3") + (
            struct.pack("<HH2sxxI", 0x0008, 0x1140, b"SQ", 0xffffffff)
            + struct.pack("<HHI", 0xfffe, 0xe000, 0xffffffff)) * 200_000
        association = RawAssociation(gateway.port)
        try:
            print("200 000 nested sequences:", association.store(b"1.2.3", deep), flush=True)
        except ConnectionError:
            wait_for("the end of a receiver",
                     lambda: "a receiver was ended by signal" in gateway.log.read_text())
            print("200 000 nested sequences: ended its own association")
        echo(gateway)
        assert not list((gateway.state / "inbox").glob("*/*.facts"))


def many_associations(folder):
    """32 scanners at once, and as many that wait behind them."""
    head = Head.simulate(folder, matrix=(24, 28, 20), voxel_mm=8, te_s=(0.006, 0.018))
    scan = write(head, folder / "scan", "siemens-xa")
    with Server(folder) as server, Gateway(folder, server, {}) as gateway:
        idle = [RawAssociation(gateway.port) for _ in range(31)]
        assert all(association.answer[0] == 2 for association in idle)
        assert gateway.metrics()["connections"] == 31, gateway.metrics()
        gateway.send(scan)  # the 32nd
        late = [subprocess.Popen(["echoscu", "-aec", "QSM_3T", "127.0.0.1", str(gateway.port)])
                for _ in range(8)]
        began = time.monotonic()
        assert all(process.wait(60) == 0 for process in late)
        for association in idle:
            association.close()
        print(f"8 echoes beside 31 idle associations: {time.monotonic() - began:.2f} s")
        senders = [subprocess.Popen(["storescu", "-aec", "QSM_3T", "-aet", f"SCANNER{n}", "+sd",
                                     "127.0.0.1", str(gateway.port), str(scan)])
                   for n in range(32)]
        assert all(process.wait(120) == 0 for process in senders)
        wait_for("33 exams", lambda: len(gateway.exams()) == 33, 120)


if __name__ == "__main__":
    run(wrong_callers, nonsense_on_the_wire, many_associations)
