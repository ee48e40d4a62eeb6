"""Real throw-away Debian hosts on one Linux machine, for testing what crosses SSH.

Every host has its own root filesystem (an overlay over one shared debootstrap tree), PID, mount, UTS and network
namespaces, its own address on a bridge, and a real OpenSSH server. Two flavours:

  light   sshd alone: about 6 MB and 50 ms a host; hundreds on one machine
  system  a booted Debian under systemd-nspawn: services, timers, hostnamectl

Needs root. Debian packages: debootstrap, openssh-server, iproute2, and systemd-container for the system flavour
(`testbed.py prepare` installs them).

  testbed.py prepare                 install packages, build the root tree, keys
  testbed.py up 3                    three light hosts: tb001 tb002 tb003
  testbed.py up 2 --system           two booted hosts: tbs001 tbs002
  testbed.py inventory               an Ansible INI inventory on stdout
  testbed.py ssh-config              an OpenSSH client config on stdout
  testbed.py reset tb001             that host as new
  testbed.py cut tb001 / heal tb001  take its link down / up (a network fault)
  testbed.py down                    stop every host, drop every overlay

Several beds live side by side with a TESTBED_NAME and TESTBED_NET each (defaults tb, 10.90) over one tree in
TESTBED_HOME (default /var/tmp/testbed).
"""
from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TREE_PACKAGES = (
    "openssh-server,python3,python3-apt,systemd,systemd-sysv,dbus,sudo,iproute2,"
    "ca-certificates,procps,kmod,cron,locales,acl,less,passwd,netbase,git,unzip,gnupg,tcsh"
)
REPOSITORY = ("nftables", "ufw", "firewalld", "nginx-light", "redis-server", "tree", "figlet", "jq", "cowsay", "ntpsec")
"""Packages that hosts can install with no network, with what these need."""
MACHINE_PACKAGES = ("apt-utils", "debootstrap", "openssh-server", "openssh-client", "iproute2", "systemd-container")

SSHD_CONFIG = "PermitRootLogin yes\nUseDNS no\nMaxStartups 500:30:1000\nMaxSessions 100\n"
START_LIMIT = 60.0
"""Seconds a host may take until its sshd answers."""


def run(*command: str, check: bool = True, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=check, text=True, capture_output=True, cwd=cwd)


def why_not(*, system: bool = False) -> str:
    """Why hosts cannot be made on this machine; empty where they can."""
    if sys.platform != "linux":
        return "needs Linux (network namespaces, overlays)"
    if os.geteuid() != 0:
        return "needs root (network namespaces, overlays)"
    missing = [name for name in ("ip", "unshare", "debootstrap", *(["systemd-nspawn"] if system else [])) if shutil.which(name) is None]
    if missing:
        return f"needs {', '.join(missing)}: run `python tests/testbed.py prepare` first"
    return ""


