//! Writes JSON of a known shape into one buffer: the bytes that `serde_json` writes, without its
//! look at every byte of every key.

use crate::error::Result;

/// A document that is being written. What stands between values is the writer's to write.
pub(super) struct Json(Vec<u8>);

impl Json {
    /// An empty document in `room`, which is empty, with room for `bytes`.
    pub(super) fn within(mut room: Vec<u8>, bytes: usize) -> Self {
        room.reserve(bytes);
        Self(room)
    }

    /// Keys and punctuation, as they are.
    // Of a text that is known here this is a move or two, and a call elsewhere.
    #[inline(always)]
    pub(super) fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Any text, in quotes.
    ///
    /// # Errors
    ///
    /// None that is known of.
    pub(super) fn string(&mut self, text: &str) -> Result<()> {
        let special = |b: u8| (b < b' ') | (b == b'"') | (b == b'\\');
        let plain = match text.len() {
            ..16 => text.bytes().all(|b| PLAIN[usize::from(b)]),
            // Without a way out in between this is a few instructions for many bytes.
            _ => !text.bytes().fold(false, |found, b| found | special(b)),
        };
        if plain {
            self.0.reserve(text.len() + 2);
            self.0.push(b'"');
            self.raw(text);
            self.0.push(b'"');
            return Ok(());
        }
        self.value(&text)
    }

    /// A finite number.
    #[inline]
    pub(super) fn float(&mut self, value: f64) {
        self.raw(zmij::Buffer::new().format_finite(value));
    }

    #[inline]
    pub(super) fn integer(&mut self, value: i64) {
        self.raw(itoa::Buffer::new().format(value));
    }

    /// Whatever has a JSON form.
    ///
    /// # Errors
    ///
    /// If it has none.
    pub(super) fn value(&mut self, value: &impl serde::Serialize) -> Result<()> {
        Ok(serde_json::to_writer(&mut self.0, value)?)
    }

    /// `items`, each written by `write`, with commas between them and brackets around.
    ///
    /// # Errors
    ///
    /// Those of `write`.
    #[inline]
    pub(super) fn array<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Result<()>,
    ) -> Result<()> {
        self.0.push(b'[');
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self.0.push(b',');
            }
            write(self, item)?;
        }
        self.0.push(b']');
        Ok(())
    }

    /// The document.
    pub(super) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// What stands in a text of JSON as it is.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut control = 0;
    while control < 32 {
        plain[control] = false;
        control += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Json)) -> Vec<u8> {
        let mut json = Json::within(Vec::new(), 0);
        write(&mut json);
        json.done()
    }

    proptest! {
        #[test]
        fn text_is_written_as_serde_json_does(text in any::<String>()) {
            let expected = serde_json::to_vec(&text).expect("it has a form");
            prop_assert_eq!(written(|json| json.string(&text).expect("text")), expected);
        }

        #[test]
        fn numbers_are_written_as_serde_json_does(
            float in prop_oneof![any::<f64>(), 0.0..1.0],
            integer in any::<i64>(),
        ) {
            prop_assume!(float.is_finite());
            let expected = serde_json::to_vec(&float).expect("it has a form");
            prop_assert_eq!(written(|json| json.float(float)), expected);
            let expected = serde_json::to_vec(&integer).expect("it has a form");
            prop_assert_eq!(written(|json| json.integer(integer)), expected);
        }

        #[test]
        fn arrays_are_written_as_serde_json_does(items in prop::collection::vec(any::<i64>(), 0..5)) {
            let expected = serde_json::to_vec(&items).expect("it has a form");
            let array = written(|json| {
                let each = |json: &mut Json, item: &i64| {
                    json.integer(*item);
                    Ok(())
                };
                json.array(&items, each).expect("numbers");
            });
            prop_assert_eq!(array, expected);
        }
    }
}
