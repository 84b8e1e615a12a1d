//! Words of texts in any script, normalised: without capitals and marks where the script has
//! them.
//!
//! Charabia, by the people of Meilisearch, finds the script and the language. It has dictionaries
//! for Thai here. Those for Chinese and Japanese are left out: what is written in their letters
//! is taken apart by Unicode's rules, which is a letter at a time, or a run of Katakana.

use std::ops::ControlFlow;

use charabia::Segment;
use charabia::normalizer::{ClassifierOption, NormalizerOption};
use unicode_segmentation::UnicodeSegmentation;

/// As charabia itself normalises by default.
const NORMALIZER: NormalizerOption<'_> = NormalizerOption {
    create_char_map: false,
    lossy: true,
    classifier: ClassifierOption { stop_words: None, separators: None },
};

/// Visits the words that have a letter: numbers are none.
pub(super) fn words(text: &str, visit: &mut dyn FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
    for token in text.segment().normalize(&NORMALIZER) {
        let word = token.lemma.as_ref();
        if !word.contains(char::is_alphabetic) {
            continue;
        }
        if word.contains(is_without_spaces) {
            let words = word.unicode_words();
            words.filter(|word| word.contains(char::is_alphabetic)).try_for_each(&mut *visit)?;
        } else {
            visit(word)?;
        }
    }
    ControlFlow::Continue(())
}

/// Whether a letter is of a script in which words follow one another without spaces: ideographs,
/// Hiragana and Katakana.
fn is_without_spaces(c: char) -> bool {
    matches!(
        c,
        '\u{3040}'..='\u{30ff}'
            | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{ff66}'..='\u{ff9f}'
            | '\u{20000}'..='\u{3ffff}'
    )
}
