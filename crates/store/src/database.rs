//! One SQLite file: a writer thread, and readers that never wait for it.

use std::{
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::{
    error::StoreError,
    migration::{self, Purpose},
};

/// How long a statement waits for another process before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Work for a thread that owns a connection.
type Task = Box<dyn FnOnce(&mut Connection) + Send>;

/// One SQLite file; clones share it.
///
/// All writes of this process go through one thread, one after the other, so
/// they never fail on each other. Reads run beside them on connections of their
/// own and see the last committed state. When the last clone is dropped, what
/// is queued is still done before the file is closed.
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    writer: Sender<Task>,
    readers: Sender<Task>,
    handles: Vec<JoinHandle<()>>,
}

/// Which thread a task is for.
#[derive(Debug, Clone, Copy)]
enum Lane {
    Write,
    Read,
}

impl Database {
    /// Opens the file at `path`, makes it if it is new, and brings it up to date.
    pub(crate) fn open(path: &Path, purpose: Purpose) -> Result<Self, StoreError> {
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let mut writer = connect(path, purpose).map_err(open)?;
        migration::migrate(&mut writer, path, purpose)?;
        let readers = (0..readers(purpose))
            .map(|_| reader(path, purpose))
            .collect::<Result<Vec<_>, _>>()
            .map_err(open)?;
        let threads = Threads::start(writer, readers).map_err(|source| StoreError::Io {
            path: path.to_owned(),
            doing: "start the threads of",
            source,
        })?;
        let shared = Shared { path: path.to_owned(), threads: Mutex::new(Some(threads)) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Runs `f` in a transaction that is committed if it returns `Ok`, else undone.
    ///
    /// Dropping the future does not stop a write that is queued.
    pub async fn write<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let done = self.try_write(f).await?;
        done.map_err(|source| self.failed(Lane::Write, source))
    }

    /// Runs `f` like [`write`](Self::write), for closures that can say no themselves.
    ///
    /// The inner error is the closure's own, and nothing of the transaction is
    /// left; the outer one is SQLite's, from before or after it ran.
    pub async fn try_write<T, E, F>(&self, f: F) -> Result<Result<T, E>, StoreError>
    where
        T: Send + 'static,
        E: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    {
        self.run(Lane::Write, move |conn| in_transaction(conn, f)).await
    }

    /// Runs `f` on one consistent state of the database.
    pub async fn read<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.run(Lane::Read, move |conn| in_snapshot(conn, f)).await
    }

