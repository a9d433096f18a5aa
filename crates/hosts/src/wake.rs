//! Interrupts a connection's thread while it waits for its socket.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::Arc,
    time::Duration,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The end that wakes.
#[derive(Debug, Clone)]
pub(crate) struct Waker(Arc<UnixStream>);

impl Waker {
    /// Makes the thread look at its queue and at who still listens.
    pub(crate) fn wake(&self) {
        // A full buffer means that a wake-up is already on its way.
        let _ = (&*self.0).write(&[1]);
    }
}

/// Wakes when it goes out of scope: declare it after what the thread shall notice.
#[derive(Debug)]
pub(crate) struct WakeOnDrop(pub(crate) Waker);

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        self.0.wake();
    }
}

/// The end that sleeps.
#[derive(Debug)]
pub(crate) struct Sleeper(UnixStream);

/// Makes two ends that belong together.
pub(crate) fn pair() -> io::Result<(Waker, Sleeper)> {
    let (wakes, sleeps) = UnixStream::pair()?;
    wakes.set_nonblocking(true)?;
    sleeps.set_nonblocking(true)?;
    Ok((Waker(Arc::new(wakes)), Sleeper(sleeps)))
}

impl Sleeper {
    /// Sleeps until `socket` has something to read, somebody wakes us, or `limit`
    /// is over. Says whether the socket is the reason.
    pub(crate) fn sleep(&mut self, socket: &TcpStream, limit: Duration) -> io::Result<bool> {
        let mut watched = [
            PollFd::new(socket.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.0.as_fd(), PollFlags::POLLIN),
        ];
        wait(&mut watched, limit)?;
        let [socket, woken] = watched.map(|it| it.any().unwrap_or(true));
        if woken {
            let mut bytes = [0; 64];
            while matches!(self.0.read(&mut bytes), Ok(count) if count > 0) {}
        }
        Ok(socket)
    }
}

/// Waits until `socket` takes more bytes, or `limit` is over.
pub(crate) fn until_writable(socket: &TcpStream, limit: Duration) -> io::Result<()> {
    wait(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)], limit)
}

fn wait(watched: &mut [PollFd<'_>], limit: Duration) -> io::Result<()> {
    // One millisecond more: rounding down would spin through the last one.
    let limit = PollTimeout::try_from(limit + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
    match poll(watched, limit) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
