//! The space that this computer hosts: the shell runs its node, and it is joined like any other.

use landline_protocol::{Refusal, check_name};

use super::{Home, Note, Reply};
use crate::engine;
use crate::host::{HostRequest, Hosted};
use crate::ui::UiEvent;

impl Home {
    pub(super) fn on_hosting(&mut self, hosted: Option<Hosted>) {
        for (space, joined) in &self.spaces {
            let here = hosted.as_ref().filter(|hosted| hosted.view.space == *space);
            joined.tell(engine::Input::HostedHere(
                here.map(|hosted| hosted.loopback.clone()),
            ));
        }
        let before = self.hosted.as_ref().map(|hosted| hosted.view.space);
        if let Some(hosted) = &hosted
            && before != Some(hosted.view.space)
            && !self.spaces.contains_key(&hosted.view.space)
        {
            // It was made, and then this program ended before it could join.
            self.join_hosted(hosted, None);
        }
        let hosting = hosted.as_ref().map(|hosted| hosted.view.clone());
        self.hosted = hosted;
        if hosting != self.picture.now().hosting {
            self.tell(vec![UiEvent::Hosting { hosting }]);
        }
    }

    pub(super) fn host_space(&self, request: crate::command::Host, reply: Reply) {
        let request = HostRequest {
            name: request.name,
            admission: request.admission,
            passcode: request.passcode,
            owner: self.identity.member,
        };
        let checked = check_name("the space's name", &request.name).map(str::to_owned);
        match checked.and_then(|name| self.my_name().map(|_| name)) {
            Ok(name) => {
                let started = self.host.host_space(HostRequest { name, ..request });
                let notes = self.notes.clone();
                tokio::spawn(async move {
                    let result = started.await;
                    let _ = notes.send(Note::HostStarted { result, reply }).await;
                });
            }
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    pub(super) fn host_started(&mut self, result: Result<Hosted, Refusal>, reply: Reply) {
        match result {
            Ok(hosted) => {
                self.join_hosted(&hosted, Some(reply));
                self.tell(vec![UiEvent::Hosting {
                    hosting: Some(hosted.view.clone()),
                }]);
                self.hosted = Some(hosted);
            }
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    pub(super) fn set_hosting(&self, on: bool, reply: Reply) {
        let set = self.host.set_hosting(on);
        let notes = self.notes.clone();
        tokio::spawn(async move {
            let result = set.await;
            let _ = notes.send(Note::HostingSet { result, reply }).await;
        });
    }
}
