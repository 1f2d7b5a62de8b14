//! The person at this computer: name, settings, what they look at, what may disturb them.

use landline_protocol::{Code, Refusal, SpaceId, check_name};

use super::{Home, Running, kept};
use crate::command::{Look, Nothing, SetName, SetSettings};
use crate::data::Identity;
use crate::engine::{Looked, Situation, Wishes};
use crate::host::Notification;
use crate::ui::{KEYWORDS, MeView, RECENT_EMOJI, Settings, UiEvent};
use crate::{ClientConfig, ClientError};

impl Home {
    pub(super) async fn set_name(&mut self, request: SetName) -> Result<Nothing, Refusal> {
        let name = check_name("your name", &request.name)?.to_owned();
        kept::save_name(&self.store, name.clone()).await?;
        self.name = Some(name);
        self.tell_engines();
        let me = me_view(&self.config, &self.identity, self.name.clone());
        self.tell(vec![UiEvent::Me { me }]);
        Ok(Nothing {})
    }

    pub(super) async fn set_settings(&mut self, request: SetSettings) -> Result<Nothing, Refusal> {
        if !(75..=200).contains(&request.settings.text_size) {
            return Err(Refusal::bad_request("the text size is 75 to 200 percent"));
        }
        // Where one was last is told by `look`: a window that changes a setting may know it late.
        let Settings {
            last_space,
            last_room,
            ..
        } = self.settings;
        let mut settings = Settings {
            last_space,
            last_room,
            ..request.settings
        };
        let keywords = settings.keywords.iter().map(|word| word.trim().to_owned());
        settings.keywords = keywords.filter(|word| !word.is_empty()).collect();
        if settings.keywords.len() > KEYWORDS {
            let words = format!("at most {KEYWORDS} words can be watched for");
            return Err(Refusal::too_large(words));
        }
        settings.recent_emoji.truncate(RECENT_EMOJI);
        self.keep_settings(settings).await?;
        Ok(Nothing {})
    }

    pub(super) async fn keep_settings(&mut self, settings: Settings) -> Result<(), ClientError> {
        if settings != self.settings {
            kept::save_settings(&self.store, settings.clone()).await?;
            self.settings = settings.clone();
            self.tell_engines();
            self.tell(vec![UiEvent::Settings { settings }]);
        }
        Ok(())
    }

    pub(super) async fn look(&mut self, look: Look) -> Result<Nothing, Refusal> {
        self.look = look;
        self.tell_engines();
        if self.look.room.is_some() {
            let settings = Settings {
                last_space: self.look.space,
                last_room: self.look.room,
                ..self.settings.clone()
            };
            self.keep_settings(settings).await?;
        }
        Ok(Nothing {})
    }

    /// How things stand, for a space.
    pub(super) fn situation(&self, space: SpaceId) -> Situation {
        let hosted = self.hosted.on();
        let hosted = hosted.filter(|(hosted, _)| hosted.space == space);
        let here = self.look.space == Some(space);
        Situation {
            name: self.name.clone().unwrap_or_default(),
            wishes: Wishes::from(&self.settings),
            presence: self.presence.state,
            presence_text: self.presence.text.clone(),
            away: self.away,
            look: Looked {
                room: self.look.room.filter(|_| here),
                thread: self.look.thread.filter(|_| here),
                focused: self.look.focused,
            },
            hosted_here: hosted.map(|(_, loopback)| loopback.to_owned()),
        }
    }

    pub(super) fn tell_engines(&self) {
        for (space, joined) in &self.spaces {
            if let Running::Yes(engine) = &joined.engine {
                engine.is_now(self.situation(*space));
            }
        }
    }

    pub(super) fn open_link(&self, url: &str) -> Result<(), Refusal> {
        let scheme = url
            .split(':')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https" | "mailto")
            || url.chars().any(char::is_control)
        {
            return Err(Refusal::new(
                Code::NotAllowed,
                "only web and mail links are opened",
            ));
        }
        self.host.open_link(url)
    }

    pub(super) fn notify(&self, mut notification: Notification) {
        if !self.settings.notifications {
            return;
        }
        if !self.settings.notification_previews {
            notification.body = String::new();
        }
        notification.sound = self.settings.notification_sound;
        self.host.notify(notification);
    }

    /// The name to sign in with.
    pub(super) fn my_name(&self) -> Result<String, Refusal> {
        self.name
            .clone()
            .ok_or_else(|| Refusal::bad_request("choose a name for yourself first"))
    }
}

pub(super) fn me_view(config: &ClientConfig, identity: &Identity, name: Option<String>) -> MeView {
    MeView {
        member: identity.member,
        name,
        suggested_name: config.suggested_name.clone(),
        version: config.client.version.clone(),
        data_dir: config.data_dir.display().to_string(),
        platform: std::env::consts::OS.to_owned(),
    }
}
