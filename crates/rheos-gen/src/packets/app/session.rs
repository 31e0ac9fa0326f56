//! Who says what when: the turns of a connection.

use rheos_core::seed::{Rng, Seed};

use super::super::message::{Body, Head, Message};

const CLIENT: usize = 0;
const SERVER: usize = 1;
const MS: f64 = 1e6;

/// What runs over a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum App {
    Http,
    Tls,
    Ssh,
    Mqtt,
    /// SSH with passwords that are refused.
    SshGuess,
    /// TLS with one short question and answer.
    Beacon,
    /// TLS with one upload of this many bytes.
    Upload(u32),
}

/// One side's turn: it thinks, then says a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    pub(crate) side: usize,
    pub(crate) think: u64,
    pub(crate) message: Message,
}

/// Where a connection's conversation stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    app: App,
    name: u8,
    turn: u32,
    turns: u32,
    key: Seed,
    message_max: u32,
}

impl Session {
    pub(crate) fn new(app: App, name: u8, message_max: u32, rng: &mut Rng) -> Self {
        let turns = match app {
            // A request and a response each; few connections carry many.
            App::Http => 2 * (1 + rng.pareto(1.0, 1.3, 30.0) as u32) - 2,
            App::Tls => 3 + 2 * (rng.pareto(1.0, 1.2, 40.0) as u32) - 1,
            App::Ssh => 8 + 2 * (rng.pareto(4.0, 1.2, 150.0) as u32),
            App::SshGuess => 8 + 2 * 3,
            App::Mqtt => 2 + 2 * rng.between(2, 20) as u32 + 1,
            App::Beacon | App::Upload(_) => 4,
        };
        // An upload was asked for in bytes; only the background's tail is cut.
        let message_max = if matches!(app, App::Upload(_)) { u32::MAX } else { message_max };
        Self { app, name, turn: 0, turns, key: rng.seed(), message_max }
    }

    /// The next turn, or none when all is said.
    pub(crate) fn next(&mut self, rng: &mut Rng, scratch: &mut Vec<u8>) -> Option<Turn> {
        if self.turn >= self.turns {
            return None;
        }
        let n = self.turn;
        self.turn += 1;
        let said = match self.app {
            App::Http => self.http(n, rng),
            App::Tls | App::Beacon | App::Upload(_) => self.tls(n, rng),
            App::Ssh | App::SshGuess => self.ssh(n, rng),
            App::Mqtt => self.mqtt(n, rng),
        };
        let key = self.key.child(u64::from(said.pair.unwrap_or(n)));
        let name = if said.head == Head::SshVersion { said.side as u8 } else { self.name };
        let len = said.len.min(f64::from(self.message_max)) as u32;
        let message = Message::new(said.head, said.body, len, name, key, scratch);
        Some(Turn { side: said.side, think: said.think.clamp(0.0, 6e10) as u64, message })
    }

    fn http(&self, n: u32, rng: &mut Rng) -> Said {
        if n.is_multiple_of(2) {
            let posts = rng.below(12) == 0;
            let len = if posts { rng.log_normal(900.0, 1.2) } else { 0.0 };
            return Said::new(CLIENT, user_think(n, rng), Head::HttpRequest, Body::Text, len);
        }
        let body = if rng.below(3) == 0 { Body::Random } else { Body::Text };
        Said::new(
            SERVER,
            server_think(rng),
            Head::HttpResponse,
            body,
            response_len(rng, self.message_max),
        )
    }

    fn tls(&self, n: u32, rng: &mut Rng) -> Said {
        let small = rng.log_normal(420.0, 0.5).max(60.0);
        match (n, self.app) {
            (0, _) => Said::new(CLIENT, 0.1 * MS, Head::ClientHello, Body::Records, 0.0),
            // Certificates and Finished, sealed.
            (1, _) => {
                let sealed = rng.between(1_900, 4_600) as f64;
                Said::new(
                    SERVER,
                    rng.exponential(1.5 * MS),
                    Head::ServerHello,
                    Body::Records,
                    sealed,
                )
            }
            (2, App::Upload(bytes)) => Said::new(
                CLIENT,
                rng.exponential(2.0 * MS),
                Head::ClientFinished,
                Body::Records,
                f64::from(bytes),
            ),
            (2, _) => Said::new(
                CLIENT,
                rng.exponential(1.0 * MS),
                Head::ClientFinished,
                Body::Records,
                small,
            ),
            (3, App::Beacon | App::Upload(_)) => {
                Said::new(SERVER, rng.exponential(8.0 * MS), Head::None, Body::Records, 180.0)
            }
            (_, _) if n % 2 == 1 => {
                let len = response_len(rng, self.message_max);
                Said::new(SERVER, server_think(rng), Head::None, Body::Records, len.max(60.0))
            }
            _ => Said::new(CLIENT, user_think(n, rng), Head::None, Body::Records, small),
        }
    }

