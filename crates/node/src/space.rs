//! From a data folder to a space that can be served: made if it is new, brought up to date and
//! loaded if it is not. All of it blocks, and happens before anybody is let in.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use landline_protocol::down::MarkChange;
use landline_protocol::{
    Admission, Content, MemberId, RoomCreated, RoomId, RoomKind, SettingsChanged, SpaceCreated,
    SpaceId, SpaceState, check_name,
};
use landline_store::{
    Check, Durability, Options, Store, StoreError, marks, rooms, sessions, settings,
};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::{info, warn};
use uuid::Uuid;

use crate::folder::{Folder, Seen};
use crate::hub::batch::{Batch, Work};
use crate::hub::{Beginning, MarkRow, Marks};
use crate::kept::{EPOCH, LAST_SEEN, PASSCODE, SPACE};
use crate::key::{NodeKey, uuid_v7};
use crate::world::World;
use crate::{Clock, NodeConfig, NodeError, Restored, copies, passcode};

/// The room that everybody is in.
const GENERAL: &str = "general";
const OPTIONS: Options = Options {
    durability: Durability::Full,
    check: Check::AfterUncleanStop,
    readers: 3,
};

/// What a data folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub space: SpaceId,
    pub name: String,
    pub admission: Admission,
    /// The database was damaged, and what was done about it.
    pub restored: Option<Restored>,
}

/// Which space is in a data folder, without serving it; `None`: none was made in it. A damaged
/// database is put right as [`Node::start`](crate::Node::start) does it. Refused as there.
pub async fn look_into(data_dir: PathBuf) -> Result<Option<Held>, NodeError> {
    let looked = tokio::task::spawn_blocking(move || held(&data_dir)).await;
    looked.map_err(|_| NodeError::Stopped)?
}

fn held(data_dir: &Path) -> Result<Option<Held>, NodeError> {
    let folder = Folder::take(data_dir)?;
    if folder.is_new() {
        return Ok(None);
    }
    let (store, restored) = copies::open(&folder, OPTIONS, &Clock::system())?;
    let state = store.read_blocking(|c| match settings::get::<Uuid>(c, SPACE)? {
        Some(space) => rooms::space_state(c, SpaceId::from_uuid(space)).map(Some),
        None => Ok::<_, StoreError>(None),
    })?;
    Handle::current().block_on(store.close())?;
    Ok(state.map(|state| Held {
        space: state.id,
        name: state.name,
        admission: state.admission,
        restored,
    }))
}

/// Opens the space in the data folder, or makes it.
pub(crate) fn open(config: NodeConfig) -> Result<Beginning, NodeError> {
    let folder = Folder::take(&config.data_dir)?;
    if config.name.is_none() && folder.is_new() {
        return Err(NodeError::NameMissing);
    }
    let node = Arc::new(NodeKey::new(folder.key()?));
    let (store, restored) = copies::open(&folder, OPTIONS, &config.clock)?;

    let made = store.read_blocking(|c| settings::get::<Uuid>(c, SPACE))?;
    let space = match made {
        Some(space) => SpaceId::from_uuid(space),
        None => make(&store, &config, &node)?,
    };
    set_admission(&store, &config, &node, load(&store, space)?)?;
    let mut world = load(&store, space)?;
    world.epoch = epoch(&store, &folder, world.events(), config.restored)?;

    let now = config.clock.now();
    let (rows, sessions, last_seen, passcode) = store.read_blocking(move |c| {
        let last_seen: Option<HashMap<MemberId, i64>> = settings::get(c, LAST_SEEN)?;
        let passcode: Option<Option<String>> = settings::get(c, PASSCODE)?;
        Ok::<_, StoreError>((
            marks::all(c)?,
            sessions::all(c, now)?,
            last_seen.unwrap_or_default(),
            passcode.flatten(),
        ))
    })?;
    // A restored log may end before what was marked in it.
    let marks = rows.into_iter().filter_map(|(room, change)| {
        let head = world.room(room)?.head;
        let (delivered, read) = (change.delivered.min(head), change.read.min(head));
        Some(MarkRow {
            room,
            change: MarkChange {
                delivered,
                read,
                ..change
            },
        })
    });
    Ok(Beginning {
        marks: Marks::new(marks),
        sessions,
        world,
        is_new: made.is_none(),
        restored,
        last_seen,
        passcode,
        store,
        folder: Arc::new(folder),
        node,
        owner: config.owner,
        rates: config.rates,
        version: config.version,
        clock: config.clock,
    })
}

