"""As much of the DICOM upper layer as it takes to send bytes that no toolkit would."""

import socket
import struct

MR = b"1.2.840.10008.5.1.4.1.1.4"
EXPLICIT = b"1.2.840.10008.1.2.1"


def item(kind, body):
    return struct.pack(">BxH", kind, len(body)) + body


def associate(called=b"QSM_3T", calling=b"SCANNER", pdu_length=None):
    context = item(0x20, b"\1\0\0\0" + item(0x30, MR) + item(0x40, EXPLICIT))
    user = item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3.4"))
    body = (struct.pack(">HH", 1, 0) + called.ljust(16) + calling.ljust(16) + bytes(32)
            + item(0x10, b"1.2.840.10008.3.1.1.1") + context + user)
    return struct.pack(">BxI", 1, len(body) if pdu_length is None else pdu_length) + body


def element(group, number, value):
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", group, number, len(value)) + value


def store_command(uid):
    elements = (element(0, 0x0002, MR) + element(0, 0x0100, struct.pack("<H", 1))
                + element(0, 0x0110, struct.pack("<H", 7)) + element(0, 0x0700, struct.pack("<H", 0))
                + element(0, 0x0800, struct.pack("<H", 0)) + element(0, 0x1000, uid))
    return element(0, 0, struct.pack("<I", len(elements))) + elements


def data_pdus(flags, data, piece=16000):
    """P-DATA-TF PDUs; flags: 1 command, 0 data."""
    for start in range(0, max(len(data), 1), piece):
        part = data[start:start + piece]
        last = 2 if start + piece >= len(data) else 0
        value = struct.pack(">IBB", len(part) + 2, 1, flags | last) + part
        yield struct.pack(">BxI", 4, len(value)) + value


def explicit(group, number, vr, value):
    """An element in explicit VR little endian."""
    value += b"\0" * (len(value) % 2)
    if vr in (b"OB", b"OW", b"SQ", b"UN"):
        return struct.pack("<HH2sxxI", group, number, vr, len(value)) + value
    return struct.pack("<HH2sH", group, number, vr, len(value)) + value


class RawAssociation:
    def __init__(self, port, **options):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.sendall(associate(**options))
        self.answer = self.pdu()

    def pdu(self):
        head = self.read(6)
        return head[0], self.read(struct.unpack(">I", head[2:])[0])

    def read(self, size):
        data = b""
        while len(data) < size:
            got = self.socket.recv(size - len(data))
            if not got:
                raise ConnectionError("closed")
            data += got
        return data

    def store(self, uid, dataset):
        """Status and comment of the answer to a C-STORE of these very bytes."""
        for pdu in (*data_pdus(1, store_command(uid)), *data_pdus(0, dataset)):
            self.socket.sendall(pdu)
        _, value = self.pdu()
        command, status, comment = value[6:], None, ""
        while command:
            group, number, size = struct.unpack("<HHI", command[:8])
            if (group, number) == (0, 0x0900):
                status, = struct.unpack("<H", command[8:10])
            if (group, number) == (0, 0x0902):
                comment = command[8:8 + size].decode().rstrip()
            command = command[8 + size:]
        return status, comment

    def close(self):
        self.socket.close()
