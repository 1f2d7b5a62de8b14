//! What the space calls me: my name, by an event in its directory.

use landline_protocol::{Content, Profile, Refusal};
use landline_store::{Connection, StoreError, outbox, rooms};

use super::{Engine, Phase};
use crate::ClientError;
use crate::ui::UiEvent;

impl Engine {
    /// Once on each link, as soon as the directory is up to date: the name may have been chosen
    /// while this space was not in use, or have been refused before.
    pub(super) async fn check_name(&mut self) -> Result<(), ClientError> {
        let directory = self.directory();
        let live = (self.rooms.get(&directory)).is_some_and(|room| room.sync.is_live());
        match &mut self.phase {
            Phase::Online(online) if live && !online.name_checked => online.name_checked = true,
            _ => return Ok(()),
        }
        self.say_name().await
    }

    /// What the space calls me is changed by an event in its directory.
    pub(super) async fn say_name(&mut self) -> Result<(), ClientError> {
        let (space, me, directory) = (self.space(), self.me(), self.directory());
        let name = self.config.situation.name.clone();
        let (known, waiting) = self
            .config
            .store
            .read(move |c| {
                let known = rooms::person(c, space, me)?.map(|person| person.name);
                Ok::<_, ClientError>((known, outbox::of_room(c, directory)?))
            })
            .await?;
        // What has failed was left here by an earlier version, and nobody can try it again.
        let (failed, waiting): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|waiting| matches!(waiting.state, outbox::State::Failed { .. }));
        let queued =
            waiting
                .iter()
                .rev()
                .find_map(|waiting| match Content::read(&waiting.event.content) {
                    Content::Profile(profile) => profile.name,
                    _ => None,
                });
        // Who is not in the directory yet was named when signing in.
        let Some(known) = queued.or(known) else {
            return Ok(());
        };
        if name.is_empty() || known == name {
            return Ok(());
        }
        let profile = Profile {
            name: Some(name),
            ..Profile::default()
        };
        match self.new_event(directory, &Content::Profile(profile)) {
            Ok(event) => {
                let clear = move |c: &Connection| {
                    for waiting in failed {
                        outbox::discard(c, waiting.event.id)?;
                    }
                    Ok::<_, StoreError>(())
                };
                self.queue_with(vec![event], clear).await
            }
            Err(refusal) => {
                self.out.say(UiEvent::Notice { refusal });
                Ok(())
            }
        }
    }

    /// The space has refused a change of what it knows of me, which nothing on the screen shows.
    pub(super) fn refused_in_directory(&mut self, content: &Content, refusal: &Refusal) {
        let space = &self.config.known.name;
        let message = match content {
            Content::Profile(Profile {
                name: Some(name), ..
            }) => {
                // It is tried again on each link, and told once.
                if self.people.refused_name.replace(name.clone()).as_ref() == Some(name) {
                    return;
                }
                format!("{space} does not call you {name}: {}", refusal.message)
            }
            _ => format!("{space} has refused a change: {}", refusal.message),
        };
        let refusal = Refusal {
            message,
            ..refusal.clone()
        };
        self.out.say(UiEvent::Notice { refusal });
    }
}
