//! Limits that each crate keeps.

use crate::figures::Figures;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Modules of the largest import cycle.
    Cycle,
    /// Times that `it` stands in 1,000 lines.
    It,
    /// Lines of more than 100 columns.
    Wide,
}

/// Crates that break a rule, a line each.
pub fn broken(rule: Rule, all: &[Figures]) -> Vec<String> {
    all.iter().filter_map(|figures| line(rule, figures)).collect()
}

fn line(rule: Rule, figures: &Figures) -> Option<String> {
    let (what, number, most) = match rule {
        // Named: the number alone does not say where to cut.
        Rule::Cycle => (format!("cycle of {}", figures.cycle.join(", ")), figures.cycle.len(), 5),
        Rule::It => ("`it` in 1,000 lines".to_owned(), figures.it_rate, 10),
        Rule::Wide => ("wide lines".to_owned(), figures.wide_lines, 0),
    };
    (number > most).then(|| format!("{}: {what}: {number}, at most {most}", figures.folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_over_a_limit_are_named() {
        let figures = |folder: &str, it_rate| Figures {
            folder: folder.to_owned(),
            lines: 1000,
            file_lines_max: 0,
            function_lines_max: 0,
            it_rate,
            wide_lines: 0,
            cycle: Vec::new(),
            body_comments: 0,
        };
        let all = [figures("a", 11), figures("b", 10)];
        assert_eq!(broken(Rule::It, &all), ["a: `it` in 1,000 lines: 11, at most 10"]);
        assert!(broken(Rule::Wide, &all).is_empty());
    }
}
