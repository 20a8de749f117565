"""Takes away from this process what decoding a video does not need: files, network, programs, memory, time.

In: the one file that may be read or the one port that may be called, and limits. Out: which layers hold. Three
independent layers, each as far as the kernel has it: Landlock (files, TCP, signals), seccomp (system calls), resource
limits. There is no way back. It is called by the decoding child before it opens the file; everything the child needs is
imported before.

Source: landlock(7), seccomp(2), bpf_common.h and seccomp.h of Linux, setrlimit(2).
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import stat
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_SET_PDEATHSIG, _SECCOMP_MODE_FILTER = 38, 22, 1, 2
_SIGKILL = 9
# The same on every architecture. Source: landlock(7).
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULESET_VERSION, _RULE_PATH_BENEATH, _RULE_NET_PORT = 1, 1, 2
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_CONNECT_TCP = 1 << 1
# What the resolver and TLS read.
_NETWORK_FILES = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/ssl",
    "/usr/lib",
    "/lib",
)
# Access rights of files by ABI: 13 from the start, then REFER, TRUNCATE and IOCTL_DEV.
_FS_RIGHTS = MappingProxyType({1: 13, 2: 14, 3: 15, 4: 15, 5: 16})
_TCP_RIGHTS, _TCP_ABI = 0b11, 4
_SCOPES, _SCOPES_ABI = 0b11, 6


@dataclass(frozen=True, slots=True)
class _Architecture:
    """AUDIT_ARCH value, numbers of the system calls that are refused, and those of them that calling a port needs."""

    audit: int
    calls: tuple[int, ...]
    calling: frozenset[int]


# socket socketpair connect bind listen accept accept4 sendto, execve execveat, fork vfork, ptrace process_vm_readv
# process_vm_writev, bpf perf_event_open userfaultfd io_uring_setup _enter _register, mount umount2 pivot_root chroot
# unshare setns, init_module finit_module delete_module kexec_load, keyctl add_key request_key, open_by_handle_at.
# Source: asm/unistd_64.h, asm-generic/unistd.h. Plain clone stays: the decoder starts threads.
_X86_64_CALLS = """41 53 42 49 50 43 288 44 59 322 57 58 101 310 311 321 298 323 425 426 427
165 166 155 161 272 308 175 313 176 246 250 248 249 304"""
_AARCH64_CALLS = """198 199 203 200 201 202 242 206 221 281 117 270 271 280 241 282 425 426 427
40 39 41 51 97 268 105 273 106 104 219 217 218 265"""
_ARCHITECTURES: Mapping[str, _Architecture] = MappingProxyType(
    {
        "x86_64": _Architecture(0xC000003E, tuple(map(int, _X86_64_CALLS.split())), frozenset({41, 42, 44})),
        "aarch64": _Architecture(0xC00000B7, tuple(map(int, _AARCH64_CALLS.split())), frozenset({198, 203, 206})),
    }
)
_X32_BIT = 0x40000000
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000  # errno 1 is EPERM


@dataclass(frozen=True, slots=True)
class Budget:
    """What the process may use up from now on: address space and processor time."""

    memory_bytes: int
    cpu_s: int


def lock(path: str | None, budget: Budget, port: int | None = None) -> tuple[str, ...]:
    """Leave this process nothing but reading ``path`` and computing; names of the layers that hold.

    Where ``port`` is given, the process may also call it over TCP, on whatever host: Landlock knows ports only.

    Raises:
        OSError: ``path`` cannot be opened.
    """
    layers = []
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
            version = _landlock(libc, path, port)
            layers += [f"landlock-{version}"] if version else []
            layers += ["seccomp"] if _seccomp(libc, calls=port is not None) else []
    _limit(budget)
    return (*layers, "rlimits")


def _limit(budget: Budget) -> None:
    for kind, wanted in (
        (resource.RLIMIT_AS, budget.memory_bytes),
        (resource.RLIMIT_CPU, budget.cpu_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        _, hard = resource.getrlimit(kind)
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):
            # macOS refuses a limit of the address space below what is in use.
            continue


def _landlock(libc: ctypes.CDLL, path: str | None, port: int | None) -> int:
    """Version of the interface that holds now; 0 for none."""
    version = libc.syscall(_CREATE_RULESET, None, 0, _RULESET_VERSION)
    if version < 1:
        return 0
    rights = (1 << _FS_RIGHTS.get(version, 16)) - 1
    attributes = struct.pack("=Q", rights)
    if version >= _TCP_ABI:
        attributes += struct.pack("=Q", _TCP_RIGHTS)
    if version >= _SCOPES_ABI:
        attributes += struct.pack("=Q", _SCOPES)
    rules = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return 0
    try:
        if path is not None and not _allow_reading(libc, rules, path):
            return 0
        if port is not None:
            for name in filter(os.path.exists, _NETWORK_FILES):
                _allow_reading(libc, rules, name)
            if version >= _TCP_ABI:
                rule = struct.pack("=QQ", _CONNECT_TCP, port)
                if libc.syscall(_ADD_RULE, rules, _RULE_NET_PORT, rule, 0) != 0:
                    return 0
        return int(version) if libc.syscall(_RESTRICT_SELF, rules, 0) == 0 else 0
    finally:
        os.close(rules)


def _allow_reading(libc: ctypes.CDLL, rules: int, path: str) -> bool:
    # A place only, not what is there: a pipe that is opened and closed here has lost its other end.
    file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = _READ_FILE | (_READ_DIR if stat.S_ISDIR(os.fstat(file).st_mode) else 0)
        rule = struct.pack("=Qi", rights, file)
        return bool(libc.syscall(_ADD_RULE, rules, _RULE_PATH_BENEATH, rule, 0) == 0)
    finally:
        os.close(file)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _seccomp(libc: ctypes.CDLL, *, calls: bool) -> bool:
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None:
        return False
    code = _filter(architecture, calls)
    program = _Program(len(code) // 8, code)
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _filter(architecture: _Architecture, calls: bool) -> bytes:
    """A BPF program: another architecture kills, listed calls and those of the x32 interface fail with EPERM."""

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    refused = [call for call in architecture.calls if not (calls and call in architecture.calling)]
    count = len(refused)
    steps = [
        step(_LOAD, 4),
        step(_JUMP_EQUAL, architecture.audit, 1, 0),
        step(_RETURN, _KILL),
        step(_LOAD, 0),
        step(_JUMP_AT_LEAST, _X32_BIT, count + 1, 0),
    ]
    # Each comparison jumps over the ones behind it and over ALLOW.
    steps += [step(_JUMP_EQUAL, call, count - at, 0) for at, call in enumerate(refused)]
    steps += [step(_RETURN, _ALLOW), step(_RETURN, _REFUSE)]
    return b"".join(steps)


if __name__ == "__main__":
    # What holds on this machine, asked without a decoder.
    print(" ".join(lock(__file__, Budget(2 << 30, 60))))  # noqa: T201 - this is the output
