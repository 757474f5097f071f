"""A link that breaks, stalls and crawls between client and server: a proxy that we own."""

import random
import socket
import threading
import time

from stand_in import Exam, jobs, stand_in_workers, whole_result
from chistream_harness import Server, run, uploaded_bytes


class Proxy:
    """Forwards TCP on a port of its own to a Unix socket.

    `cut_after`: bytes from the client after which a connection is reset; `pause`: seconds before
    every piece; `bytes_per_s`: from the client. They may be changed while it runs.
    """

    def __init__(self, target):
        self.target, self.cut_after, self.pause, self.bytes_per_s = target, None, 0, None
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.target)
            except OSError:
                client.close()
                continue
            for source, sink, upward in ((client, server, True), (server, client, False)):
                threading.Thread(target=self.forward, args=(source, sink, upward),
                                 daemon=True).start()

    def forward(self, source, sink, upward):
        passed = 0
        try:
            while piece := source.recv(65536):
                time.sleep(self.pause)
                if upward and self.bytes_per_s:
                    time.sleep(len(piece) / self.bytes_per_s)
                sink.sendall(piece)
                passed += len(piece)
                if upward and self.cut_after and passed > self.cut_after:
                    self.cuts += 1
                    break
        except OSError:
            pass  # the other direction closed both
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


def cut_again_and_again(folder):
    with Server(folder, "--credit-mib", "1", workers=stand_in_workers(folder)) as server:
        proxy = Proxy(str(server.socket))
        server.address = proxy.address
        proxy.cut_after = 1_500_000
        exam = Exam(folder, 1, edge=96)
        assert exam.heard(exam.submit(server)), exam.said
        assert proxy.cuts >= 3, f"only {proxy.cuts} cuts"
        assert "resuming at byte" in exam.said, exam.said
        proxy.cut_after = None
        server.client("watch", exam.job)
        whole_result(server, exam.job, folder / "out")
        assert len(jobs(server)) == 1
        print(f"{exam.size >> 20} MiB over {proxy.cuts + 1} connections, one job")


def slow_and_jerky(folder):
    with Server(folder, "--credit-mib", "1", workers=stand_in_workers(folder)) as server:
        proxy = Proxy(str(server.socket))
        server.address = proxy.address
        proxy.bytes_per_s = 2_000_000
        proxy.pause = 0.01
        exam = Exam(folder, 2)
        began = time.monotonic()
        assert exam.heard(exam.submit(server)), exam.said
        server.client("watch", exam.job)
        whole_result(server, exam.job, folder / "out")
        print(f"{exam.size >> 20} MiB at 2 MB/s with 10 ms before every piece: "
              f"{time.monotonic() - began:.1f} s")


def daemon_dies_behind_a_broken_link(folder):
    chance = random.Random(3)
    with Server(folder, "--credit-mib", "1", workers=stand_in_workers(folder)) as server:
        proxy = Proxy(str(server.socket))
        server.address = proxy.address
        proxy.cut_after = 2_000_000
        exam = Exam(folder, 3, edge=96)
        client = exam.submit(server)
        for _ in range(3):
            time.sleep(chance.uniform(0.1, 0.5))
            server.kill()
            server.start()
        proxy.cut_after = None
        assert exam.heard(client) or exam.heard(exam.submit(server)), exam.said
        server.client("watch", exam.job)
        whole_result(server, exam.job, folder / "out")
        assert uploaded_bytes(server) > 0 and len(jobs(server)) == 1


if __name__ == "__main__":
    run(cut_again_and_again, slow_and_jerky, daemon_dies_behind_a_broken_link)
