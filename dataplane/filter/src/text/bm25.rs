//! Texts as sparse vectors: the weights of BM25, but for how rare a token is, which the search
//! adds.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use murmur3::murmur3_32;
use vane_types::schema::text::{Language, StemmerLanguage, Stopwords, TextParams};

use super::{each_sought, tokens};

/// How a text becomes weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Bm25 {
    /// How soon a token that comes again stops to count for more; 0 or more.
    pub k: f64,
    /// How much a long text counts less: from 0, not at all, to 1.
    pub b: f64,
    /// Tokens that a text has on average; above 0.
    pub avg_len: f64,
    /// How tokens are made.
    pub text: TextParams,
}

impl Default for Bm25 {
    /// The API's: English words without stop words, by their stems.
    fn default() -> Self {
        let languages = [Language::English].into();
        let text = TextParams {
            stopwords: Stopwords { languages, ..Stopwords::default() },
            stemmer: Some(StemmerLanguage::English),
            ..TextParams::default()
        };
        Self { k: 1.2, b: 0.75, avg_len: 256.0, text }
    }
}

impl Bm25 {
    /// Weights of a text that is stored, by ids of tokens, ascending; none without a token. Where
    /// prefixes are tokens, a word has all of its.
    pub fn document(&self, text: &str) -> Vec<(u32, f32)> {
        let mut counts = Counts::default();
        // Nothing breaks it off.
        let _: ControlFlow<()> = tokens(&self.text, text, &mut |token| counts.add(token));
        let Self { k, b, avg_len, .. } = *self;
        let length = k * (1.0 - b + b * f64::from(counts.tokens) / avg_len);
        let weight = |count: u32| {
            let count = f64::from(count);
            (count * (k + 1.0) / (count + length)) as f32
        };
        counts.by_id.into_iter().map(|(id, count)| (id, weight(count))).collect()
    }

    /// Weights of a text that is looked for: 1 for each token.
    pub fn query(&self, text: &str) -> Vec<(u32, f32)> {
        let mut counts = Counts::default();
        let _: ControlFlow<()> = each_sought(&self.text, text, &mut |token| counts.add(token));
        counts.by_id.into_keys().map(|id| (id, 1.0)).collect()
    }
}

/// How often each token comes, and how many there are. Of two tokens with one id, which search
/// cannot tell apart, each counts for the other.
#[derive(Default)]
struct Counts {
    by_id: BTreeMap<u32, u32>,
    tokens: u32,
}

impl Counts {
    fn add(&mut self, token: &str) -> ControlFlow<()> {
        *self.by_id.entry(token_id(token)).or_default() += 1;
        // A text has no more tokens than bytes, and a request fewer than would overflow.
        self.tokens += 1;
        ControlFlow::Continue(())
    }
}

/// The id of a token, as fastembed and Qdrant have it.
fn token_id(token: &str) -> u32 {
    let hash = murmur3_32(&mut token.as_bytes(), 0).expect("memory is read without a failure");
    (hash as i32).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vane_types::schema::text::Tokenizer;

    use super::*;

    /// Murmur3 of 32 bits with seed 0, written down from its definition.
    fn murmur(bytes: &[u8]) -> u32 {
        let mix =
            |word: u32| word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
        let mut hash = 0_u32;
        let mut chunks = bytes.chunks_exact(4);
        for chunk in &mut chunks {
            hash ^= mix(u32::from_le_bytes(chunk.try_into().unwrap()));
            hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
        }
        let mut rest = [0; 4];
        rest[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
        hash ^= mix(u32::from_le_bytes(rest));
        hash ^= bytes.len() as u32;
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^ (hash >> 16)
    }

    #[test]
    fn ids_are_magnitudes_of_murmur_hashes() {
        // Values that are published for the hash.
        assert_eq!((murmur(b""), murmur(b"hello"), murmur(b"test")), (0, 0x248b_fa47, 0xba6b_d213));
        for token in ["", "a", "hello", "test", "日本", "longer than a word"] {
            assert_eq!(
                i64::from(token_id(token)),
                i64::from(murmur(token.as_bytes()) as i32).abs()
            );
        }
    }

    proptest! {
        #[test]
        fn weights_are_those_of_the_formula(
            words in prop::collection::vec("[a-d]{1,2}", 0..30), k in 0.0..3.0, b in 0.0..=1.0,
        ) {
            let text = TextParams::default();
            let bm25 = Bm25 { k, b, avg_len: 7.0, text };
            let document = bm25.document(&words.join(" "));
            let mut distinct = words.clone();
            distinct.sort();
            distinct.dedup();
            prop_assert_eq!(document.len(), distinct.len());
            prop_assert!(document.is_sorted_by(|one, next| one.0 < next.0));
            for word in distinct {
                let tf = words.iter().filter(|other| **other == word).count() as f64;
                let norm = 1.0 - b + b * (words.len() as f64) / 7.0;
                let expected = tf * (k + 1.0) / (tf + k * norm);
                let id = (murmur(word.as_bytes()) as i32).unsigned_abs();
                let weight = document.iter().find(|(known, _)| *known == id).unwrap().1;
                prop_assert!((f64::from(weight) - expected).abs() < 1e-6 * expected.max(1.0));
            }
            let query: Vec<(u32, f32)> = document.iter().map(|(id, _)| (*id, 1.0)).collect();
            prop_assert_eq!(bm25.query(&words.join(" ")), query);
        }
    }

    #[test]
    fn a_text_has_all_prefixes_of_its_words_and_is_found_by_one() {
        let text = TextParams {
            tokenizer: Tokenizer::Prefix,
            min_token_len: Some(2),
            max_token_len: Some(4),
            ..TextParams::default()
        };
        let bm25 = Bm25 { k: 1.2, b: 1.0, avg_len: 5.0, text };
        let ids = |tokens: [&str; 3]| {
            let mut ids = tokens.map(token_id);
            ids.sort_unstable();
            ids
        };
        let document = bm25.document("hello h");
        // Of three tokens, where five are the rule.
        let weight = (2.2 / (1.0 + 1.2 * 0.6)) as f32;
        assert_eq!(document, ids(["he", "hel", "hell"]).map(|id| (id, weight)));
        assert_eq!(bm25.query("Hel"), [(token_id("hel"), 1.0)]);
        assert_eq!(bm25.query("hello"), [(token_id("hell"), 1.0)]);
    }

    #[test]
    fn by_default_english_stems_count() {
        let bm25 = Bm25::default();
        let document = bm25.document("The cats and a cat are running");
        let ids: Vec<u32> = bm25.query("cat run").into_iter().map(|(id, _)| id).collect();
        assert_eq!(document.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
        assert!(bm25.document("the of").is_empty() && bm25.query("").is_empty());
    }
}
