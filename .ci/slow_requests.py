"""Forwards TCP connections, and holds back requests that hold a text. Arguments: port, port to forward to, seconds, text."""
import socket
import sys
import threading
import time

listen, target, seconds, text = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4].encode()


def forward(source, sink, slow):
    try:
        while data := source.recv(1 << 16):
            if slow and text in data.lower():
                time.sleep(seconds)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        sink.close()


with socket.create_server(("127.0.0.1", listen)) as server:
    while True:
        client, _ = server.accept()
        store = socket.create_connection(("127.0.0.1", target))
        threading.Thread(target=forward, args=(client, store, True), daemon=True).start()
        threading.Thread(target=forward, args=(store, client, False), daemon=True).start()
