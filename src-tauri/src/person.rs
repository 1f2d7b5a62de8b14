//! Who sits at this computer, as far as it knows: a name to begin with.

/// What accounts are called that belong to nobody in particular.
const NOBODY: [&str; 6] = ["root", "user", "admin", "administrator", "debian", "ubuntu"];

/// The account's full name, else its short one, else the computer's name.
pub(crate) fn suggested_name() -> String {
    let names = [
        whoami::realname().ok(),
        whoami::username().ok().map(|name| capitalised(&name)),
    ];
    let named = names
        .into_iter()
        .flatten()
        .map(|name| name.trim().to_owned())
        .find(|name| is_somebody(name));
    named.unwrap_or_else(computer)
}

/// The computer's name, for people.
fn computer() -> String {
    let names = [whoami::devicename().ok(), whoami::hostname().ok()];
    let named = names
        .into_iter()
        .flatten()
        .find(|name| !name.trim().is_empty());
    named.unwrap_or_else(|| "This computer".to_owned())
}

fn is_somebody(name: &str) -> bool {
    !name.is_empty() && !NOBODY.contains(&name.to_lowercase().as_str())
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_nobody_suggest_no_name() {
        for name in ["", "root", "Root", "ubuntu"] {
            assert!(!is_somebody(name), "{name}");
        }
        assert!(is_somebody("Ana"));
    }

    #[test]
    fn a_short_name_gets_a_capital() {
        assert_eq!(capitalised("ana"), "Ana");
        assert_eq!(capitalised("étienne"), "Étienne");
        assert_eq!(capitalised(""), "");
    }
}
