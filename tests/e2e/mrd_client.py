"""The client side of the MRD streaming protocol, as a scanner's console speaks it."""

import socket
import struct

import h5py
import numpy

CONFIG_FILE, HEADER, CLOSE, TEXT, ACQUISITION, IMAGE, WAVEFORM = 1, 3, 4, 5, 1008, 1022, 1026


def text(kind, words):
    data = words.encode() + b"\0"
    return struct.pack("<HI", kind, len(data)) + data


def messages(scan, config="QSM_3T", waveforms=True):
    """Every message of the scan in an ISMRMRD file, in order; the close is left to the caller."""
    yield struct.pack("<H", CONFIG_FILE) + config.encode().ljust(1024, b"\0")
    with h5py.File(scan) as file:
        xml = file["dataset/xml"][0]
        yield text(HEADER, xml.decode() if isinstance(xml, bytes) else xml)
        for number, record in enumerate(file["dataset/data"][:]):
            head = packed(record["head"])
            assert len(head) == 340, len(head)
            if waveforms and number % 1000 == 0:
                waveform = struct.pack("<HxxxxxxQIIIHHfHxx", 1, 0, 0, number, 0, 3, 2, 5.0, 1)
                yield struct.pack("<H", WAVEFORM) + waveform[:40] + bytes(4 * 3 * 2)
            yield (struct.pack("<H", ACQUISITION) + head
                   + record["traj"].astype("<f4").tobytes() + record["data"].astype("<f4").tobytes())


def packed(value):
    """The bytes of a structure without the gaps of an HDF5 compound in memory."""
    if value.dtype.names:
        return b"".join(packed(value[name]) for name in value.dtype.names)
    return numpy.ascontiguousarray(value).tobytes()


class Console:
    """One connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.file = self.socket.makefile("rb")

    def send(self, message):
        self.socket.sendall(message)

    def close(self):
        self.send(struct.pack("<H", CLOSE))

    def answers(self):
        """(images as {slice position: array}, texts) until the server closes."""
        images, texts = {}, []
        while True:
            kind, = struct.unpack("<H", self.file.read(2))
            if kind == CLOSE:
                return images, texts
            if kind == TEXT:
                size, = struct.unpack("<I", self.file.read(4))
                texts.append(self.file.read(size).rstrip(b"\0").decode())
                continue
            assert kind == IMAGE, kind
            head = self.file.read(198)
            data_type, = struct.unpack_from("<H", head, 2)
            columns, rows, depth = struct.unpack_from("<HHH", head, 16)
            position = struct.unpack_from("<fff", head, 36)
            attributes, = struct.unpack("<Q", self.file.read(8))
            meta = self.file.read(attributes).decode()
            assert data_type == 2 and depth == 1 and "ismrmrdMeta" in meta
            pixels = numpy.frombuffer(self.file.read(2 * rows * columns), "<i2")
            images[position] = pixels.reshape(rows, columns)
