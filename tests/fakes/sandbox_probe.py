"""A program that asks what a sandbox allows, and says it as one line of JSON. Names begin with + where it must work.

It runs inside the booted machine with nothing but Python; here it is only text.
"""

PROBE = """
import ctypes, json, mmap, os, socket, time
libc = ctypes.CDLL(None, use_errno=True)

def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")

def write(path):
    with open(path, "w") as file:
        file.write("x")

def code():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)

def discovery():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                       socket.inet_aton("239.255.255.250") + socket.inet_aton("127.0.0.1"))

def credential():
    folder = os.environ["CREDENTIALS_DIRECTORY"]
    open(os.path.join(folder, "kuramori_gate")).read()
    if not os.listdir(folder):
        raise OSError("none")

ASKED = {
    "root is written": lambda: write("/etc/x"),
    "program is written": lambda: write("/opt/kuramori/x"),
    "homes are seen": lambda: os.listdir("/root"),
    "credentials of root are read": lambda: open("/etc/kuramori/credentials/gate").read(),
    "kernel is tuned": lambda: write("/proc/sys/kernel/panic"),
    "disks are there": lambda: os.stat("/dev/loop-control"),
    "namespace": lambda: call(libc.unshare(0x10000000)),
    "mount": lambda: call(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)),
    "priority": lambda: os.setpriority(os.PRIO_PROCESS, 0, -1),
    "clock is set": lambda: time.clock_settime(0, time.time()),
    "raw packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "code is made": code,
    "bpf": lambda: call(libc.syscall(321, 0, 0, 0)),
    "+clock is asked": lambda: call(libc.adjtimex(ctypes.create_string_buffer(256))),
    "+boot is known": lambda: open("/proc/sys/kernel/random/boot_id").read(),
    "+interfaces": lambda: socket.if_nameindex(),
    "+discovery": discovery,
    "+state is written": lambda: write("/var/lib/kuramori/probe"),
    "+volumes are written": lambda: write("/srv/kuramori/probe"),
    "+credential": credential,
    "+camera": lambda: socket.create_connection(("127.0.0.1", 8554), 5).close(),
}
found = {}
for name, ask in ASKED.items():
    try:
        ask()
        found[name] = "works"
    except (OSError, KeyError):
        found[name] = "refused"
print(json.dumps(found), flush=True)
"""
