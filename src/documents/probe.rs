//! The sandbox from inside: what the child must not be able to do, tried by the child itself.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::net::{UnixListener, UnixStream},
    process::Command,
    thread,
};

use nix::{sys::signal, unistd};

/// Each try with what came of it: `done`, or the error of the kernel.
pub(super) fn probe() -> BTreeMap<&'static str, String> {
    let tries: [(&str, io::Result<()>); 12] = [
        ("read a file", fs::read("/etc/passwd").map(drop)),
        ("read its own environment", fs::read("/proc/self/environ").map(drop)),
        ("list a folder", fs::read_dir("/").map(drop)),
        ("write a file", File::create("/tmp/compagnon-probe").map(drop)),
        ("connect", TcpStream::connect("127.0.0.1:9").map(drop)),
        ("listen", TcpListener::bind("127.0.0.1:0").map(drop)),
        ("send a datagram", UdpSocket::bind("0.0.0.0:0").map(drop)),
        ("connect to a local socket", UnixStream::connect("/run/probe").map(drop)),
        ("listen at a local socket", UnixListener::bind("/tmp/compagnon-probe.socket").map(drop)),
        ("run a program", Command::new("/bin/true").status().map(drop)),
        ("begin a thread", thread::Builder::new().spawn(|| ()).map(drop)),
        ("signal its parent", signal::kill(unistd::getppid(), None).map_err(io::Error::from)),
    ];
    let shown = |result: io::Result<()>| match result {
        Ok(()) => "done".to_owned(),
        Err(error) => error
            .raw_os_error()
            .map_or_else(|| error.to_string(), |code| format!("{:?}", nix::errno::Errno::from_raw(code))),
    };
    tries.into_iter().map(|(name, result)| (name, shown(result))).collect()
}
