"""Before a server starts: is its port free, and will Ctrl-C reach it?"""

from __future__ import annotations

import errno
import signal
import socket
import threading

from ecert.errors import SettingsFault

__all__ = ["check_port", "hear_ctrl_c"]


def check_port(host: str, port: int) -> None:
    """See that nobody listens there; 0 is always free.

    Does not keep the port: another process may still take it before the server does.

    Raises:
        SettingsFault: Something listens there already, or the address can't be listened on.
    """
    if port == 0:
        return
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            raise SettingsFault(f"something listens on port {port} already: stop it, or use --port") from None
        raise SettingsFault(
            f"expected an address to listen on at {host} port {port}, got {fault.strerror}"
        ) from None


def hear_ctrl_c() -> None:
    """Take SIGINT also where a script's `&` had it ignored. Only the main thread can."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
