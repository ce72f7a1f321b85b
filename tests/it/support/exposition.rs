//! Prometheus's text format, taken apart as strictly as Prometheus does.

use std::collections::BTreeMap;

/// What `/metrics` answered.
#[derive(Debug, Default)]
pub struct Exposition {
    /// Kinds by name, as the `# TYPE` lines have them.
    pub kinds: BTreeMap<String, String>,
    /// Meanings by name.
    pub help: BTreeMap<String, String>,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Exposition {
    /// Asks a port for its metrics.
    pub async fn of(port: &str) -> Self {
        let answer = super::http::get(format!("http://{port}/metrics")).await;
        let answer = answer.expect("an answer").error_for_status();
        Self::parse(&answer.expect("metrics").text().await.expect("text"))
    }

    pub fn parse(text: &str) -> Self {
        let mut parsed = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let words = |line: &str| {
                let (name, rest) = line.split_once(' ').expect("a name and a value");
                (name.to_owned(), rest.to_owned())
            };
            if let Some(line) = line.strip_prefix("# HELP ") {
                let (name, help) = words(line);
                parsed.help.insert(name, help);
            } else if let Some(line) = line.strip_prefix("# TYPE ") {
                let (name, kind) = words(line);
                parsed.kinds.insert(name, kind);
            } else {
                let sample = sample(line);
                assert!(parsed.kinds.contains_key(base(&sample.name)), "{line}");
                parsed.samples.push(sample);
            }
        }
        parsed
    }

    /// The sum of all samples of a name that have these labels, if there is one.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &&Sample| {
            let all = |(label, value): &(&str, &str)| {
                sample.labels.get(*label).map(String::as_str) == Some(*value)
            };
            sample.name == name && labels.iter().all(all)
        };
        let values: Vec<f64> = self.samples.iter().filter(has).map(|s| s.value).collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    /// All values of all labels.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.samples
            .iter()
            .flat_map(|sample| sample.labels.values().map(String::as_str))
    }
}

/// The name of the metric that a sample is part of.
pub fn base(name: &str) -> &str {
    ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name)
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').expect("a brace")),
        None => (series, ""),
    };
    // No label of muster's has a quote or a comma that would have to be escaped.
    let labels = labels.split_terminator("\",").map(|label| {
        let (name, value) = label.split_once("=\"").expect("a label");
        let value = value.strip_suffix('"').unwrap_or(value);
        assert!(!value.contains(['"', '\\']), "{line}");
        (name.to_owned(), value.to_owned())
    });
    Sample {
        name: name.to_owned(),
        labels: labels.collect(),
        value: value.parse().expect("a number"),
    }
}
