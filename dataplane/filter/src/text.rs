//! Tokens of texts, as a text index's parameters have them.
//!
//! Tokens are keys of stored indexes, and every replica has to come to the same: what decides
//! them (tables of characters, lists of stop words, stemmers, segmenters) changes with no
//! release of Vane that does not say so.

pub(crate) mod bm25;
mod fold;
mod languages;
pub(crate) mod matching;
mod multilingual;
mod stop;

use std::borrow::Cow;
use std::ops::ControlFlow;

use vane_types::schema::text::{TextParams, Tokenizer};

/// Bytes of the longest word that is cut to its stem: stemmers take long over longer ones.
const STEMMED_BYTES_MAX: usize = 256;

/// Visits the tokens that a stored text has, in their order and with repetitions, until `visit`
/// breaks off.
pub(crate) fn tokens(
    params: &TextParams,
    text: &str,
    visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    words(params, text, &mut |word| match params.tokenizer {
        Tokenizer::Prefix => {
            let Some(token) = token(params, word, Part::Word) else {
                return ControlFlow::Continue(());
            };
            prefixes(params, &token, visit)
        }
        Tokenizer::Word | Tokenizer::Whitespace | Tokenizer::Multilingual => {
            token(params, word, Part::Token)
                .map_or(ControlFlow::Continue(()), |token| visit(&token))
        }
    })
}

/// Tokens that a text which is looked for stands for, ascending, each once.
pub(crate) fn sought(params: &TextParams, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Nothing breaks it off.
    let _: ControlFlow<()> = each_sought(params, text, &mut |token| {
        found.push(token.to_owned());
        ControlFlow::Continue(())
    });
    found.sort_unstable();
    found.dedup();
    found
}

/// Visits the tokens that a text which is looked for stands for, in their order and with
/// repetitions. Of a word whose prefixes are tokens it is the longest alone, and it may be the
/// beginning of a stop word.
fn each_sought(
    params: &TextParams,
    text: &str,
    visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    words(params, text, &mut |word| {
        let token = match params.tokenizer {
            Tokenizer::Prefix => token(params, word, Part::Beginning).and_then(|token| {
                let (min, max) = params.prefix_chars();
                let end = token.char_indices().nth(max).map_or(token.len(), |(end, _)| end);
                let is_long_enough = min <= max && token.chars().nth(min - 1).is_some();
                is_long_enough.then(|| Cow::Owned(token[..end].to_owned()))
            }),
            Tokenizer::Word | Tokenizer::Whitespace | Tokenizer::Multilingual => {
                token(params, word, Part::Token)
            }
        };
        token.map_or(ControlFlow::Continue(()), |token| visit(&token))
    })
}

/// Tokens of a phrase, in their order: those that a stored text would have.
pub(crate) fn phrase(params: &TextParams, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let _: ControlFlow<()> = tokens(params, text, &mut |token| {
        found.push(token.to_owned());
        ControlFlow::Continue(())
    });
    found
}

/// Visits the words of a text as they stand in it.
fn words(
    params: &TextParams,
    text: &str,
    visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match params.tokenizer {
        Tokenizer::Word | Tokenizer::Prefix => {
            let words = text.split(|c: char| !c.is_alphanumeric());
            words.filter(|word| !word.is_empty()).try_for_each(visit)
        }
        Tokenizer::Whitespace => text.split_whitespace().try_for_each(visit),
        Tokenizer::Multilingual => multilingual::words(text, visit),
    }
}

/// What a word is to become.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Token,
    /// A word whose prefixes become tokens.
    Word,
    /// What is looked for and may be the beginning of a word: no stop word.
    Beginning,
}

/// What becomes of a word; `None` where it is left out.
fn token<'a>(params: &TextParams, word: &'a str, part: Part) -> Option<Cow<'a, str>> {
    let mut token = Cow::Borrowed(word);
    if params.ascii_folding {
        token = fold::fold(token);
    }
    if params.lowercase && token.chars().any(|c| !c.is_ascii_lowercase()) {
        token = Cow::Owned(token.to_lowercase());
    }
    if part != Part::Beginning && stop::is_stopword(params, &token) {
        return None;
    }
    if let Some(language) = params.stemmer
        && token.len() <= STEMMED_BYTES_MAX
    {
        token = Cow::Owned(languages::stemmer(language).stem(&token).into_owned());
    }
    // How long its prefixes are is looked at where they are made.
    let fits = part != Part::Token || {
        let chars = token.chars().count() as u64;
        params.min_token_len.is_none_or(|min| chars >= min)
            && params.max_token_len.is_none_or(|max| chars <= max)
    };
    (fits && !token.is_empty()).then_some(token)
}

/// Visits the beginnings of a word, from the shortest to the longest that are tokens.
fn prefixes(
    params: &TextParams,
    word: &str,
    visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let (min, max) = params.prefix_chars();
    let ends = word.char_indices().skip(1).map(|(end, _)| end).chain([word.len()]);
    // The first ends behind one character.
    let ends = ends.take(max).skip(min - 1);
    ends.into_iter().try_for_each(|end| visit(&word[..end]))
}

#[cfg(test)]
pub(crate) mod tests;
