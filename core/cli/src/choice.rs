//! Values with a fixed set of words: each set is written once and feeds parsing, help,
//! completion and the configuration file.

use lab_output::Level;

/// A closed set of words.
pub trait Choice: Copy + Sized + 'static {
    /// Every value, in the order of help.
    const ALL: &'static [(&'static str, Self, &'static str)];

    /// The value a word stands for.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, ..)| *known == word).map(|(_, value, _)| *value)
    }
    /// The words, in the order of help.
    fn words() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|(word, ..)| *word)
    }
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal: $about:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = $about] $variant),+
        }
        impl Choice for $name {
            const ALL: &'static [(&'static str, Self, &'static str)] =
                &[$(($word, Self::$variant, $about)),+];
        }
        impl $name {
            /// The word on the command line and in the file.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

choice! {
    /// How rows are written to stdout.
    Format {
        Table = "table": "Columns for people",
        Wide = "wide": "Every column",
        Json = "json": "One object: rows, findings, partial answers",
        Yaml = "yaml": "The same as YAML",
        Csv = "csv": "Rows for spreadsheets",
        Ndjson = "ndjson": "One object per line, as they come",
        Name = "name": "Only what each row is about",
        Diff = "diff": "Only lines of unified diffs, where a command has them",
    }
}

choice! {
    /// When colors are used.
    Color {
        Auto = "auto": "On a terminal",
        Always = "always": "Even into a file or pipe",
        Never = "never": "Not at all",
    }
}

choice! {
    /// From which level on findings turn the exit code into 1.
    FailOn {
        Good = "good": "Any finding",
        Info = "info": "Info, warn or bad",
        Warn = "warn": "Warn or bad",
        Bad = "bad": "Only bad",
        Never = "never": "No finding",
    }
}

choice! {
    /// A way to run a command on a node.
    Transport {
        Agent = "agent": "Exec in the pod of the node's agent",
        Ssh = "ssh": "The system's ssh, where the node is named in the settings",
        DebugPod = "debug-pod": "A pod made for this and deleted again, where that is allowed",
    }
}

choice! {
    /// Shells with a completion script.
    Shell {
        Bash = "bash": "Bash 4 and later, and 3.2 of macOS",
        Zsh = "zsh": "Zsh 5 and later",
        Fish = "fish": "Fish 3 and later",
        Powershell = "powershell": "PowerShell 5 and later",
    }
}

impl FailOn {
    /// Whether a finding of this level decides the exit code.
    ///
    /// Something that could not be judged fails only under `good`, which means any finding.
    pub fn counts(self, level: Level) -> bool {
        match self {
            Self::Good => true,
            Self::Info => matches!(level, Level::Info | Level::Warn | Level::Bad),
            Self::Warn => matches!(level, Level::Warn | Level::Bad),
            Self::Bad => matches!(level, Level::Bad),
            Self::Never => false,
        }
    }
}
