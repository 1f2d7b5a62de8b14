//! The space that this computer hosts: the shell runs its node, and it is joined like any other.

use landline_protocol::{Refusal, check_name};

use super::{Home, Note, Reply, kept};
use crate::host::{HostRequest, Hosted};
use crate::ui::{HostingView, UiEvent};

impl Home {
    pub(super) async fn on_hosting(&mut self, hosted: Option<Hosted>) {
        let before = self.hosted.as_ref().map(|hosted| hosted.view.space);
        if let Some(hosted) = &hosted
            && before != Some(hosted.view.space)
            && !self.spaces.contains_key(&hosted.view.space)
        {
            // It was made, and then this program ended before it could join.
            self.join_hosted(hosted, None);
        }
        let hosting = match &hosted {
            Some(hosted) => Some(hosted.view.clone()),
            // It can be turned on again.
            None => self.picture.now().hosting.clone().map(HostingView::off),
        };
        self.hosted = hosted;
        self.tell_engines();
        self.tell_hosting(hosting).await;
    }

    /// Tells what is hosted, and keeps for the next start what can be hosted again.
    pub(super) async fn tell_hosting(&mut self, hosting: Option<HostingView>) {
        let before = self.picture.now().hosting.clone();
        if hosting == before {
            return;
        }
        let again = hosting.clone().map(HostingView::off);
        if again != before.map(HostingView::off)
            && let Err(error) = kept::save_hosting(&self.store, again).await
        {
            tracing::warn!(%error, "which space can be hosted again was not stored");
        }
        self.tell(vec![UiEvent::Hosting { hosting }]);
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

    pub(super) async fn host_started(&mut self, result: Result<Hosted, Refusal>, reply: Reply) {
        match result {
            Ok(hosted) => {
                self.join_hosted(&hosted, Some(reply));
                self.tell_hosting(Some(hosted.view.clone())).await;
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
