//! The commands, and how each is sent: with a deadline, over the line, or not at all.

use std::time::Instant;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, Pipeline, RedisError, cmd, pipe};
use tokio::time::timeout;
use usher_common::wire::{NodeId, RoomKey};

use super::{Away, Claim, Claims, Trouble};

/// Sets the claim if the room is free or has the claim that we know; answers with what stands.
/// Free beats known: a claim that lapsed since is nobody's.
const TAKE: &str = "local stands = redis.call('GET', KEYS[1]) \
                    if stands and stands ~= ARGV[2] then return stands end \
                    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) return ARGV[1]";

/// Lets a node's claim last longer, or makes it where there is none; another's is left alone.
const KEEP: &str = "local stands = redis.call('GET', KEYS[1]) \
                    if not stands then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3]) \
                    elseif string.sub(stands, 1, #ARGV[2]) == ARGV[2] then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end";

pub(super) fn find(room: &RoomKey, ttl_ms: u64) -> Cmd {
    let mut command = cmd("GETEX");
    command.arg(key(room)).arg("PX").arg(ttl_ms);
    command
}

pub(super) fn take(room: &RoomKey, claim: &str, before: &str, ttl_ms: u64) -> Cmd {
    let mut command = cmd("EVAL");
    command.arg(TAKE).arg(1).arg(key(room)).arg(claim).arg(before).arg(ttl_ms);
    command
}

pub(super) fn keep(rooms: &[(RoomKey, NodeId)], unix_ms: u64, ttl_ms: u64) -> Pipeline {
    let mut all = pipe();
    for (room, node) in rooms {
        let claim = Claim::new(node, unix_ms).0;
        let command = all.cmd("EVAL").arg(KEEP).arg(1).arg(key(room));
        command.arg(claim).arg(format!("{node} ")).arg(ttl_ms).ignore();
    }
    all
}

fn key(room: &RoomKey) -> String {
    format!("usher:room:{room}")
}

impl Claims {
    /// Sends a command that a request waits for.
    pub(super) async fn asked<T: FromRedisValue>(&self, command: Cmd) -> Result<T, Away> {
        let Some(mut connection) = self.line.connection() else {
            self.count("away");
            return Err(Away);
        };
        let started = Instant::now();
        let answer = timeout(self.settings.timeout, command.query_async(&mut connection)).await;
        self.stats.claim_seconds.observe(started.elapsed().as_secs_f64());
        self.understood(answer).inspect_err(|Away| self.count("failed"))
    }

    /// Sends a batch that nobody waits for.
    pub(super) async fn sent(
        &self,
        mut connection: MultiplexedConnection,
        batch: Pipeline,
    ) -> Result<(), Away> {
        let answer = timeout(self.settings.timeout * 10, batch.query_async(&mut connection)).await;
        self.understood(answer)
    }

    fn understood<T>(
        &self,
        answer: Result<Result<T, RedisError>, tokio::time::error::Elapsed>,
    ) -> Result<T, Away> {
        let (trouble, detail) = match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => (Trouble::of(&error), error.to_string()),
            Err(_) => (Trouble::Timeout, "no answer in time".to_owned()),
        };
        self.line.broke(trouble, detail, self.now());
        Err(Away)
    }
}
