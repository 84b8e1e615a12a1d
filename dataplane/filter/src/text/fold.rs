//! Letters without their marks, in ASCII.

use std::borrow::Cow;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// The text with what Latin letters, digits and marks of punctuation stand for in ASCII. What is
/// of another script stays.
pub(super) fn fold(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() {
        return text;
    }
    let mut folded = String::with_capacity(text.len());
    let mut parts = String::new();
    for c in text.chars() {
        if c.is_ascii() {
            folded.push(c);
            continue;
        }
        parts.clear();
        let mut add = |part| match of_its_own(part) {
            "" => parts.push(part),
            ascii => parts.push_str(ascii),
        };
        match is_taken_apart(c) {
            true => decompose_compatible(c, |part| {
                if !is_combining_mark(part) {
                    add(part);
                }
            }),
            false => add(c),
        }
        match !parts.is_empty() && parts.is_ascii() {
            true => folded.push_str(&parts),
            false => folded.push(c),
        }
    }
    Cow::Owned(folded)
}

/// Whether a sign is a letter, digit or mark with something to it, rather than a sign of its own:
/// `½` is no number with a slash, and `™` no word.
fn is_taken_apart(c: char) -> bool {
    matches!(c,
        '²' | '³' | '¹'
        | 'À'..='\u{24f}'
        // Letters and digits that stand high or low.
        | '\u{1d62}'..='\u{1d65}' | '⁰'..='\u{2094}' | 'ⱼ'
        | '\u{1e00}'..='\u{1eff}'
        // In circles and brackets.
        | '①'..='\u{24ff}'
        // Two letters in one, but for the long s with a t.
        | 'ﬀ'..='ﬄ' | 'ﬆ'
        // As wide as letters of East Asia.
        | '！'..='＿' | 'ａ'..='｛' | '｝' | '～')
}

/// What a letter stands for that Unicode does not take apart; empty where it is none.
fn of_its_own(c: char) -> &'static str {
    match c {
        'ß' => "ss",
        'ẞ' => "SS",
        'Æ' => "AE",
        'æ' => "ae",
        'Œ' => "OE",
        'œ' => "oe",
        'Ø' => "O",
        'ø' => "o",
        'Ł' | 'Ⱡ' | 'Ƚ' => "L",
        'ł' | 'ⱡ' | 'ƚ' => "l",
        'Đ' | 'Ð' | 'Ɖ' | 'Ɗ' => "D",
        'đ' | 'ð' | 'ɖ' | 'ɗ' => "d",
        'Þ' => "TH",
        'þ' => "th",
        'Ħ' => "H",
        'ħ' => "h",
        'ı' => "i",
        'ȷ' => "j",
        'ĸ' => "q",
        'Ŋ' => "N",
        'ŋ' => "n",
        'Ŧ' | 'Ƭ' | 'Ʈ' => "T",
        'ŧ' | 'ƭ' | 'ʈ' => "t",
        'Ƀ' | 'Ɓ' => "B",
        'ƀ' | 'ɓ' => "b",
        'Ƈ' | 'Ȼ' => "C",
        'ƈ' | 'ȼ' => "c",
        'Ɇ' => "E",
        'ɇ' => "e",
        'Ƒ' => "F",
        'ƒ' => "f",
        'Ɠ' | 'Ǥ' => "G",
        'ɠ' | 'ǥ' => "g",
        'Ɨ' => "I",
        'ɨ' => "i",
        'Ɉ' => "J",
        'ɉ' => "j",
        'Ƙ' => "K",
        'ƙ' => "k",
        'Ɲ' | 'Ƞ' => "N",
        'ɲ' | 'ƞ' => "n",
        'Ɵ' | 'Ɔ' => "O",
        'ɵ' | 'ɔ' => "o",
        'Ƥ' => "P",
        'ƥ' => "p",
        'Ɍ' => "R",
        'ɍ' => "r",
        'Ʋ' => "V",
        'ʋ' => "v",
        'Ɏ' | 'Ƴ' => "Y",
        'ɏ' | 'ƴ' => "y",
        'Ƶ' | 'Ȥ' => "Z",
        'ƶ' | 'ȥ' => "z",
        'Ⱥ' => "A",
        'ⱥ' => "a",
        'Ʉ' => "U",
        'ʉ' => "u",
        '‘' | '’' | '‚' | '‛' | '′' | '‹' | '›' => "'",
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '−' => "-",
        '⁄' => "/",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_letters_lose_their_marks_and_others_stay() {
        for (text, folded) in [
            ("ação", "acao"),
            ("Ångström Ḝ ǻ", "Angstrom E a"),
            ("Straße ŒUVRE łódź þorn", "Strasse OEUVRE lodz thorn"),
            ("ﬁn ｆｕｌｌ ² ① ĳ", "fin full 2 1 ij"),
            ("“naïve” — l’été", "\"naive\" - l'ete"),
            ("ελλάδα привёт 日本語 が", "ελλάδα привёт 日本語 が"),
            ("e\u{301}", "e\u{301}"),
            ("½ 1º ª ™ № ℃ ㎏ 𝐀 ﬅ ； … ʰ", "½ 1º ª ™ № ℃ ㎏ 𝐀 ﬅ ; … ʰ"),
        ] {
            assert_eq!(fold(text.into()), folded);
        }
        // Nothing that is ASCII becomes something else.
        let ascii: String = (0..128_u8).map(char::from).collect();
        assert_eq!(fold(ascii.as_str().into()), ascii);
    }
}
