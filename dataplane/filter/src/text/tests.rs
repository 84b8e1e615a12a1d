use proptest::prelude::*;
use proptest::sample::select;
use vane_types::limits::TOKEN_PREFIX_CHARS_MAX;
use vane_types::schema::text::{Language, StemmerLanguage, Stopwords};

use super::*;

fn params(tokenizer: Tokenizer) -> TextParams {
    TextParams { tokenizer, ..TextParams::default() }
}

fn check(params: &TextParams, text: &str, expected: &str) {
    assert_eq!(phrase(params, text).join("|"), expected, "{text}");
}

#[test]
fn words_end_at_what_is_neither_letter_nor_digit() {
    let word = params(Tokenizer::Word);
    check(&word, "Hello, World! Привет, Мир_42!", "hello|world|привет|мир|42");
    check(&word, "don't C-3PO", "don|t|c|3po");
    check(&word, " .,- ", "");
    let as_written = TextParams { lowercase: false, ..word };
    check(&as_written, "Hello, World", "Hello|World");
    check(&params(Tokenizer::Whitespace), "Hello,  World!\n\ta-b", "hello,|world!|a-b");
}

#[test]
fn prefixes_are_tokens_of_words() {
    let prefix = params(Tokenizer::Prefix);
    check(&prefix, "abc, D", "a|ab|abc|d");
    let within = TextParams { min_token_len: Some(2), max_token_len: Some(3), ..prefix.clone() };
    check(&within, "мира a bc", "ми|мир|bc");
    assert_eq!(sought(&within, "мира a bc"), ["bc", "мир"]);
    let nothing = TextParams { min_token_len: Some(4), max_token_len: Some(3), ..prefix.clone() };
    check(&nothing, "abcdef", "");
    let long = "x".repeat(200);
    assert_eq!(phrase(&prefix, &long).len(), TOKEN_PREFIX_CHARS_MAX);
    assert_eq!(sought(&prefix, &long), [&long[..TOKEN_PREFIX_CHARS_MAX]]);
}

#[test]
fn a_stop_word_that_is_looked_for_may_begin_a_word() {
    let stopwords = Stopwords { languages: [Language::English].into(), ..Stopwords::default() };
    let prefix = TextParams { stopwords: stopwords.clone(), ..params(Tokenizer::Prefix) };
    check(&prefix, "The theory", "t|th|the|theo|theor|theory");
    assert_eq!(sought(&prefix, "the"), ["the"]);
    let word = TextParams { stopwords, ..params(Tokenizer::Word) };
    check(&word, "The theory of IT", "theory");
    assert!(sought(&word, "the of").is_empty());
}

#[test]
fn tokens_go_through_all_steps_in_their_order() {
    let params = TextParams {
        ascii_folding: true,
        stopwords: Stopwords {
            languages: [Language::English].into(),
            custom: ["cafe".to_owned()].into(),
        },
        stemmer: Some(StemmerLanguage::English),
        min_token_len: Some(3),
        max_token_len: Some(5),
        ..params(Tokenizer::Word)
    };
    // Folded, so a stop word; cut to `run`, so long enough; `go` is too short, `communiti` too
    // long.
    check(&params, "CAFÉ running Naïve the going communities", "run|naiv");
    assert_eq!(sought(&params, "Runs RUNNING"), ["run"]);
}

/// Golden: stored keys are made of these.
#[test]
fn scripts_have_rules_of_their_own() {
    let multilingual = params(Tokenizer::Multilingual);
    for (text, expected) in [
        ("What are you waiting for? 42", "what|are|you|waiting|for"),
        ("Ça va, Ångström", "ca|va|angstrom"),
        ("Καλημέρα κόσμε", "καλημερα|κοσμε"),
        ("มาทำงานกันเถอะ", "มา|ทางาน|กน|เถอะ"),
        ("Привет, Мир", "привет|мир"),
        ("今天是星期一", "今|天|是|星|期|一"),
    ] {
        check(&multilingual, text, expected);
    }
    let japanese = phrase(&multilingual, "東京タワーです 3時");
    assert!(japanese.len() > 4 && japanese.iter().any(|token| token == "東"), "{japanese:?}");
}

pub(crate) fn any_params() -> BoxedStrategy<TextParams> {
    let tokenizer = select(vec![
        Tokenizer::Word,
        Tokenizer::Whitespace,
        Tokenizer::Prefix,
        Tokenizer::Multilingual,
    ]);
    let len = || prop::option::of(0_u64..6);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let languages = prop::collection::btree_set(select(Language::ALL.to_vec()), 0..2);
    let custom = prop::collection::btree_set("[ab]{1,2}", 0..2);
    let stopwords =
        (languages, custom).prop_map(|(languages, custom)| Stopwords { languages, custom });
    let stemmer = prop::option::of(select(StemmerLanguage::ALL.to_vec()));
    (tokenizer, len(), len(), flags, stopwords, stemmer)
        .prop_map(|(tokenizer, min_token_len, max_token_len, flags, stopwords, stemmer)| {
            let (lowercase, ascii_folding, phrase_matching) = flags;
            TextParams {
                tokenizer,
                min_token_len,
                max_token_len,
                lowercase,
                ascii_folding,
                phrase_matching,
                stopwords,
                stemmer,
            }
        })
        .boxed()
}

/// Texts of letters, digits and marks of many scripts.
pub(crate) fn any_text() -> BoxedStrategy<String> {
    prop_oneof![
        3 => "[abAB é.,12 ]{0,12}",
        2 => "(the|The|running|cafés|x|Straße|und|robot|of)( (the|runs|ran|Café|a|robots)){0,4}",
        1 => "[a-zäöüßéèàçñåøæ'’ ]{0,40}",
        1 => "[\\u{3b1}-\\u{3c9}\\u{400}-\\u{4ff}\\u{531}-\\u{587}\\u{5d0}-\\u{5ea}\\u{620}-\\u{64a}\\u{b82}-\\u{bcd}\\u{e01}-\\u{e4e} ]{0,30}",
        1 => "[\\u{3040}-\\u{30ff}\\u{4e00}-\\u{4e40}a ]{0,12}",
        1 => any::<String>(),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn no_text_panics_and_tokens_keep_the_limits(params in any_params(), text in any_text()) {
        let found = phrase(&params, &text);
        for token in &found {
            let chars = token.chars().count() as u64;
            prop_assert!(!token.is_empty());
            prop_assert!(params.min_token_len.is_none_or(|min| chars >= min), "{token}");
            prop_assert!(params.max_token_len.is_none_or(|max| chars <= max), "{token}");
        }
        let sought = sought(&params, &text);
        // What is stored is found by its own text; stop words alone may be more.
        if params.tokenizer != Tokenizer::Prefix || params.stopwords.is_empty() {
            prop_assert!(sought.iter().all(|token| found.contains(token)), "{sought:?} {found:?}");
        }
    }
}
