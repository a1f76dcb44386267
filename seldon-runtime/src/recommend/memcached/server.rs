//! One memcached server: its connections, its limits, its breaker.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use memcache::exp::{
    AsyncMetaConnection, Error, GetOptions, MetaCommand, MetaResponse, ReturnCode, build_get,
    build_noop, parse_meta_result,
};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::breaker::Breaker;
use super::failure::Failure;
use super::settings::CandidateSettings;
use super::value::Value;

/// Connections that have been idle for longer are not trusted: something between may have
/// forgotten them without a word.
const IDLE: Duration = Duration::from_secs(30);

/// The pause before the first probe of a server that does not answer. Each is twice as long as the
/// one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

pub(super) struct Server {
    /// `host:port`, looked up anew by each connection: the server may come back elsewhere.
    address: String,
    connect_timeout: Duration,
    operation_timeout: Duration,
    /// As many as there may be connections.
    slots: Semaphore,
    idle: Mutex<Vec<Idle>>,
    breaker: Breaker,
}

/// A connection with no unread answer.
struct Idle {
    connection: AsyncMetaConnection,
    since: Instant,
}

impl Server {
    pub(super) fn new(address: String, settings: &CandidateSettings) -> Self {
        Self {
            address,
            connect_timeout: settings.connect_timeout,
            operation_timeout: settings.operation_timeout,
            slots: Semaphore::new(settings.connections),
            idle: Mutex::default(),
            breaker: Breaker::default(),
        }
    }

    /// The values under `keys`, in one round trip; `None` is a key that is not held.
    pub(super) async fn get(
        self: &Arc<Self>,
        keys: &[&str],
    ) -> Result<Vec<Option<Value>>, Failure> {
        if !self.breaker.is_closed() {
            self.watch();
            return Err(self.unreachable("it did not answer lately"));
        }
        let commands: Vec<MetaCommand> = (keys.iter().enumerate())
            .map(|(place, key)| {
                let mut options = GetOptions::default();
                options.return_client_flags = true;
                // Comes back with the answer, which is then known to be this key's.
                options.opaque = Some(place.to_string().into_bytes());
                build_get(key, &options)
            })
            .collect::<Result<_, _>>()
            .map_err(|e| self.unreachable(e))?;
        let since = Instant::now();
        match self.exchange(&commands).await {
            Ok(values) => {
                self.breaker.answered();
                Ok(values)
            }
            Err(error) => {
                self.failed(since, &error);
                Err(self.unreachable(error))
            }
        }
    }

    /// Whether it answers, and how often it did not.
    pub(super) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Finds out at the start whether the server answers, so that no request has to.
    pub(super) async fn greet(self: &Arc<Self>) {
        let since = Instant::now();
        match self.noop().await {
            Ok(()) => {
                self.breaker.answered();
            }
            Err(error) => self.failed(since, &error),
        }
    }

    /// Sends `commands` over an idle connection or a new one.
    async fn exchange(&self, commands: &[MetaCommand]) -> Result<Vec<Option<Value>>, Error> {
        let mut deadline = Instant::now() + self.operation_timeout;
        let _slot = timeout_at(deadline, self.slots.acquire())
            .await
            .map_err(|_| late("waiting for a free connection"))?
            .expect("the slots are never closed");
        if let Some(connection) = self.take_idle() {
            match self.ask(connection, commands, deadline).await {
                // The server has closed it, as one that was restarted has all the others: reading is
                // safe to repeat over a new one.
                Err(Error::Io(error)) if error.kind() != io::ErrorKind::TimedOut => {
                    self.idle().clear();
                }
                result => return result,
            }
        }
        let connecting = Instant::now();
        let connection = timeout(self.connect_timeout, self.connect())
            .await
            .map_err(|_| late("connecting"))??;
        deadline += connecting.elapsed();
        self.ask(connection, commands, deadline).await
    }

