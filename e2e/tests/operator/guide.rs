//! The pages of `docs/operating`, read as a person reads them: their commands are what tests run.

use std::path::Path;

use crate::world::World;

/// A page.
pub(crate) struct Guide {
    text: String,
    name: &'static str,
}

impl Guide {
    pub(crate) fn read(name: &'static str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = std::fs::read_to_string(root.join("docs/operating").join(name)).unwrap();
        Self { text, name }
    }

    /// The commands below a heading, up to the next one.
    fn commands(&self, heading: &str) -> Vec<String> {
        let heading = format!("\n## {heading}\n");
        let (_, rest) = self.text.split_once(&heading).unwrap_or_else(|| panic!("{heading}"));
        let section = rest.split("\n## ").next().unwrap();
        let blocks = section.split("```sh\n").skip(1).map(|block| block.split("```").next());
        let lines = blocks.flatten().flat_map(str::lines).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }

    /// Runs the commands below a heading as they stand, in a namespace; what each printed.
    pub(crate) async fn follow(
        &self,
        world: &World,
        namespace: &str,
        heading: &str,
    ) -> Vec<String> {
        let commands = self.commands(heading);
        assert!(!commands.is_empty(), "{heading} of {} has no commands", self.name);
        let mut printed = Vec::new();
        for command in commands {
            let words = words(&command);
            assert_eq!(words[0], "kubectl", "{command}");
            let words = words[1..].iter().map(String::as_str);
            let args: Vec<&str> = ["-n", namespace].into_iter().chain(words).collect();
            let output = world.api.kubectl(&args).await;
            printed.push(output.unwrap_or_else(|error| panic!("{command}: {error}")));
        }
        printed
    }
}

/// The words of a command, as a shell takes them apart: by spaces, but for what is in quotes, and
/// up to a comment.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in command.chars() {
        match (quote, character) {
            (None, '#') if words.last().is_some_and(String::is_empty) => break,
            (None, ' ') => words.push(String::new()),
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => words.last_mut().unwrap().push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
