//! Flow control, RFC 9113 §5.2: how much each side may still send.

/// What is left to send on a stream, or on the connection. The peer may make it less than nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window(i32);

/// What windows have where nothing else was said.
pub(super) const INITIAL: u32 = 65_535;

/// A window of 2^31 and more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

impl Window {
    /// One of `size`, which is below 2^31.
    pub(super) fn new(size: u32) -> Self {
        Self(i32::try_from(size).unwrap_or(i32::MAX))
    }

    /// What may be sent.
    pub(super) fn left(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }

    /// Takes off what was sent, which is no more than is left.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.0 -= i32::try_from(bytes).unwrap_or(i32::MAX);
    }

    /// Adds what the peer grants.
    pub(super) fn grow(&mut self, by: u32) -> Result<(), Overflow> {
        self.shift(i64::from(by))
    }

    /// Moves it by what a new initial size differs from the old one.
    pub(super) fn shift(&mut self, by: i64) -> Result<(), Overflow> {
        self.0 = i32::try_from(i64::from(self.0) + by).map_err(|_| Overflow)?;
        Ok(())
    }
}

/// What the peer may still send, and what is to be granted to it anew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intake {
    left: u32,
    owed: u32,
    whole: u32,
}

impl Intake {
    /// Of a window of `whole` bytes.
    pub(super) fn new(whole: u32) -> Self {
        Self {
            left: whole,
            owed: 0,
            whole,
        }
    }

    /// Notes what came in; false if that is more than was granted.
    #[must_use]
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        let left = u32::try_from(bytes)
            .ok()
            .and_then(|bytes| self.left.checked_sub(bytes));
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// Notes what was read of it. Returns what to grant, once that is worth a frame.
    pub(super) fn read(&mut self, bytes: usize) -> Option<u32> {
        // No more is read than has come, which is less than a window.
        self.owed += bytes as u32;
        if self.owed < self.whole / 2 {
            return None;
        }
        self.left += self.owed;
        Some(std::mem::take(&mut self.owed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_be_less_than_nothing_and_never_too_large() {
        let mut window = Window::new(100);
        window.sent(60);
        assert_eq!(window.shift(-100), Ok(()));
        assert_eq!(window.left(), 0);
        assert_eq!(window.grow(61), Ok(()));
        assert_eq!(window.left(), 1);
        assert_eq!(window.grow((1 << 31) - 1), Err(Overflow));
    }

    #[test]
    fn what_was_read_is_granted_in_steps() {
        let mut intake = Intake::new(100);
        assert!(intake.take(60));
        assert_eq!(intake.read(30), None);
        assert_eq!(intake.read(30), Some(60));
        assert!(intake.take(100));
        assert!(!intake.take(1));
    }
}