    /// Runs `f` like [`write`](Self::write), for threads that are not async.
    pub fn write_blocking<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let done = self.run_blocking(Lane::Write, move |conn| in_transaction(conn, f))?;
        done.map_err(|source| self.failed(Lane::Write, source))
    }

    /// Runs `f` like [`read`](Self::read), for threads that are not async.
    pub fn read_blocking<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.run_blocking(Lane::Read, move |conn| in_snapshot(conn, f))
    }

    /// Returns a number that changes when, and only when, another process wrote.
    ///
    /// SQLite counts commits of all connections but the one that asks. So the
    /// writer's connection is asked: on any other our own writes would count.
    /// Numbers of one [`Database`] and its clones compare; after the file was
    /// opened anew they start over.
    pub async fn data_version(&self) -> Result<i64, StoreError> {
        self.run(Lane::Write, |conn| conn.query_row("PRAGMA data_version", [], |row| row.get(0)))
            .await
    }

    /// Finishes what is queued and closes the file, whoever else holds a clone.
    pub(crate) fn close(&self) {
        self.shared.close();
    }

    /// Says whether this is the only clone.
    pub(crate) fn is_idle(&self) -> bool {
        Arc::strong_count(&self.shared) == 1
    }

    async fn run<T, F>(&self, lane: Lane, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.submit(lane, Box::new(move |conn| drop(reply.send(f(conn)))))?;
        let answer = answer.await.map_err(|_| self.stopped())?;
        answer.map_err(|source| self.failed(lane, source))
    }

    fn run_blocking<T, F>(&self, lane: Lane, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = mpsc::sync_channel(1);
        self.submit(lane, Box::new(move |conn| drop(reply.send(f(conn)))))?;
        let answer = answer.recv().map_err(|_| self.stopped())?;
        answer.map_err(|source| self.failed(lane, source))
    }

    fn submit(&self, lane: Lane, task: Task) -> Result<(), StoreError> {
        let threads = self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let threads = threads.as_ref().ok_or_else(|| self.stopped())?;
        let queue = match lane {
            Lane::Write => &threads.writer,
            Lane::Read => &threads.readers,
        };
        queue.send(task).map_err(|_| self.stopped())
    }

    fn failed(&self, lane: Lane, source: rusqlite::Error) -> StoreError {
        let doing = match lane {
            Lane::Write => "write",
            Lane::Read => "read",
        };
        StoreError::sql(self.shared.path.clone(), doing, source)
    }

    fn stopped(&self) -> StoreError {
        StoreError::Stopped { path: self.shared.path.clone() }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

impl Threads {
    fn start(writer: Connection, readers: Vec<Connection>) -> std::io::Result<Self> {
        let (write, to_write) = mpsc::channel();
        let (read, to_read) = mpsc::channel();
        let to_read = Arc::new(Mutex::new(to_read));
        let mut handles = vec![spawn("store-writer", writer, Arc::new(Mutex::new(to_write)))?];
        for reader in readers {
            handles.push(spawn("store-reader", reader, Arc::clone(&to_read))?);
        }
        Ok(Self { writer: write, readers: read, handles })
    }
}

impl Shared {
    fn close(&self) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Threads { writer, readers, handles }) = threads else { return };
        drop((writer, readers));
        // The last clone may have been dropped by a task, on one of the threads.
        let this = thread::current().id();
        for handle in handles.into_iter().filter(|handle| handle.thread().id() != this) {
            // A thread ends by itself only; panics of tasks don't reach it.
            drop(handle.join());
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

fn spawn(
    name: &str,
    mut conn: Connection,
    tasks: Arc<Mutex<Receiver<Task>>>,
) -> std::io::Result<JoinHandle<()>> {
    let next = move || tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        while let Ok(task) = next() {
            // A task that panics drops its reply, which its caller sees as
            // `Stopped`, and its transaction, which undoes it.
            drop(panic::catch_unwind(AssertUnwindSafe(|| task(&mut conn))));
        }
    })
}

fn in_transaction<T, E>(
    conn: &mut Connection,
    f: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> rusqlite::Result<Result<T, E>> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = f(&tx);
    if done.is_ok() {
        tx.commit()?;
    } else {
        // Not `rollback()`: SQLite has rolled back already where the disk is
        // full, and would complain about that instead.
        drop(tx);
    }
    Ok(done)
}

fn in_snapshot<T>(
    conn: &mut Connection,
    f: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let tx = conn.transaction()?;
    f(&tx)
}

/// Readers a database gets: jobs, lists and the window's polls share few files.
const fn readers(purpose: Purpose) -> usize {
    match purpose {
        Purpose::Main => 3,
        Purpose::Workspace => 2,
        Purpose::Metrics => 1,
    }
}

fn reader(path: &Path, purpose: Purpose) -> rusqlite::Result<Connection> {
    let conn = connect(path, purpose)?;
    conn.pragma_update(None, "query_only", true)?;
    Ok(conn)
}

#[expect(clippy::disallowed_methods, reason = "this is the place that the rule points to")]
fn connect(path: &Path, purpose: Purpose) -> rusqlite::Result<Connection> {
    let conn = Connection::open(path)?;
    configure(&conn, purpose)?;
    Ok(conn)
}

fn configure(conn: &Connection, purpose: Purpose) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(128);
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    match purpose {
        // A committed journal entry must survive a power cut: what it describes
        // has happened in the world. Deleted secrets are overwritten.
        Purpose::Main | Purpose::Workspace => {
            conn.pragma_update(None, "synchronous", "FULL")?;
            conn.pragma_update(None, "secure_delete", true)
        }
        // The last few samples may go with the power.
        Purpose::Metrics => conn.pragma_update(None, "synchronous", "NORMAL"),
    }
}
