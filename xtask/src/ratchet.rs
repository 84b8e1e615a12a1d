//! Limits of each crate, with what crates that are not there yet may have today.
//!
//! The table in `xtask/ratchet.txt` only shrinks: over its number a crate fails, and so does a
//! number that is higher than what the crate has.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::Error;
use crate::figures::Figures;
use crate::workspace::Workspace;

const FILE: &str = "xtask/ratchet.txt";
const HEAD: &str =
    "# Crates that are over a limit, with what they have: RULE CRATE NUMBER. Numbers only shrink;
# `make tidy-lower` lowers them and removes lines that are no longer needed.
";

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Modules of the largest import cycle.
    Cycle,
    /// Times that `it` stands in 1,000 lines.
    It,
    /// Lines of more than 100 columns.
    Wide,
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 3] = [Self::Cycle, Self::It, Self::Wide];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cycle => "cycle",
            Self::It => "it",
            Self::Wide => "wide",
        }
    }

    /// What a crate may have that is not in the table.
    pub fn limit(self) -> usize {
        match self {
            Self::Cycle => 5,
            Self::It => 10,
            Self::Wide => 0,
        }
    }

    fn of(self, figures: &Figures) -> usize {
        match self {
            Self::Cycle => figures.cycle.len(),
            Self::It => figures.it_rate,
            Self::Wide => figures.wide_lines,
        }
    }
}

/// Numbers over the limits that crates may keep, by rule and crate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ratchet {
    numbers: BTreeMap<(Rule, String), usize>,
}

impl Ratchet {
    /// Reads the table of a workspace.
    ///
    /// # Errors
    ///
    /// It cannot be read, or a line of it means nothing.
    pub fn read(workspace: &Workspace) -> Result<Self, Error> {
        Self::parse(&workspace.text(FILE)?)
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let mut numbers = BTreeMap::new();
        let lines = text.lines().enumerate();
        for (at, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let entry = entry(line).ok_or_else(|| Error::Ratchet {
                path: PathBuf::from(FILE),
                line: at + 1,
                text: line.to_owned(),
            })?;
            numbers.insert((entry.0, entry.1.to_owned()), entry.2);
        }
        Ok(Self { numbers })
    }

    /// What a crate may have.
    fn allowed(&self, rule: Rule, folder: &str) -> usize {
        let number = self.numbers.get(&(rule, folder.to_owned())).copied();
        number.unwrap_or_default().max(rule.limit())
    }

    /// Crates that break a rule, a line each.
    pub fn broken(&self, rule: Rule, all: &[Figures]) -> Vec<String> {
        let mut broken = Vec::new();
        for figures in all {
            let (number, allowed) = (rule.of(figures), self.allowed(rule, &figures.folder));
            if number > allowed {
                let modules = match rule {
                    Rule::Cycle => format!(": {}", figures.cycle.join(", ")),
                    Rule::It | Rule::Wide => String::new(),
                };
                let (folder, rule) = (&figures.folder, rule.name());
                broken.push(format!("{folder}: {rule} is {number}, at most {allowed}{modules}"));
            }
        }
        broken
    }

    /// Numbers that are higher than they need be, a line each.
    pub fn stale(&self, all: &[Figures]) -> Vec<String> {
        let lowered = self.lowered(all);
        let higher = self
            .numbers
            .iter()
            .filter(|(key, number)| lowered.numbers.get(*key).is_none_or(|lower| lower < *number));
        let line = |((rule, folder), number): (&(Rule, String), &usize)| {
            format!("{} {folder} {number}: run `make tidy-lower`", rule.name())
        };
        higher.map(line).collect()
    }

    /// The same table with numbers as low as they can be, and without those within the limits.
    pub fn lowered(&self, all: &[Figures]) -> Self {
        let mut numbers = BTreeMap::new();
        for ((rule, folder), number) in &self.numbers {
            let found = all
                .iter()
                .find(|figures| figures.folder == *folder)
                // A crate that is gone needs no line any more.
                .map_or(0, |figures| rule.of(figures));
            // Never raised: a crate that got worse is told so by `broken`.
            let lower = found.min(*number);
            if lower > rule.limit() {
                numbers.insert((*rule, folder.clone()), lower);
            }
        }
        Self { numbers }
    }

    /// Writes the table of a workspace.
    ///
    /// # Errors
    ///
    /// It cannot be written; it may be cut short then.
    pub fn write(&self, workspace: &Workspace) -> Result<(), Error> {
        let path = workspace.root.join(FILE);
        std::fs::write(&path, self.text()).map_err(Error::file("write", &path))
    }

    fn text(&self) -> String {
        let lines = self
            .numbers
            .iter()
            .map(|((rule, folder), number)| format!("{} {folder} {number}\n", rule.name()));
        HEAD.to_owned() + &lines.collect::<String>()
    }
}

fn entry(line: &str) -> Option<(Rule, &str, usize)> {
    let mut words = line.split_whitespace();
    let (rule, folder, number) = (words.next()?, words.next()?, words.next()?);
    let rule = Rule::ALL.into_iter().find(|known| known.name() == rule)?;
    // A fourth word would be passed over, and may be what somebody meant.
    Some((rule, folder, number.parse().ok()?)).filter(|_| words.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(folder: &str, it_rate: usize) -> Figures {
        Figures {
            folder: folder.to_owned(),
            lines: 1000,
            file_lines_max: 0,
            function_lines_max: 0,
            it_rate,
            wide_lines: 0,
            cycle: Vec::new(),
            body_comments: 0,
        }
    }

    #[test]
    fn numbers_only_shrink() {
        let table = Ratchet::parse("# words\nit a 40\nit b 20\n").unwrap();
        let now = [figures("a", 41), figures("b", 15), figures("c", 11), figures("d", 10)];
        let broken = table.broken(Rule::It, &now);
        assert_eq!(broken.len(), 2);
        assert!(broken[0].starts_with("a: it is 41, at most 40"), "{broken:?}");
        assert!(broken[1].starts_with("c: it is 11, at most 10"), "{broken:?}");
        assert_eq!(table.stale(&now), ["it b 20: run `make tidy-lower`"]);
        let lowered = table.lowered(&now);
        assert_eq!(lowered, Ratchet::parse("it a 40\nit b 15\n").unwrap());
        assert_eq!(Ratchet::parse(&lowered.text()).unwrap(), lowered);
        // A crate that is within the limit leaves the table.
        assert_eq!(lowered.lowered(&[figures("a", 9)]), Ratchet::default());
    }

    #[test]
    fn a_line_that_means_nothing_is_named() {
        let error = Ratchet::parse("it a 1\nit b\n").unwrap_err().to_string();
        assert!(error.contains("ratchet.txt:2"), "{error}");
    }
}
