#!/usr/bin/env python3
"""Holds the packets of an NFQUEUE back: netlag.py QUEUE DELAY_MS [JITTER_MS] [LOSS_PERCENT]

A netem in user space, for kernels without one. Speaks nfnetlink directly, so
that it needs no library. Packets keep their order, as they do on one wire.
"""

import heapq
import random
import select
import socket
import struct
import sys
import time

NETLINK_NETFILTER = 12
NFQNL_MSG_PACKET, NFQNL_MSG_VERDICT, NFQNL_MSG_CONFIG = 0x300, 0x301, 0x302
NFQA_PACKET_HDR, NFQA_VERDICT_HDR = 1, 2
NFQA_CFG_CMD, NFQA_CFG_PARAMS, NFQA_CFG_QUEUE_MAXLEN = 1, 2, 3
NF_DROP, NF_ACCEPT = 0, 1
NFQNL_CFG_CMD_BIND, NFQNL_COPY_META = 1, 1


def attribute(kind: int, payload: bytes) -> bytes:
    padding = b"\0" * (-len(payload) % 4)
    return struct.pack("=HH", 4 + len(payload), kind) + payload + padding


def message(kind: int, queue: int, body: bytes) -> bytes:
    # struct nlmsghdr, then struct nfgenmsg with the queue in network order.
    header = struct.pack("=IHHII", 20 + len(body), kind, 1, 0, 0)
    return header + struct.pack("=BB", 0, 0) + struct.pack(">H", queue) + body


def packet_ids(datagram: bytes):
    """Yields the kernel's id of each packet announced in `datagram`."""
    offset = 0
    while offset + 16 <= len(datagram):
        length, kind = struct.unpack_from("=IH", datagram, offset)
        if length < 16:
            return
        if kind == NFQNL_MSG_PACKET:
            at, end = offset + 20, offset + length
            while at + 4 <= end:
                size, attr = struct.unpack_from("=HH", datagram, at)
                if attr & 0x3FFF == NFQA_PACKET_HDR:
                    yield struct.unpack_from(">I", datagram, at + 4)[0]
                if size < 4:
                    break
                at += (size + 3) & ~3
        offset += (length + 3) & ~3


def main() -> None:
    queue = int(sys.argv[1])
    delay, jitter, loss = (float(a) for a in (sys.argv[2:] + ["0", "0"])[:3])

    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    link.bind((0, 0))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    link.send(message(NFQNL_MSG_CONFIG, queue, attribute(NFQA_CFG_CMD, struct.pack(">BxH", NFQNL_CFG_CMD_BIND, 0))))
    link.send(message(NFQNL_MSG_CONFIG, queue, attribute(NFQA_CFG_PARAMS, struct.pack(">IB", 0, NFQNL_COPY_META))))
    link.send(message(NFQNL_MSG_CONFIG, queue, attribute(NFQA_CFG_QUEUE_MAXLEN, struct.pack(">I", 20000))))
    print("ready", flush=True)

    def decide(packet: int, verdict: int) -> None:
        link.send(message(NFQNL_MSG_VERDICT, queue, attribute(NFQA_VERDICT_HDR, struct.pack(">II", verdict, packet))))

    held: list[tuple[float, int]] = []
    last = 0.0
    while True:
        wait = max(0.0, held[0][0] - time.monotonic()) if held else None
        if select.select([link], [], [], wait)[0]:
            try:
                datagram = link.recv(1 << 16)
            except OSError:  # ENOBUFS: the kernel dropped packets, as a full router does
                continue
            for packet in packet_ids(datagram):
                if random.random() * 100 < loss:
                    decide(packet, NF_DROP)
                    continue
                due = time.monotonic() + max(0.0, delay + jitter * random.uniform(-1, 1)) / 1000
                last = max(last, due)
                heapq.heappush(held, (last, packet))
        now = time.monotonic()
        while held and held[0][0] <= now:
            decide(heapq.heappop(held)[1], NF_ACCEPT)


if __name__ == "__main__":
    main()
