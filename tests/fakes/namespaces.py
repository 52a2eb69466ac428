"""Two network namespaces joined by a cable: one for a camera that binds everything, one for us. Needs root."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cable:
    """The two ends: namespace, interface and address of each."""

    camera: str
    camera_address: str
    ours: str
    our_interface: str

    def at_camera(self, *command: str) -> list[str]:
        """Return the command that runs in the camera's namespace."""
        return ["ip", "netns", "exec", self.camera, *command]

    def at_ours(self, *command: str) -> list[str]:
        """Return the command that runs in our namespace."""
        return ["ip", "netns", "exec", self.ours, *command]


@contextmanager
def cable() -> Iterator[Cable]:
    """Make the namespaces with multicast between them; remove them afterwards."""
    tag = f"{os.getpid() % 10000}{secrets.token_hex(2)}"
    made = Cable(f"krm-c-{tag}", "10.99.0.2", f"krm-o-{tag}", "ours0")
    script = f"""
        set -e
        ip netns add {made.camera}; ip netns add {made.ours}
        for name in {made.camera} {made.ours}; do
            ip netns exec $name sysctl -qw net.ipv6.conf.default.accept_dad=0  # link-local addresses at once
        done
        ip link add c{tag} type veth peer name o{tag}
        ip link set c{tag} netns {made.camera} name camera0; ip link set o{tag} netns {made.ours} name ours0
        ip -n {made.camera} addr add 10.99.0.2/24 dev camera0; ip -n {made.ours} addr add 10.99.0.1/24 dev ours0
        ip -n {made.camera} link set lo up; ip -n {made.ours} link set lo up
        ip -n {made.camera} link set camera0 up; ip -n {made.ours} link set ours0 up
        ip -n {made.camera} route add 224.0.0.0/4 dev camera0
    """
    try:
        subprocess.run(["sh", "-c", script], check=True, timeout=20)
        yield made
    finally:
        for name in (made.camera, made.ours):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True, timeout=20)


@contextmanager
def second_camera(first: Cable) -> Iterator[Cable]:
    """Join another camera's namespace to ours by a cable of its own: two networks that do not know each other."""
    tag = f"{os.getpid() % 10000}{secrets.token_hex(2)}"
    made = Cable(f"krm-d-{tag}", "10.98.0.2", first.ours, "ours1")
    script = f"""
        set -e
        ip netns add {made.camera}
        ip netns exec {made.camera} sysctl -qw net.ipv6.conf.default.accept_dad=0
        ip link add d{tag} type veth peer name p{tag}
        ip link set d{tag} netns {made.camera} name camera0; ip link set p{tag} netns {made.ours} name ours1
        ip -n {made.camera} addr add 10.98.0.2/24 dev camera0; ip -n {made.ours} addr add 10.98.0.1/24 dev ours1
        ip -n {made.camera} link set lo up
        ip -n {made.camera} link set camera0 up; ip -n {made.ours} link set ours1 up
        ip -n {made.camera} route add 224.0.0.0/4 dev camera0
    """
    try:
        subprocess.run(["sh", "-c", script], check=True, timeout=20)
        yield made
    finally:
        subprocess.run(["ip", "netns", "del", made.camera], check=False, capture_output=True, timeout=20)
