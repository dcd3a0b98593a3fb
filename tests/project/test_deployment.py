"""What is in `deploy`, by the programs that it is for."""

import re
from pathlib import Path

from tests.project.files import read
from tests.project.proxies import certificate, checked, configuration


def test_haproxy_takes_its_configuration(tmp_path: Path) -> None:
    places = certificate(tmp_path)
    pem = {name: where for name, where in places.items() if name.endswith(".pem")}
    checked("haproxy", "-c", "-f", configuration("haproxy.cfg", tmp_path, pem))


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    places = {name: where for name, where in certificate(tmp_path).items() if "nginx" in name}
    # Folders that root alone may make.
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places["access_log off;"] = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    path = configuration("nginx.conf", tmp_path, places)
    checked("nginx", "-t", "-e", "stderr", "-p", tmp_path, "-c", path)


def test_caddy_takes_its_configuration(tmp_path: Path) -> None:
    path = configuration("Caddyfile", tmp_path, {})
    checked("caddy", "validate", "--adapter", "caddyfile", "--config", path)


def test_systemd_takes_the_unit_which_may_do_little(tmp_path: Path) -> None:
    program = {"/opt/roundbook/bin/roundbook": "/bin/true"}
    unit = configuration("roundbook.service", tmp_path, program)
    checked("systemd-analyze", "verify", unit)
    checked("systemd-analyze", "security", "--offline=yes", "--threshold=20", unit)


def test_the_unit_has_time_to_drain_and_to_end() -> None:
    unit = read("deploy/roundbook.service")
    [drain_s] = re.findall(r"ROUNDBOOK_DRAIN_S=(\d+)", unit)
    [stop_s] = re.findall(r"TimeoutStopSec=(\d+)", unit)
    assert int(stop_s) > int(drain_s) + 40  # what processes are given
    assert "KillMode=mixed" in unit
