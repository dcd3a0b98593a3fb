"""Metrics of a process outside of `serve`, on an address of its own, by prometheus_client's server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import click
from prometheus_client import start_http_server


class Address(NamedTuple):
    """Where to listen; port 0 is any that is free."""

    host: str
    port: int


class AddressType(click.ParamType[Address]):
    """A host and a port, as 127.0.0.1:9100."""

    name = "host:port"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Address:
        """Return the address, or end with a usage error."""
        host, _, port = str(value).rpartition(":")
        if not host or not (port.isascii() and port.isdecimal()) or int(port) > 65_535:
            self.fail(f"{value!r} is not host:port", param, ctx)
        return Address(host.strip("[]"), int(port))


metrics_option = click.option(
    "--metrics",
    "address",
    type=AddressType(),
    metavar="HOST:PORT",
    help="Where to serve metrics for Prometheus; port 0 is any that is free. By default nowhere.",
)
"""The option of commands that serve their own metrics, as `address`."""


@contextmanager
def serving_metrics(address: Address | None) -> Iterator[None]:
    """Serve what this process counts, if an address is given, and say where on stdout. Raises OSError."""
    if address is None:
        yield
        return
    try:
        server, thread = start_http_server(address.port, address.host)
    except OSError as error:
        where = f"{address.host}:{address.port}"
        raise OSError(f"can't serve metrics on {where}: {error.strerror or error}") from error
    host = f"[{address.host}]" if ":" in address.host else address.host
    click.echo(f"Metrics are on http://{host}:{server.server_port}/metrics")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
