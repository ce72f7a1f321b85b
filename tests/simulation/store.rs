//! A worker's way to the object store, which can be cut, and ends with it.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// How reading ends too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes that are still read.
    pub after: usize,
    /// Whether it looks like the end of the object, and not like an error.
    pub silent: bool,
}

#[derive(Debug, Default)]
struct State {
    dead: bool,
    cut: Option<Cut>,
    cuts: u64,
}

/// The way of one process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Way {
    to: Arc<InMemory>,
    /// Bytes that are read at once.
    piece: usize,
    state: Arc<Mutex<State>>,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a way to the store")
    }
}

fn away() -> Error {
    Error::Generic {
        store: "simulation",
        source: "the store went away".into(),
    }
}

impl Way {
    pub fn new(to: Arc<InMemory>, piece: usize) -> Self {
        Self {
            to,
            piece,
            state: Arc::default(),
        }
    }

    /// Has the next bytes that are read end too early, or the next call fail.
    pub fn cut(&self, cut: Cut) {
        self.state.lock().expect("the way").cut = Some(cut);
    }

    /// Mends it. Answers how often it was cut since it was last mended.
    pub fn mend(&self) -> u64 {
        let mut state = self.state.lock().expect("the way");
        state.cut = None;
        std::mem::take(&mut state.cuts)
    }

    /// Nothing is answered any more.
    pub fn die(&self) {
        self.state.lock().expect("the way").dead = true;
    }

    /// A call that is no reading: fails when the way is to be cut at once.
    async fn pass(&self) -> Result<()> {
        let dead = self.state.lock().expect("the way").dead;
        if dead {
            std::future::pending::<()>().await;
        }
        let mut state = self.state.lock().expect("the way");
        match state.cut {
            Some(Cut { after: 0, .. }) => {
                state.cut = None;
                state.cuts += 1;
                Err(away())
            }
            _ => Ok(()),
        }
    }

    /// The next piece of what is read.
    async fn piece(&self, rest: &mut Bytes) -> Option<Result<Bytes>> {
        let dead = self.state.lock().expect("the way").dead;
        if dead {
            std::future::pending::<()>().await;
        }
        let mut state = self.state.lock().expect("the way");
        let mut length = self.piece.min(rest.len());
        if let Some(cut) = &mut state.cut
            && !rest.is_empty()
        {
            if cut.after == 0 {
                let silent = cut.silent;
                rest.clear();
                state.cut = None;
                state.cuts += 1;
                return (!silent).then(|| Err(away()));
            }
            length = length.min(cut.after);
            cut.after -= length;
        }
        (length > 0).then(|| Ok(rest.split_to(length)))
    }
}

#[async_trait]
impl ObjectStore for Way {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.pass().await?;
        self.to.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.pass().await?;
        self.to.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.head {
            self.pass().await?;
            return self.to.get_opts(location, options).await;
        }
        let mut found = self.to.get_opts(location, options).await?;
        let GetResultPayload::Stream(mut inside) = found.payload else {
            return Err(away());
        };
        let mut all = Vec::new();
        while let Some(piece) = inside.next().await {
            all.extend_from_slice(&piece?);
        }
        let rest = (Bytes::from(all), self.clone(), false);
        let pieces = stream::unfold(rest, |(mut rest, way, failed)| async move {
            if failed {
                return None;
            }
            let piece = way.piece(&mut rest).await?;
            let failed = piece.is_err();
            Some((piece, (rest, way, failed)))
        });
        found.payload = GetResultPayload::Stream(pieces.boxed());
        Ok(found)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let way = self.clone();
        let allowed = locations.then(move |location| {
            let way = way.clone();
            async move {
                way.pass().await?;
                location
            }
        });
        self.to.delete_stream(allowed.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let way = self.clone();
        let listed = self.to.list(prefix);
        listed
            .then(move |found| {
                let way = way.clone();
                async move {
                    way.pass().await?;
                    found
                }
            })
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.pass().await?;
        self.to.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.pass().await?;
        self.to.copy_opts(from, to, options).await
    }
}
