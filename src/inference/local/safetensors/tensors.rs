//! The tensors of a model's files, and their translation to the names and the order of a GGUF.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt;

use candle_core::Shape;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::TensorInfo;
use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::super::gguf_error::GgufError;
use super::rows::Segment;
use super::settings::{self, Settings};
use super::stored::StoredTensor;

/// Names of tensors and their offsets: a large model has some thousands, of a hundred bytes each.
const LONGEST_HEADER: u64 = 16 << 20;

/// The tensors of all files, by the name that `transformers` gives them.
#[derive(Default)]
pub(in super::super) struct Tensors(BTreeMap<String, StoredTensor>);

impl Tensors {
    /// Reads the header of a file, and checks it against the file's length.
    pub(in super::super) fn add(&mut self, index: usize, file: &File) -> Result<(), GgufError> {
        let whole = file.metadata()?.len();
        let mut length = [0; 8];
        file.read_exact_at(&mut length, 0)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER || length.saturating_add(8) > whole {
            return Err(GgufError::damaged("it is cut short, or is no safetensors file"));
        }
        let mut header = vec![0; length as usize];
        file.read_exact_at(&mut header, 8)?;
        refuse_doubles(&header)?;
        // The crate checks that the tensors follow each other without a gap, each as long as its shape says.
        let metadata: Metadata = serde_json::from_slice(&header)
            .map_err(|error| GgufError::damaged(format!("its header cannot be read: {error}")))?;
        if metadata.data_len() as u64 != whole - 8 - length {
            return Err(GgufError::damaged("it is cut short, or its header lies"));
        }
        for (name, info) in metadata.tensors() {
            let start = 8 + length + info.data_offsets.0 as u64;
            let stored = StoredTensor { file: index, start, dtype: info.dtype, dims: info.shape.clone() };
            if self.0.insert(name.clone(), stored).is_some() {
                return Err(GgufError::damaged(format!("the tensor {name} is in two of its files")));
            }
        }
        Ok(())
    }

    /// A tensor by its name.
    pub(in super::super) fn get(&self, name: &str) -> Option<&StoredTensor> {
        self.0.get(name)
    }

    /// The names of all.
    pub(in super::super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The tensors as a GGUF has them: names, order of rows, and offsets.
    pub(super) fn translate(
        mut self,
        settings: &Settings,
    ) -> Result<(Vec<Segment>, HashMap<String, TensorInfo>), GgufError> {
        let mut segments = Vec::new();
        let mut infos = HashMap::new();
        let mut offset = 0;
        settings.choose(&mut self.0)?;
        for (name, stored) in self.0 {
            let name = settings::rename(&name)?;
            let (ggml_dtype, bytes) = match stored.dtype {
                Dtype::F32 => (GgmlDType::F32, 4),
                Dtype::F16 => (GgmlDType::F16, 2),
                Dtype::BF16 => (GgmlDType::BF16, 2),
                other => {
                    return Err(GgufError::unsupported(format!(
                        "the tensor {name} is stored as {other:?}, which is not supported: only F16, BF16 and F32 are"
                    )));
                }
            };
            let [rows, rest @ ..] = &stored.dims[..] else {
                return Err(GgufError::damaged(format!("the tensor {name} has an impossible shape")));
            };
            // Their product is within the file's length.
            let row = rest.iter().product::<usize>() * bytes;
            if *rows == 0 || row == 0 || rest.len() > 1 {
                return Err(GgufError::damaged(format!("the tensor {name} has an impossible shape")));
            }
            let head = settings.head_to_interleave(&name);
            if head.is_some_and(|head| !rows.is_multiple_of(head)) {
                return Err(GgufError::damaged(format!("the tensor {name} does not have whole heads")));
            }
            let length = (rows * row) as u64;
            segments.push(Segment::stored(offset, length, stored.file, stored.start, row as u64, head));
            infos.insert(name, TensorInfo { ggml_dtype, shape: Shape::from(stored.dims), offset });
            offset += length;
        }
        if let Some(factors) = &settings.rope_factors {
            let bytes: Vec<u8> = factors.iter().flat_map(|factor| factor.to_le_bytes()).collect();
            let info = TensorInfo { ggml_dtype: GgmlDType::F32, shape: Shape::from(factors.len()), offset };
            infos.insert("rope_freqs.weight".to_owned(), info);
            segments.push(Segment::made(offset, bytes));
        }
        Ok((segments, infos))
    }
}

/// Refuses a header with one name twice: it would hide one of two tensors.
fn refuse_doubles(header: &[u8]) -> Result<(), GgufError> {
    struct Names;
    impl<'de> serde::de::Visitor<'de> for Names {
        type Value = Option<String>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let (mut seen, mut double) = (HashSet::new(), None);
            while let Some((name, serde::de::IgnoredAny)) = map.next_entry::<String, _>()? {
                double = double.or_else(|| seen.replace(name));
            }
            Ok(double)
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(header);
    match serde::Deserializer::deserialize_map(&mut reader, Names) {
        Ok(None) => Ok(()),
        Ok(Some(name)) => Err(GgufError::damaged(format!("it has the tensor {name} twice"))),
        Err(error) => Err(GgufError::damaged(format!("its header cannot be read: {error}"))),
    }
}