    /// Sends `commands` and keeps the connection if all went well. In any other case it is dropped, by
    /// the caller's leaving too: an answer that is still to be read would be taken for the next one's.
    async fn ask(
        &self,
        mut connection: AsyncMetaConnection,
        commands: &[MetaCommand],
        deadline: Instant,
    ) -> Result<Vec<Option<Value>>, Error> {
        let responses = timeout_at(deadline, connection.execute_batch(commands))
            .await
            .map_err(|_| late("waiting for an answer"))??;
        let values = values(responses)?;
        self.keep(connection);
        Ok(values)
    }

    async fn connect(&self) -> Result<AsyncMetaConnection, Error> {
        AsyncMetaConnection::connect(self.address.as_str()).await
    }

    /// A round trip over a new connection.
    async fn noop(&self) -> Result<(), Error> {
        let mut connection = timeout(self.connect_timeout, self.connect())
            .await
            .map_err(|_| late("connecting"))??;
        let response = timeout(self.operation_timeout, connection.execute(&build_noop()))
            .await
            .map_err(|_| late("waiting for an answer"))??;
        if response.rc() != ReturnCode::Mn {
            return Err(Error::Protocol("no answer to a no-op".to_owned()));
        }
        self.keep(connection);
        Ok(())
    }

    fn take_idle(&self) -> Option<AsyncMetaConnection> {
        let last = self.idle().pop()?;
        if last.since.elapsed() < IDLE {
            return Some(last.connection);
        }
        // The last one in was idle for the shortest.
        self.idle().clear();
        None
    }

    fn keep(&self, connection: AsyncMetaConnection) {
        let since = Instant::now();
        self.idle().push(Idle { connection, since });
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(self: &Arc<Self>, since: Instant, error: &Error) {
        // It answers, and with a sentence of its own, out of memory for example.
        if matches!(error, Error::Server(_)) {
            return;
        }
        self.idle().clear();
        if self.breaker.failed(since.into_std()) {
            tracing::warn!(server = self.address, %error, "memcached does not answer");
            self.watch();
        }
    }

    /// Probes the server in a task of its own until it is back.
    fn watch(self: &Arc<Self>) {
        if self.breaker.probe() {
            let probe = Probe(Arc::downgrade(self));
            tokio::spawn(probe.until_back());
        }
    }

    fn unreachable(&self, cause: impl std::fmt::Display) -> Failure {
        Failure::unreachable(format!("{}: {cause}", self.address))
    }
}

/// Probes a server for as long as somebody uses it.
struct Probe(Weak<Server>);

impl Probe {
    async fn until_back(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
            let Some(server) = self.0.upgrade() else {
                return;
            };
            if server.noop().await.is_ok() {
                // Back with connections of the time before would be half back.
                server.breaker.answered();
                tracing::info!(server = server.address, "memcached answers again");
                return;
            }
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some(server) = self.0.upgrade() {
            server.breaker.probe_over();
        }
    }
}

fn late(doing: &str) -> Error {
    Error::Io(io::Error::new(
        io::ErrorKind::TimedOut,
        format!("timed out {doing}"),
    ))
}

/// The values in the answers to as many gets, each of which carries its place.
fn values(responses: Vec<MetaResponse>) -> Result<Vec<Option<Value>>, Error> {
    (responses.into_iter().enumerate())
        .map(|(place, response)| {
            let result = parse_meta_result(response)?;
            let place = place.to_string();
            let mine = result
                .opaque
                .as_deref()
                .map(|mark| mark == place.as_bytes());
            match (result.rc, mine, result.value) {
                // Older servers answer a miss without the mark.
                (ReturnCode::En, Some(true) | None, _) => Ok(None),
                (ReturnCode::Va, Some(true), Some(bytes)) => {
                    let flags = result.client_flags.unwrap_or_default();
                    Ok(Some(Value { bytes, flags }))
                }
                (code, ..) => Err(Error::Protocol(format!(
                    "{code:?} is no answer to get number {place}"
                ))),
            }
        })
        .collect()
}
