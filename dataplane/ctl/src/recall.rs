//! `vanectl recall`: what a collection's searches find of what they should.

use serde::Serialize;
use vane_proto::admin::MeasuredRecall;

use crate::args::Watch;
use crate::client::Client;
use crate::error::Error;
use crate::output::{Console, Row};
use crate::watch;

/// Searches below which a figure says little.
const ENOUGH: u64 = 100;

/// What was measured of one kind of search.
#[derive(Debug, Serialize)]
struct Measured {
    #[serde(flatten)]
    measured: MeasuredRecall,
    /// The recall that the collection asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    min_recall: Option<f64>,
}

impl Row for Measured {
    const NOTHING: &'static str = "nothing was measured yet: of the searches by graphs one in 200 \
        is answered exactly as well, where a thread has nothing else to do, and of the first ones \
        more";
    const COLUMNS: &'static [&'static str] =
        &["FILTER", "MATCHES", "SEARCHES", "RECALL", "95 % BETWEEN", "ASKED FOR", "EF"];
    const WIDE: &'static [&'static str] = &[];

    fn cells(&self) -> Vec<String> {
        let MeasuredRecall { filter, searches, recall, low, high, ef_percent } = &self.measured;
        let few = if *searches < ENOUGH { " (few)" } else { "" };
        vec![
            filter.clone(),
            matches(filter).to_owned(),
            format!("{searches}{few}"),
            format!("{recall:.4}"),
            format!("{low:.4} and {high:.4}"),
            self.min_recall.map_or("-".to_owned(), |share| share.to_string()),
            // An earlier version says nothing.
            if *ef_percent == 0 { "-".to_owned() } else { format!("{ef_percent} %") },
        ]
    }
}

/// What the name of a kind of filter stands for.
fn matches(filter: &str) -> &'static str {
    match filter {
        "none" => "all points",
        "wide" => "10 % or more",
        "narrow" => "1 to 10 %",
        "few" => "less than 1 %",
        _ => "",
    }
}

/// Shows what was measured of a collection's searches, by its name or an alias.
pub(crate) async fn show(console: &mut Console, name: String, flags: Watch) -> Result<(), Error> {
    let fetch = async move |client: &mut Client| {
        let collection = client.collection(name.clone()).await?;
        let min_recall = collection.min_recall;
        let row = |measured| Measured { measured, min_recall };
        Ok(collection.recall.into_iter().map(row).collect::<Vec<_>>())
    };
    watch::show(console, flags, fetch).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::View;

    #[test]
    fn a_row_says_how_sure_it_is() {
        let measured = |filter: &str, searches| {
            let filter = filter.to_owned();
            let (recall, low, high) = (0.985, 0.97, 0.9933);
            let measured = MeasuredRecall { filter, searches, recall, low, high, ef_percent: 125 };
            Measured { measured, min_recall: Some(0.97) }
        };
        let table = vec![measured("none", 400), measured("few", 12)].table().render(true, false);
        for line in [
            "FILTER   MATCHES         SEARCHES   RECALL   95 % BETWEEN        ASKED FOR   EF\n",
            "none     all points      400        0.9850   0.9700 and 0.9933   0.97        125 %\n",
            "few      less than 1 %   12 (few)   0.9850   0.9700 and 0.9933   0.97        125 %\n",
        ] {
            assert!(table.contains(line), "no {line} in\n{table}");
        }
    }
}
