//! What this computer hosts: the shell runs its node and remembers what it can host again; it is
//! joined like any other.

use landline_protocol::{Refusal, SpaceId, check_name};

use super::{Home, Note, Reply};
use crate::command::{Answer, Nothing, SetHosting};
use crate::host::{HostRequest, Hosted};
use crate::ui::UiEvent;

impl Home {
    pub(super) fn on_hosting(&mut self, hosted: Hosted) {
        let before = self.hosted.on().map(|(on, _)| on.space);
        self.take_hosted(hosted);
        if let Some((space, loopback)) = self.on_and_not_joined()
            && before != Some(space)
        {
            // It was made, and then this program ended before it could join.
            self.join_hosted(space, loopback, Answer::host, None);
        }
    }

    fn take_hosted(&mut self, hosted: Hosted) {
        self.hosted = hosted;
        self.tell_engines();
        if self.hosted.spaces != self.picture.now().hosting {
            let hosting = self.hosted.spaces.clone();
            self.tell(vec![UiEvent::Hosting { hosting }]);
        }
    }

    /// The space that is on, and its loopback address, where one is not in it.
    fn on_and_not_joined(&self) -> Option<(SpaceId, String)> {
        let (on, loopback) = self.hosted.on()?;
        (!self.spaces.contains_key(&on.space)).then(|| (on.space, loopback.to_owned()))
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
        let started = result.and_then(|hosted| {
            self.take_hosted(hosted);
            let on = self.on_and_not_joined();
            on.ok_or_else(|| Refusal::not_found("the space that was made is not hosted"))
        });
        match started {
            Ok((space, loopback)) => self.join_hosted(space, loopback, Answer::host, Some(reply)),
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    pub(super) fn set_hosting(&self, request: SetHosting, reply: Reply) {
        let set = self.host.set_hosting(request.space, request.on);
        let notes = self.notes.clone();
        tokio::spawn(async move {
            let result = set.await;
            let _ = notes.send(Note::HostingSet { result, reply }).await;
        });
    }

    /// One that was left is joined again before this is answered.
    pub(super) fn hosting_set(&mut self, result: Result<Hosted, Refusal>, reply: Reply) {
        let set = result.map(|hosted| {
            self.take_hosted(hosted);
            self.on_and_not_joined()
        });
        match set {
            Ok(Some((space, loopback))) => {
                let answer = |_| Answer::set_hosting(Nothing {});
                self.join_hosted(space, loopback, answer, Some(reply));
            }
            Ok(None) => drop(reply.send(Ok(Answer::set_hosting(Nothing {})))),
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }
}
