//! The libraries' names of languages.

use qdrant_rust_stemmers::{Algorithm, Stemmer};
use vane_types::schema::text::{Language, StemmerLanguage};

/// The stemmer of a language; making one costs nothing.
pub(super) fn stemmer(language: StemmerLanguage) -> Stemmer {
    Stemmer::create(match language {
        StemmerLanguage::Arabic => Algorithm::Arabic,
        StemmerLanguage::Armenian => Algorithm::Armenian,
        StemmerLanguage::Danish => Algorithm::Danish,
        StemmerLanguage::Dutch => Algorithm::Dutch,
        StemmerLanguage::English => Algorithm::English,
        StemmerLanguage::Finnish => Algorithm::Finnish,
        StemmerLanguage::French => Algorithm::French,
        StemmerLanguage::German => Algorithm::German,
        StemmerLanguage::Greek => Algorithm::Greek,
        StemmerLanguage::Hungarian => Algorithm::Hungarian,
        StemmerLanguage::Italian => Algorithm::Italian,
        StemmerLanguage::Norwegian => Algorithm::Norwegian,
        StemmerLanguage::Portuguese => Algorithm::Portuguese,
        StemmerLanguage::Romanian => Algorithm::Romanian,
        StemmerLanguage::Russian => Algorithm::Russian,
        StemmerLanguage::Spanish => Algorithm::Spanish,
        StemmerLanguage::Swedish => Algorithm::Swedish,
        StemmerLanguage::Tamil => Algorithm::Tamil,
        StemmerLanguage::Turkish => Algorithm::Turkish,
    })
}

/// The stop words of a language; none where there is no list of them.
pub(super) fn stopwords(language: Language) -> &'static [&'static str] {
    let code = match language {
        Language::Arabic => "ar",
        Language::Azerbaijani => "az",
        Language::Basque => "eu",
        Language::Bengali => "bn",
        Language::Catalan => "ca",
        Language::Chinese => "zh",
        Language::Danish => "da",
        Language::Dutch => "nl",
        Language::English => "en",
        Language::Finnish => "fi",
        Language::French => "fr",
        Language::German => "de",
        Language::Greek => "el",
        Language::Hebrew => "he",
        Language::Hinglish => "hinglish",
        Language::Hungarian => "hu",
        Language::Indonesian => "id",
        Language::Italian => "it",
        // The collection that the others are of has none.
        Language::Japanese => return &[],
        Language::Kazakh => "kk",
        Language::Nepali => "ne",
        Language::Norwegian => "no",
        Language::Portuguese => "pt",
        Language::Romanian => "ro",
        Language::Russian => "ru",
        Language::Slovene => "sl",
        Language::Spanish => "es",
        Language::Swedish => "sv",
        Language::Tajik => "tg",
        Language::Turkish => "tr",
    };
    stop_words::lookup(code).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_but_japanese_has_a_list() {
        for language in Language::ALL {
            let has_none = *language == Language::Japanese;
            assert_eq!(stopwords(*language).is_empty(), has_none, "{language:?}");
        }
        assert!(stopwords(Language::German).contains(&"und"));
        assert!(stopwords(Language::Hinglish).contains(&"aur"));
    }

    #[test]
    fn every_language_has_its_stemmer() {
        for (language, word, stem) in [
            (StemmerLanguage::English, "running", "run"),
            (StemmerLanguage::German, "häuser", "haus"),
            (StemmerLanguage::French, "continuellement", "continuel"),
            (StemmerLanguage::Russian, "бегущий", "бегущ"),
        ] {
            assert_eq!(stemmer(language).stem(word), stem);
        }
    }
}
