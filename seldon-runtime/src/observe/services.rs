//! What each mounted service says of itself: its model, its faults, its pool, its candidates.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Unit;

use super::figures::{Fetch, Figures, Reload};
use crate::live::Model;
use crate::predict::Pool;
use crate::recommend::SourceState;

/// A mounted service, as it is watched.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) name: Arc<str>,
    pub(crate) variation: String,
    pub(crate) model: Arc<dyn Model>,
    pub(crate) figures: Figures,
    pub(crate) pool: Option<Pool>,
    pub(crate) source: Option<Source>,
}

/// Which model a service has, and what it took to have it.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The SHA-256 of the model folder's manifest, which has that of each file.
    pub(crate) digest: Arc<str>,
    /// From opening the folder until the model was warm.
    pub(crate) took: Duration,
}

/// Asks a service's source of candidates for its state.
#[derive(Clone)]
pub(crate) struct Source(pub(crate) Arc<dyn Fn() -> SourceState + Send + Sync>);

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&(self.0)()).finish()
    }
}

/// All services, to be shown among the figures.
#[derive(Debug)]
pub(super) struct AllServices(pub(super) Vec<Observed>);

/// The samples of one family.
struct Family<'a>(DescriptorEncoder<'a>);

impl Family<'_> {
    fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let counter = MetricType::Counter;
        let mut family = self.0.encode_descriptor(name, help, None, counter)?;
        for (labels, count) in samples {
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, usize)>,
    ) -> fmt::Result {
        let gauge = MetricType::Gauge;
        let mut family = self.0.encode_descriptor(name, help, None, gauge)?;
        for (labels, value) in samples {
            ConstGauge::new(value as i64).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

impl Collector for AllServices {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = Family(encoder);
        self.models(&mut family)?;
        self.reloads(&mut family)?;
        self.faults(&mut family)?;
        self.pools(&mut family)?;
        self.candidates(&mut family)
    }
}

impl AllServices {
    fn models(&self, Family(encoder): &mut Family<'_>) -> fmt::Result {
        let help =
            "The model of each service: the SHA-256 of its manifest, which has that of each file";
        let mut family = encoder.encode_descriptor("model", help, None, MetricType::Info)?;
        let marks: Vec<_> = (self.0.iter())
            .map(|service| (service, service.model.mark()))
            .collect();
        for (service, mark) in &marks {
            let digest = mark.as_ref().map_or("", |mark| &*mark.origin.digest);
            let labels = [
                ("service", &*service.name),
                ("variation", &*service.variation),
                ("digest", digest),
            ];
            Info::new(labels).encode(family.encode_family(&NoLabels)?)?;
        }
        let help = "What it took from opening the model folder until the model was warm";
        let (unit, gauge) = (Some(&Unit::Seconds), MetricType::Gauge);
        let mut family = encoder.encode_descriptor("model_load", help, unit, gauge)?;
        for (service, mark) in &marks {
            let Some(mark) = mark else {
                continue;
            };
            let took = ConstGauge::new(mark.origin.took.as_secs_f64());
            took.encode(family.encode_family(&[("service", &*service.name)])?)?;
        }
        let help = "Since when the version of the model answers that answers now, as Unix time";
        let mut family = encoder.encode_descriptor("model_since", help, unit, gauge)?;
        for (service, mark) in &marks {
            let Some(mark) = mark else {
                continue;
            };
            let since = mark.since.duration_since(UNIX_EPOCH).unwrap_or_default();
            let since = ConstGauge::new(since.as_secs_f64());
            since.encode(family.encode_family(&[("service", &*service.name)])?)?;
        }
        Ok(())
    }

    fn reloads(&self, family: &mut Family<'_>) -> fmt::Result {
        // Of those that come from nowhere there is nothing to say.
        let kept = || self.0.iter().filter(|s| s.model.seen().is_some());
        let reloads = kept().flat_map(|s| {
            Reload::ALL.map(|how| {
                let labels = [("service", &*s.name), ("outcome", how.name())];
                (labels, s.figures.reloads(how))
            })
        });
        family.counters(
            "model_reloads",
            "Reloads of a model: loaded, unchanged, or refused while the version before goes on",
            reloads,
        )?;
        let old = |s: &Observed| usize::try_from(s.figures.old_versions.get()).unwrap_or_default();
        family.gauges(
            "model_old_versions",
            "Versions of a model that were replaced and still answer requests",
            kept().map(|s| ([("service", &*s.name)], old(s))),
        )
    }

    fn faults(&self, family: &mut Family<'_>) -> fmt::Result {
        let of = |count: fn(&Figures) -> u64| {
            (self.0.iter()).map(move |s| ([("service", &*s.name)], count(&s.figures)))
        };
        family.counters(
            "model_panics",
            "Calls of a model that panicked",
            of(|figures| figures.panics.get()),
        )?;
        family.counters(
            "non_finite_answers",
            "Answers of a model that were refused because a number in them is NaN or infinite",
            of(|figures| figures.non_finite.get()),
        )?;
        // Where nothing is batched there is nothing to say.
        let batching = |count: fn(&Figures) -> u64| {
            (self.0.iter())
                .filter(|s| s.figures.batches.get() > 0)
                .map(move |s| ([("service", &*s.name)], count(&s.figures)))
        };
        family.counters(
            "batches",
            "Calls of a model with the rows of several requests",
            batching(|figures| figures.batches.get()),
        )?;
        family.counters(
            "batch_rows",
            "Rows in those calls",
            batching(|figures| figures.batch_rows.get()),
        )
    }

    fn pools(&self, family: &mut Family<'_>) -> fmt::Result {
        let pools = || {
            self.0
                .iter()
                .filter_map(|s| Some((&*s.name, s.pool.as_ref()?)))
        };
        let of = |figure: fn(&Pool) -> usize| {
            pools().map(move |(name, pool)| ([("service", name)], figure(pool)))
        };
        family.gauges(
            "pool_in_flight",
            "Calls that a model with threads of its own computes or is about to",
            of(Pool::in_flight),
        )?;
        family.gauges(
            "pool_queue_depth",
            "Calls that wait for a place among those",
            of(Pool::waiting),
        )
    }

    fn candidates(&self, family: &mut Family<'_>) -> fmt::Result {
        let states: Vec<_> = (self.0.iter())
            .filter_map(|s| Some((s, (s.source.as_ref()?.0)())))
            .collect();
        let fetches = states.iter().flat_map(|(s, _)| {
            Fetch::ALL.map(|how| {
                let labels = [("service", &*s.name), ("outcome", how.name())];
                (labels, s.figures.fetches(how))
            })
        });
        family.counters(
            "candidate_fetches",
            "Requests whose candidates were fetched: ok, degraded (answered without) or failed",
            fetches,
        )?;
        let of = |count: fn(&SourceState) -> u64| {
            (states.iter()).map(move |(s, state)| ([("service", &*s.name)], count(state)))
        };
        family.counters(
            "candidate_cache_hits",
            "Lists of candidates that were still kept from an earlier request",
            of(|state| state.cache_hits),
        )?;
        family.counters(
            "candidate_cache_misses",
            "Lists of candidates that were not, and had to be read",
            of(|state| state.cache_misses),
        )?;
        let servers = || {
            states.iter().flat_map(|(s, state)| {
                (state.servers.iter()).map(|server| {
                    (
                        [("service", &*s.name), ("server", &*server.address)],
                        server,
                    )
                })
            })
        };
        family.gauges(
            "candidate_breaker_open",
            "1 while a server does not answer and requests are turned away without asking it, else 0",
            servers().map(|(labels, server)| (labels, usize::from(server.breaker_open))),
        )?;
        family.counters(
            "candidate_breaker_openings",
            "How often a server stopped answering",
            servers().map(|(labels, server)| (labels, server.openings)),
        )
    }
}

/// None: what an info says is in its own.
#[derive(Debug)]
struct NoLabels;

impl EncodeLabelSet for NoLabels {
    fn encode(&self, _: &mut prometheus_client::encoding::LabelSetEncoder<'_>) -> fmt::Result {
        Ok(())
    }
}