    fn ssh(&self, n: u32, rng: &mut Rng) -> Said {
        let quick = rng.exponential(0.6 * MS);
        let guess = self.app == App::SshGuess;
        match n {
            0 => Said::new(SERVER, rng.exponential(6.0 * MS), Head::SshVersion, Body::Random, 0.0),
            1 => Said::new(CLIENT, quick, Head::SshVersion, Body::Random, 0.0),
            2 => Said::new(CLIENT, quick, Head::SshKexInit, Body::Random, 0.0),
            3 => Said::new(SERVER, quick, Head::SshKexInit, Body::Random, 0.0),
            4 => Said::new(CLIENT, quick, Head::SshEcdhInit, Body::Random, 0.0),
            5 => {
                Said::new(SERVER, rng.exponential(4.0 * MS), Head::SshEcdhReply, Body::Random, 0.0)
            }
            6 => Said::new(CLIENT, quick, Head::SshNewKeys, Body::Random, 44.0),
            7 => Said::new(SERVER, quick, Head::None, Body::Random, 44.0),
            _ if guess && n.is_multiple_of(2) => {
                Said::new(CLIENT, rng.exponential(40.0 * MS), Head::None, Body::Random, 148.0)
            }
            // sshd delays its refusal.
            _ if guess => Said::new(SERVER, 1_900.0 * MS + quick, Head::None, Body::Random, 52.0),
            // Keystrokes, and now and then a command's output.
            _ if n.is_multiple_of(2) => {
                let think = rng.log_normal(180.0 * MS, 1.1);
                Said::new(CLIENT, think, Head::None, Body::Random, 36.0)
            }
            _ => {
                let output = rng.below(6) == 0;
                // Length, whole blocks of eight, tag of 16 bytes.
                let blocks = if output { rng.log_normal(110.0, 1.3) as u32 + 4 } else { 2 };
                let len = f64::from(20 + 8 * blocks);
                Said::new(SERVER, quick, Head::None, Body::Random, len)
            }
        }
    }

    fn mqtt(&self, n: u32, rng: &mut Rng) -> Said {
        let quick = rng.exponential(1.0 * MS);
        let said = |side, think, head| Said::new(side, think, head, Body::Text, 0.0);
        if n + 1 == self.turns {
            return said(CLIENT, quick, Head::MqttDisconnect);
        }
        // A question and its answer share their key, and with it the packet identifier.
        let pair = n / 2;
        let ping = pair % 5 == 4;
        let mut said = match (n, n % 2) {
            (0, _) => said(CLIENT, 0.1 * MS, Head::MqttConnect),
            (1, _) => said(SERVER, quick, Head::MqttConnack),
            (_, 0) => {
                let think = rng.between(900, 1_100) as f64 * MS;
                said(CLIENT, think, if ping { Head::MqttPing } else { Head::MqttPublish })
            }
            _ => said(SERVER, quick, if ping { Head::MqttPong } else { Head::MqttPuback }),
        };
        said.pair = Some(pair);
        said
    }
}

/// A turn before its message is built.
struct Said {
    side: usize,
    think: f64,
    head: Head,
    body: Body,
    len: f64,
    pair: Option<u32>,
}

impl Said {
    const fn new(side: usize, think: f64, head: Head, body: Body, len: f64) -> Self {
        Self { side, think, head, body, len, pair: None }
    }
}

/// People read: heavy-tailed pauses; the first question comes at once.
fn user_think(n: u32, rng: &mut Rng) -> f64 {
    if n < 3 { rng.exponential(0.3 * MS) } else { rng.pareto(40.0 * MS, 0.9, 15_000.0 * MS) }
}

fn server_think(rng: &mut Rng) -> f64 {
    rng.log_normal(9.0 * MS, 1.0)
}

/// Sizes of responses: most a few kilobytes, with a Pareto tail (Crovella and Bestavros, 1997).
fn response_len(rng: &mut Rng, most: u32) -> f64 {
    if rng.below(100) < 7 {
        rng.pareto(30_000.0, 1.1, f64::from(most))
    } else {
        rng.log_normal(5_000.0, 1.2).max(80.0)
    }
}
