//! What a registry is asked for in the user's name, and no more than that.

/// What a registry asks of who lists its repositories.
const CATALOG_SCOPE: &str = "registry:catalog:*";

/// What a registry is asked to let us do. A token that can do more is not asked for, whatever the registry proposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Who we are, and to list its repositories if it wants that to be asked for.
    Look,
    Pull,
    Push {
        /// Repositories of the same registry that blobs may be taken over from.
        mount_from: Vec<String>,
    },
}

impl Rights {
    /// The scopes of the token to ask for, where the registry proposes some (distribution: "Token Scope Documentation").
    /// It could propose anything in the user's name.
    pub(super) fn scopes(&self, proposed: &str, repository: &str) -> Vec<String> {
        match self {
            Self::Look => {
                [CATALOG_SCOPE].iter().filter(|scope| proposed == **scope).map(ToString::to_string).collect()
            }
            // A registry may know the repository by another name.
            Self::Pull if repository_in(proposed).is_some_and(|(_, actions)| actions == "pull") => {
                vec![proposed.to_owned()]
            }
            Self::Pull => vec![format!("repository:{repository}:pull")],
            Self::Push { mount_from } => {
                let is_source = |scope: &&str| match repository_in(scope) {
                    Some((name, actions)) => actions == "pull" && mount_from.iter().any(|source| source == name),
                    None => false,
                };
                let sources = proposed.split(' ').filter(is_source).map(str::to_owned);
                std::iter::once(format!("repository:{repository}:pull,push")).chain(sources).collect()
            }
        }
    }
}

/// The name and the actions in a scope.
fn repository_in(scope: &str) -> Option<(&str, &str)> {
    scope.strip_prefix("repository:")?.rsplit_once(':').filter(|(name, _)| !name.is_empty() && !name.contains(' '))
}