fn load(store: &Store, space: SpaceId) -> Result<World, NodeError> {
    let (space, rooms) = store.read_blocking(move |c| {
        Ok::<_, StoreError>((rooms::space_state(c, space)?, rooms::room_states(c)?))
    })?;
    Ok(World::new(space, rooms, 0))
}

/// A new space with the one room that everybody is in.
fn make(store: &Store, config: &NodeConfig, node: &Arc<NodeKey>) -> Result<SpaceId, NodeError> {
    let name = config.name.as_deref().ok_or(NodeError::NameMissing)?;
    let name = check_name("the space's name", name);
    let name = name
        .map_err(|refusal| NodeError::Name(refusal.message))?
        .to_owned();
    let now = config.clock.now();
    let (space, general) = (
        SpaceId::from_uuid(uuid_v7(now)),
        RoomId::from_uuid(uuid_v7(now)),
    );
    let world = World::new(SpaceState::new(space), Vec::new(), 0);
    let general_created = RoomCreated {
        kind: RoomKind::Public,
        name: GENERAL.to_owned(),
        topic: String::new(),
        members: Vec::new(),
        everyone: true,
    };
    let works = vec![
        Work::Own {
            room: space.directory(),
            content: Content::SpaceCreated(SpaceCreated { name }),
        },
        Work::Own {
            room: general,
            content: Content::RoomCreated(general_created),
        },
    ];
    let batch = own_batch(world, works, config, node);
    store.write_blocking(move |c| {
        batch.decide(c)?;
        settings::set(c, SPACE, &space.uuid())?;
        settings::set(c, EPOCH, &1)
    })?;
    copies::catch_up(store)?;
    info!(%space, "a new space");
    Ok(space)
}

/// What the operator says of admission has the last word.
fn set_admission(
    store: &Store,
    config: &NodeConfig,
    node: &Arc<NodeKey>,
    world: World,
) -> Result<(), NodeError> {
    if config.admission == Some(Admission::Invite) {
        return Err(NodeError::NoInvitations);
    }
    let hash = match &config.passcode {
        Some(passcode) => Some(passcode::hash(passcode).ok_or(NodeError::PasscodeMissing)?),
        None => None,
    };
    let kept: Option<Option<String>> = store.read_blocking(|c| settings::get(c, PASSCODE))?;
    let asks = config.admission.unwrap_or(world.space.admission) == Admission::Passcode;
    if asks && hash.is_none() && kept.flatten().is_none() {
        return Err(NodeError::PasscodeMissing);
    }
    let changed = config
        .admission
        .filter(|admission| *admission != world.space.admission);
    let works = changed.into_iter().map(|admission| {
        let settings = SettingsChanged {
            admission: Some(admission),
            ..SettingsChanged::default()
        };
        Work::Own {
            room: world.space.id.directory(),
            content: Content::Settings(settings),
        }
    });
    let works: Vec<Work> = works.collect();
    if works.is_empty() && hash.is_none() {
        return Ok(());
    }
    let batch = own_batch(world, works, config, node);
    store.write_blocking(move |c| {
        if hash.is_some() {
            settings::set(c, PASSCODE, &hash)?;
        }
        batch.decide(c)
    })?;
    Ok(copies::catch_up(store)?)
}

fn own_batch(world: World, works: Vec<Work>, config: &NodeConfig, node: &Arc<NodeKey>) -> Batch {
    Batch {
        world,
        works,
        allowances: HashMap::new(),
        rate: 0,
        node: node.clone(),
        owner: None,
        now: config.clock.now(),
        instant: Instant::now(),
    }
}

/// The epoch to serve by: raised if the logs are not what was served here last.
fn epoch(store: &Store, folder: &Folder, events: u64, told_so: bool) -> Result<u64, NodeError> {
    let stored: u64 = store
        .read_blocking(|c| settings::get(c, EPOCH))?
        .unwrap_or(1);
    let (seen, files) = (folder.seen(), folder.files());
    let last = seen.map_or(stored, |seen| stored.max(seen.epoch));
    let older = seen.is_some_and(|seen| events < seen.events);
    let put_back = seen.is_some_and(|seen| seen.folder.is_some() && seen.folder != files);
    let epoch = last + u64::from(older || put_back || told_so);
    if epoch != stored {
        warn!(
            events,
            epoch, older, put_back, "the database was restored from a copy"
        );
        store.write_blocking(move |c| settings::set(c, EPOCH, &epoch))?;
    }
    let now = Seen {
        epoch,
        events,
        folder: files,
    };
    if seen != Some(now) {
        folder
            .see(now)
            .map_err(|error| NodeError::Store(StoreError::NotWritable(error.to_string())))?;
    }
    Ok(epoch)
}
