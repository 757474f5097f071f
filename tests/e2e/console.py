"""A scanner's console streams raw data by MRD and gets the map back as images."""

import time

import numpy

from chistream_harness import FAST, Server, instances, nibabel, run, simulate, uploaded_bytes, wait_for
from dicom_harness import Gateway, Orthanc
from mrd_client import Console, messages


def with_console(folder, server, nodes=None):
    gateway = Gateway(folder, server, nodes or {})
    gateway.console_port = gateway.add_console("QSM_3T")
    return gateway


def stream(port, scan, **options):
    console = Console(port)
    for message in messages(scan, **options):
        console.send(message)
    return console


def a_stream_gives_the_map_of_the_file(folder):
    scan, _ = simulate(folder)
    with Orthanc(folder) as pacs, Server(folder) as server:
        server.client("reconstruct", scan, "-o", folder / "out", *FAST)
        with with_console(folder, server, {"pacs": pacs.node()}) as gateway:
            console = stream(gateway.console_port, scan)
            console.close()
            began = time.monotonic()
            images, texts = console.answers()
            print(f"close to last image {time.monotonic() - began:.2f} s; texts {texts}")
            gateway.wait_until_delivered()
            # The same scan once more, after a connection that broke off: the same exam.
            broken = stream(gateway.console_port, scan)
            broken.socket.close()
            broken.file.close()
            wait_for("the gateway to notice", lambda: "broke off" in gateway.log.read_text())
            kept = list((gateway.state / "rejected").glob("*.mrd"))
            assert len(kept) == 1
            again = stream(gateway.console_port, scan)
            again.close()
            images_again, _ = again.answers()
            assert len(gateway.exams()) == 1 and len(gateway.deliveries()) == 1
        assert len(pacs.series()) == 1
    result = instances(folder / "out")
    assert len(images) == len(result) == len(images_again)
    for (position, pixels), ds in zip(sorted(images.items(), key=lambda item: item[0][2]), result):
        assert numpy.array_equal(pixels, ds.pixel_array)
        assert numpy.array_equal(pixels, images_again[position])
        assert abs(position[2] - float(ds.ImagePositionPatient[2])) < 1e-3


def a_scan_is_uploaded_while_it_runs(folder):
    """Also across a daemon that goes away meanwhile; what breaks off leaves nothing at the daemon."""
    scan, _ = simulate(folder)
    everything = list(messages(scan))
    with Server(folder) as server, with_console(folder, server) as gateway:
        console = Console(gateway.console_port)
        for message in everything[:len(everything) // 2]:
            console.send(message)
        wait_for("a part to be uploaded", lambda: uploaded_bytes(server) > 2 << 20)
        server.kill()
        server.start()
        for message in everything[len(everything) // 2:]:
            console.send(message)
        console.close()
        images, texts = console.answers()
        assert len(images) == 40, texts
        assert "was uploaded while it was scanned" in gateway.log.read_text()
        (exam,) = gateway.exams()
        assert exam["upload_id"]
        kept = uploaded_bytes(server)

        broken = Console(gateway.console_port)
        for message in everything[:len(everything) // 2]:
            broken.send(message)
        wait_for("the first half to be uploaded", lambda: uploaded_bytes(server) > kept)
        broken.socket.close()
        broken.file.close()
        wait_for("the upload to be aborted", lambda: uploaded_bytes(server) == kept)
        wait_for("the gateway to put the scan away",
                 lambda: not any((gateway.state / "inbox" / "incoming").iterdir()))

        gateway.kill()  # in the middle of a scan
        gateway.start()
        assert len(gateway.exams()) == 1


def a_scan_that_cannot_be_uploaded_while_it_runs(folder):
    """No daemon until the scan is over: the exam is made from the capture."""
    scan, _ = simulate(folder)
    with Server(folder) as server, with_console(folder, server) as gateway:
        server.kill()
        console = stream(gateway.console_port, scan)
        console.close()
        wait_for("the gateway to give the upload up",
                 lambda: "was not uploaded while it ran" in gateway.log.read_text(), 60)
        server.start()
        images, texts = console.answers()
        assert len(images) == 40, texts


def errors_come_back_as_text(folder):
    scan, _ = simulate(folder)
    with Server(folder) as server, with_console(folder, server) as gateway:
        console = stream(gateway.console_port, scan, config="no_such_thing")
        console.close()
        images, texts = console.answers()
        assert images and any("no_such_thing" in text for text in texts), texts

        silent = Console(gateway.console_port)
        silent.send(next(messages(scan)))
        silent.close()
        images, texts = silent.answers()
        assert not images and texts == ["ERROR NO_IMAGING_LINES: the stream holds no acquisition"]

        nonsense = Console(gateway.console_port)
        nonsense.send(b"GET / HTTP/1.1\r\n\r\n")
        _, texts = nonsense.answers()
        assert texts[0].startswith("ERROR MRD_UNKNOWN_MESSAGE"), texts
        (refused,) = (gateway.state / "rejected").glob("*.mrd")
        assert refused.read_bytes().startswith(b"GET /")

        half = Console(gateway.console_port)  # every other line
        for number, message in enumerate(messages(scan, waveforms=False)):
            if number < 2 or number % 2:
                half.send(message)
        half.close()
        _, texts = half.answers()
        assert any(text.startswith("ERROR UNDERSAMPLED") for text in texts), texts


def several_consoles_at_once(folder):
    scans = [simulate(folder, "--head-seed", seed, name=f"scan{seed}")[0] for seed in (1, 2, 3)]
    with Server(folder) as server, with_console(folder, server) as gateway:
        consoles = [Console(gateway.console_port) for _ in scans]
        streams = [list(messages(scan)) for scan in scans]
        for together in zip(*streams):
            for console, message in zip(consoles, together):
                console.send(message)
        for console in consoles:
            console.close()
        maps = [console.answers()[0] for console in consoles]
    for index in range(3):
        assert len(maps[index]) == 40
        position = sorted(maps[0])[20]
        assert (maps[index][position] != maps[index - 1][position]).any()


if __name__ == "__main__":
    run(a_stream_gives_the_map_of_the_file, a_scan_is_uploaded_while_it_runs,
        a_scan_that_cannot_be_uploaded_while_it_runs, errors_come_back_as_text, several_consoles_at_once)
