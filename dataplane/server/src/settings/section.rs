//! One place for each setting: its text, type, default and range.

/// Defines a section of settings: a struct, its defaults, and what of it is out of range.
///
/// A line is `name: type = default;`, or `name: type = default, from least to greatest;` for a
/// number that has a range.
macro_rules! section {
    (
        $(#[$of_section:meta])*
        $section:ident {
            $(
                $(#[$of_field:meta])*
                $field:ident: $type:ty = $default:expr $(, from $min:literal to $max:expr)?;
            )*
        }
    ) => {
        $(#[$of_section])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $section {
            $($(#[$of_field])* pub $field: $type,)*
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $section {
            /// Each number that is out of its range, one line each; `prefix` stands before its key.
            fn outside(&self, prefix: &str) -> Vec<String> {
                let ranges: Vec<(&str, u64, u64, u64)> = vec![
                    $($((stringify!($field), self.$field as u64, $min, $max),)?)*
                ];
                let outside = ranges.into_iter().filter(|(_, value, min, max)| {
                    !(min..=max).contains(&value)
                });
                outside
                    .map(|(key, value, min, max)| {
                        format!("{prefix}{key} is {value}, must be from {min} to {max}")
                    })
                    .collect()
            }
        }
    };
}

pub(super) use section;
