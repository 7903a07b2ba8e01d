"""The containers beside the functions."""

from infra.sam.system import SamSystem
from infra.sam.without_registry.engine import Engine


def test_moto_in_its_container_loses_no_message_that_comes_while_it_deletes_another(sam: SamSystem, docker: Engine) -> None:
    # Not by its name: Docker calls some containers after Yukihiro Matsumoto.
    only_moto = ("--filter", "label=com.docker.compose.service=moto", "--filter", f"network={sam.server.network}")
    [container] = docker.docker("ps", "--quiet", *only_moto).splitlines()
    ask = "from moto.sqs.models import Queue; print(Queue.delete_message.__qualname__)"
    assert "under_lock" in docker.docker("exec", container, "python3", "-c", ask)


def test_nothing_can_be_reached_from_outside_this_machine(sam: SamSystem, docker: Engine) -> None:
    ports = docker.docker("ps", "--format", "{{.Ports}}", "--filter", f"network={sam.server.network}").splitlines()
    published = [port for line in ports for port in line.split(", ") if "->" in port]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)
