//! The reply to `/predict`, in either style.

use super::json::Json;
use crate::error::Result;
use crate::predict::{Answers, Checked, Predictor, Reply};
use crate::service::Service;

/// Writes `answers` in `room`, as the service is set to reply.
///
/// # Errors
///
/// If the predictor's own message has no JSON form.
pub(super) fn write<P: Predictor>(
    room: Vec<u8>,
    service: &Service<P>,
    puid: &str,
    answers: &Answers,
) -> Result<Vec<u8>> {
    let settings = service.settings();
    let rows = match answers {
        Answers::One(one) => std::slice::from_ref(one),
        Answers::Batch(rows) => rows,
    };
    let classes: usize = rows.iter().map(|row| row.classes().len()).sum();
    // Two numbers of at most 24 characters, three keys, and a name of usual length.
    let mut json = Json::within(room, 160 + puid.len() + 2 * rows.len() + 112 * classes);
    json.raw("{");
    if settings.reply == Reply::Classic {
        json.raw("\"meta\":{\"puid\":");
        json.string(puid)?;
        json.raw(",\"modelName\":");
        json.string(&settings.name)?;
        json.raw(",\"variation\":");
        json.string(&settings.variation)?;
        json.raw("},");
    }
    json.raw("\"predictions\":");
    match answers {
        Answers::One(one) => row(&mut json, settings.reply, one)?,
        Answers::Batch(rows) => json.array(rows, |json, one| row(json, settings.reply, one))?,
    }
    if settings.reply == Reply::Classic {
        // Present though null: the original server's parser expects the key.
        json.raw(",\"custom\":");
        match answers {
            Answers::One(Checked {
                custom: Some(custom),
                ..
            }) => json.value(&(custom.json)(&custom.any)?)?,
            _ => json.raw("null"),
        }
    }
    json.raw("}");
    Ok(json.done())
}

/// The classes of one row.
fn row(json: &mut Json, reply: Reply, row: &Checked) -> Result<()> {
    match reply {
        Reply::Documented => classes(json, "{\"score\":", ",\"classId\":", row),
        Reply::Classic => classes(json, "{\"prediction\":", ",\"predictedClass\":", row),
    }
}

/// The same, with these before the score and the class: apart, as both are known where it is called.
#[inline(always)]
fn classes(json: &mut Json, score: &str, class: &str, row: &Checked) -> Result<()> {
    json.array(row.classes(), |json, (name, one)| {
        let (mut first, mut second) = (zmij::Buffer::new(), zmij::Buffer::new());
        let score_text = first.format_finite(one.score);
        json.raw(score);
        json.raw(score_text);
        json.raw(class);
        json.string(&name)?;
        json.raw(",\"confidence\":");
        // Most often they are one number, and writing it is the most of writing a class.
        json.raw(match one.confidence.to_bits() == one.score.to_bits() {
            true => score_text,
            false => second.format_finite(one.confidence),
        });
        json.raw("}");
        Ok(())
    })
}