@dataclass(frozen=True, slots=True)
class Machine:
    """One host of a bed."""

    bed: Testbed
    name: str

    @property
    def address(self) -> str:
        number = int(self.name[-3:])
        block = 100 if self.system else 1 + number // 250
        return f"{self.bed.net}.{block}.{number % 250 + 2}"

    @property
    def system(self) -> bool:
        return self.name.startswith(f"{self.bed.name}s")

    @property
    def home(self) -> Path:
        return self.bed.hosts / self.name

    @property
    def root(self) -> Path:
        """The host's root directory as seen from here: tests look at files without asking the host."""
        return self.home / "root"

    @property
    def link(self) -> str:
        return f"v{self.name}"

    def reset(self) -> None:
        """The host as new."""
        self.stop()
        self.start()
        self.wait()

    def cut(self) -> None:
        """Take its link down: packets vanish, nobody is told."""
        run("ip", "link", "set", self.link, "down")

    def heal(self) -> None:
        run("ip", "link", "set", self.link, "up")

    def kill(self, word: str) -> int:
        """End its processes whose command line has the word, seen from here; how many there were. A light host has no /proc for pkill."""
        found, todo = [], [self.pid]
        while todo:
            pid = todo.pop()
            try:
                for task in Path(f"/proc/{pid}/task").iterdir():
                    todo.extend(map(int, (task / "children").read_text().split()))
                if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return len(found)

    def run(self, command: str) -> str:
        """What a shell line prints inside the host, run past SSH as its root.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        child = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0]
        # A light host is a chroot inside its mount namespace; a system host's root is the namespace's own.
        inside = ("-a",) if self.system else ("-m", "-u", "-i", "-n", "-p", f"-r{self.root}")
        return run("nsenter", "-t", child, *inside, "/bin/sh", "-c", command).stdout

    @property
    def pid(self) -> int:
        """Of its first process here; 0 where it is not running."""
        try:
            pid, began = (self.home / "pid").read_text().split()
        except (FileNotFoundError, ValueError):
            return 0
        return int(pid) if began == started(int(pid)) else 0

    def start(self) -> None:
        """Mount, link and start it; `wait` tells when it answers. Nothing where it runs."""
        if self.pid:
            return
        for part in ("upper", "work", "root"):
            (self.home / part).mkdir(parents=True, exist_ok=True)
        if not os.path.ismount(self.root):
            layers = f"lowerdir={self.bed.base},upperdir={self.home / 'upper'},workdir={self.home / 'work'}"
            run("mount", "-t", "overlay", self.name, "-o", layers, str(self.root))
        (self.root / "etc/hostname").write_text(self.name + "\n")
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{self.address} {self.name}\n")
        self.connect()
        with (self.home / "log").open("w") as log:
            command, environment = self.boot() if self.system else (self.serve(), dict(os.environ))
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment
            )
        (self.home / "pid").write_text(f"{process.pid} {started(process.pid)}")
        CHILDREN[process.pid] = process

    def connect(self) -> None:
        """Its network namespace and the link from there to the bridge."""
        run("ip", "netns", "add", self.name, check=False)
        if run("ip", "link", "show", self.link, check=False).returncode == 0:
            return
        end = ("peer", "name", "eth0", "address", mac(self.address), "netns", self.name)
        run("ip", "link", "add", self.link, "type", "veth", *end)
        run("ip", "link", "set", self.link, "master", self.bed.bridge, "up")
        run("ip", "-n", self.name, "addr", "add", f"{self.address}/16", "dev", "eth0")
        run("ip", "-n", self.name, "link", "set", "eth0", "up")
        run("ip", "-n", self.name, "link", "set", "lo", "up")

    def serve(self) -> list[str]:
        """The command of a light host: sshd in namespaces of its own."""
        root = self.root
        inside = (
            f"mount -t proc proc {root}/proc; mount --rbind /sys {root}/sys; "
            f"mount -t tmpfs tmpfs {root}/run; mount --rbind /dev {root}/dev; mkdir -p {root}/run/sshd; "
            f"hostname {self.name}; exec chroot {root} /usr/sbin/sshd -D -e"
        )
        namespaces = ["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--propagation", "private"]
        return ["ip", "netns", "exec", self.name, "unshare", *namespaces, "sh", "-c", inside]

    def boot(self) -> tuple[list[str], dict[str, str]]:
        """The command of a system host, and its environment."""
        command = ["systemd-nspawn", "-q", "-D", str(self.root), "--boot", "--register=no", "--keep-unit", "-M", self.name]
        command += [f"--network-namespace-path=/run/netns/{self.name}", "--capability=CAP_NET_ADMIN", "--kill-signal=SIGRTMIN+3"]
        if Path("/dev/loop-control").exists():
            command += ["--bind=/dev/loop-control"]
        # With CAP_NET_ADMIN and a writable /proc/sys/net: firewalld, ufw, nft, routes and net.* sysctl work inside.
        return command, {**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"}

    def stop(self) -> None:
        """End it and drop its overlay."""
        pid = self.pid
        if pid:
            end(pid)
        run("ip", "netns", "del", self.name, check=False)
        run("ip", "link", "del", self.link, check=False)
        for _ in range(40):
            if not os.path.ismount(self.root) or run("umount", str(self.root), check=False).returncode == 0:
                break
            time.sleep(0.05)
        else:
            run("umount", "-l", str(self.root), check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def wait(self, seconds: float = START_LIMIT) -> None:
        """Until its sshd says who it is.

        Raises:
            TimeoutError: with the path of the host's log.
        """
        deadline = time.monotonic() + seconds
        while not self.answers():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} did not come up; see {self.home / 'log'}")
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), 1) as link:
                link.settimeout(2)
                return link.recv(4) == b"SSH-"
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Testbed:
    """A set of hosts with a name, a bridge and a network of their own."""

    __test__ = False

    home: Path = Path("/var/tmp/testbed")
    name: str = "tb"
    """At most 4 characters: it is part of the names of network links."""
    net: str = "10.90"
    """The first half of every address."""

    @classmethod
    def from_environment(cls) -> Testbed:
        usual = cls()
        at = os.environ.get
        return cls(Path(at("TESTBED_HOME", str(usual.home))), at("TESTBED_NAME", usual.name), at("TESTBED_NET", usual.net))

    @property
    def base(self) -> Path:
        """The shared lower tree."""
        return self.home / "base"

    @property
    def hosts(self) -> Path:
        """One directory a host: upper, work, root, pid, log."""
        return self.home / ("hosts" if self.name == "tb" else f"hosts-{self.name}")

    @property
    def key(self) -> Path:
        """The private key that root and deploy of every host accept."""
        return self.home / "id_ed25519"

    @property
    def bridge(self) -> str:
        return f"{self.name}0"

    def machine(self, number: int, *, system: bool = False) -> Machine:
        return Machine(self, f"{self.name}{'s' if system else ''}{number:03d}")

    def up(self, count: int, *, system: bool = False) -> list[Machine]:
        """Hosts 1 to `count`, running and answering; those that run already stay as they are."""
        self.prepare()
        self.raise_bridge()
        machines = [self.machine(number, system=system) for number in range(1, count + 1)]
        for machine in machines:
            machine.start()
        for machine in machines:
            machine.wait()
        return machines

    def down(self) -> None:
        """Stop every host, drop every overlay."""
        for machine in self.running():
            machine.stop()
        run("ip", "link", "del", self.bridge, check=False)

    def running(self) -> list[Machine]:
        """Every host that has a directory, in order of names; also those whose processes are gone."""
        own = re.compile(rf"{re.escape(self.name)}s?\d{{3}}")
        names = sorted(path.name for path in self.hosts.iterdir()) if self.hosts.is_dir() else []
        return [Machine(self, name) for name in names if own.fullmatch(name)]

    def raise_bridge(self) -> None:
        if run("ip", "link", "show", self.bridge, check=False).returncode:
            gateway = f"{self.net}.0.1"
            run("ip", "link", "add", self.bridge, "address", mac(gateway), "type", "bridge")
            run("ip", "addr", "add", f"{gateway}/16", "dev", self.bridge)
            run("ip", "link", "set", self.bridge, "up")

    def prepare(self, suite: str = "bookworm") -> None:
        """Install packages, build the tree and the key, where they are missing."""
        if not (self.base / "etc/os-release").exists():
            status = "dpkg-query", "-Wf", "${Status}"
            missing = [name for name in MACHINE_PACKAGES if "ok installed" not in run(*status, name, check=False).stdout]
            if missing:
                run("apt-get", "update")
                run("apt-get", "install", "-y", *missing)
        self.home.mkdir(parents=True, exist_ok=True)
        if not self.key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        if not (self.base / "etc/os-release").exists():
            partial = self.home / "base.partial"
            shutil.rmtree(partial, ignore_errors=True)
            run("debootstrap", "--variant=minbase", f"--include={TREE_PACKAGES}", suite, str(partial))
            self.dress(partial)
            package_repository(partial)
            partial.rename(self.base)

    def dress(self, root: Path) -> None:
        """What a fresh host needs to be reached: keys, an admin user, sudo, apt's own sources."""
        for home in ("root", "home/deploy"):
            folder = root / home / ".ssh"
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / "authorized_keys").write_text(self.key.with_suffix(".pub").read_text())
        run("chroot", str(root), "useradd", "-m", "-s", "/bin/bash", "deploy", check=False)
        run("chroot", str(root), "sh", "-c", "echo deploy:deploy | chpasswd; echo root:root | chpasswd")
        run("chroot", str(root), "chown", "-R", "deploy:deploy", "/home/deploy")
        (root / "etc/sudoers.d/deploy").write_text("deploy ALL=(ALL) NOPASSWD: ALL\n")
        (root / "etc/ssh/sshd_config.d/testbed.conf").write_text(SSHD_CONFIG)
        for name in ("sources.list", "sources.list.d", "apt.conf.d", "trusted.gpg.d", "auth.conf.d"):
            source, target = Path("/etc/apt") / name, root / "etc/apt" / name
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            elif source.exists():
                shutil.copy(source, target)

    def inventory(self) -> str:
        """The running hosts as an INI inventory."""
        lines = ["[testbed]", *(f"{machine.name} ansible_host={machine.address}" for machine in self.running())]
        lines += ["", "[testbed:vars]", "ansible_user=root", f"ansible_ssh_private_key_file={self.key}"]
        lines += ["ansible_python_interpreter=/usr/bin/python3"]
        lines += ["ansible_ssh_common_args=-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"]
        return "\n".join(lines)

    def ssh_config(self) -> str:
        """The running hosts as an OpenSSH client configuration."""
        lines: list[str] = []
        for machine in self.running():
            lines += [f"Host {machine.name}", f"  HostName {machine.address}", "  User root", f"  IdentityFile {self.key}"]
            lines += ["  StrictHostKeyChecking no", "  UserKnownHostsFile /dev/null", "  LogLevel ERROR", ""]
        return "\n".join(lines)


CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
"""Hosts started by this process, so that they can be reaped."""


def package_repository(root: Path) -> None:
    """A real apt repository inside the tree, so that hosts install packages with no network."""
    run("chroot", str(root), "apt-get", "update")
    run("chroot", str(root), "apt-get", "install", "-y", "--download-only", *REPOSITORY)
    repository = root / "opt/repository"
    repository.mkdir(parents=True)
    for package in (root / "var/cache/apt/archives").glob("*.deb"):
        shutil.move(str(package), repository / package.name)
    (repository / "Packages").write_text(run("apt-ftparchive", "packages", ".", cwd=repository).stdout)
    for name in ("sources.list.d", "auth.conf.d"):
        shutil.rmtree(root / "etc/apt" / name, ignore_errors=True)
        (root / "etc/apt" / name).mkdir()
    (root / "etc/apt/sources.list").write_text("deb [trusted=yes] file:/opt/repository ./\n")
    run("chroot", str(root), "apt-get", "update")


def mac(address: str) -> str:
    """Always the same for an address: a host that comes back is where the others' ARP caches still look."""
    return "02:54:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def started(pid: int) -> str:
    """When process `pid` began, in ticks since boot; tells it from another that got its number. Empty where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]


def end(pid: int) -> None:
    """End the process group of `pid`: asked first, then killed after 2.5 s."""
    began = started(pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
        for _ in range(50):
            if started(pid) != began:
                break
            time.sleep(0.05)
        os.killpg(pid, signal.SIGKILL)
    child = CHILDREN.pop(pid, None)
    if child is not None:
        child.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("prepare").add_argument("--suite", default="bookworm")
    up = verbs.add_parser("up")
    up.add_argument("count", type=int)
    up.add_argument("--system", action="store_true")
    for verb in ("reset", "cut", "heal"):
        verbs.add_parser(verb).add_argument("host")
    for verb in ("inventory", "ssh-config", "list", "down"):
        verbs.add_parser(verb)
    arguments = parser.parse_args()
    bed = Testbed.from_environment()
    match arguments.verb:
        case "prepare":
            bed.prepare(arguments.suite)
        case "up":
            try:
                print(" ".join(machine.name for machine in bed.up(arguments.count, system=arguments.system)))
            except TimeoutError as error:
                sys.exit(f"testbed: {error}")
        case "reset" | "cut" | "heal":
            getattr(Machine(bed, arguments.host), arguments.verb)()
        case "inventory":
            print(bed.inventory())
        case "ssh-config":
            print(bed.ssh_config())
        case "list":
            print("\n".join(f"{machine.name} {machine.address}" for machine in bed.running()))
        case "down":
            bed.down()


if __name__ == "__main__":
    main()
