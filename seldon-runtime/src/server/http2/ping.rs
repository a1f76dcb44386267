//! Asks a peer that is silent whether it is still there.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::super::activity::Activity;
use super::super::limits::Limits;

/// When a peer is asked, and by when it has to answer.
pub(super) struct Pings {
    timer: Pin<Box<Sleep>>,
    every: Duration,
    answer: Duration,
    asked: bool,
}

impl Pings {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            timer: Box::pin(sleep(limits.ping_every)),
            every: limits.ping_every,
            answer: limits.ping_answer,
            asked: false,
        }
    }

    /// Ready when it is to be asked, with `true`, or once it has not answered.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, activity: &Activity) -> Poll<bool> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            // Whatever it sent says as much as an answer.
            if activity.was_heard() {
                self.asked = false;
                self.timer.as_mut().reset(Instant::now() + self.every);
            } else if self.asked {
                return Poll::Ready(false);
            } else {
                self.asked = true;
                self.timer.as_mut().reset(Instant::now() + self.answer);
                // To be woken by it.
                let _ = self.timer.as_mut().poll(context);
                return Poll::Ready(true);
            }
        }
    }
}
