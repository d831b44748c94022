//! Headers that lie: each gets one sentence, and no memory on its word.

use super::super::gguf::Gguf;
use super::super::gguf_error::GgufError;

/// A GGUF written by hand: entries of the metadata, tensors, and as many bytes of data.
#[derive(Clone, Default)]
struct Raw {
    entries: Vec<Vec<u8>>,
    tensors: Vec<Vec<u8>>,
    data: usize,
}

fn name(name: &[u8]) -> Vec<u8> {
    [&(name.len() as u64).to_le_bytes()[..], name].concat()
}

fn entry(key: &[u8], kind: u32, value: &[u8]) -> Vec<u8> {
    [&name(key)[..], &kind.to_le_bytes(), value].concat()
}

fn tensor(named: &[u8], dims: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|dim| dim.to_le_bytes()).collect();
    let count = (dims.len() as u32 / 8).to_le_bytes();
    [&name(named)[..], &count, &dims, &kind.to_le_bytes(), &offset.to_le_bytes()].concat()
}

impl Raw {
    fn bytes(&self) -> Vec<u8> {
        self.counted(self.tensors.len() as u64, self.entries.len() as u64)
    }

    fn counted(&self, tensors: u64, entries: u64) -> Vec<u8> {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(tensors.to_le_bytes());
        bytes.extend(entries.to_le_bytes());
        self.entries.iter().chain(&self.tensors).for_each(|part| bytes.extend(part));
        bytes.resize(bytes.len().next_multiple_of(32) + self.data, 0);
        bytes
    }
}

fn open(bytes: &[u8]) -> Result<Gguf, GgufError> {
    Gguf::embedded(bytes.to_vec().leak())
}

const F32: u32 = 0;
const U32: u32 = 4;

fn tensors(tensors: &[Vec<u8>]) -> Vec<u8> {
    Raw { tensors: tensors.to_vec(), data: 256, ..Raw::default() }.bytes()
}

fn entries(entries: &[Vec<u8>]) -> Vec<u8> {
    Raw { entries: entries.to_vec(), ..Raw::default() }.bytes()
}

#[test]
fn a_sound_header_is_read() {
    let sound = tensors(&[tensor(b"a", &[8, 2], F32, 0), tensor(b"b", &[16], F32, 64), tensor(b"c", &[32], F32, 128)]);
    let gguf = open(&sound).unwrap();
    assert_eq!(gguf.content.tensor_infos["a"].shape.dims(), [2, 8]);
    // A hole between tensors harms nobody.
    assert!(open(&tensors(&[tensor(b"a", &[8], F32, 0), tensor(b"b", &[8], F32, 224)])).is_ok());
    let aligned = [entry(b"general.alignment", U32, &8_u32.to_le_bytes())];
    let raw = Raw { entries: aligned.to_vec(), tensors: vec![tensor(b"a", &[2], F32, 8)], data: 64 };
    assert!(open(&raw.bytes()).is_ok());
}

#[test]
fn headers_that_lie_are_refused_with_a_sentence() {
    let a = || tensor(b"a", &[16], F32, 0);
    let long = |length: u64| [&length.to_le_bytes()[..], &[0; 64]].concat();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "cut short"),
        (b"GGML\x03\0\0\0".to_vec(), "GGUF mark"),
        (b"GGUF\x01\0\0\0".to_vec(), "version 1"),
        (b"GGUF\0\0\0\x03".to_vec(), "version 50331648"),
        (Raw::default().counted(1, 0), "cut short"),
        (Raw::default().counted(u64::MAX, 0), "too many entries"),
        (Raw::default().counted(0, 1 << 40), "too many entries"),
        (entries(&[long(u64::MAX)]), "absurdly long name"),
        (entries(&[long(65_535)]), "cut short"),
        (entries(&[entry(b"k", 8, &u64::MAX.to_le_bytes())]), "absurdly long text"),
        (entries(&[entry(b"k", 8, &(1_u64 << 20).to_le_bytes())]), "cut short"),
        (entries(&[entry(b"k", 9, &[&U32.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat())]), "absurd array"),
        (entries(&[entry(b"k", 9, &[&U32.to_le_bytes()[..], &1_000_000_u64.to_le_bytes()].concat())]), "cut short"),
        (entries(&[entry(b"k", 9, &[&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes()].concat())]), "array of arrays"),
        (entries(&[entry(b"k", 13, &[0; 8])]), "unknown type"),
        (entries(&[entry(b"\xff\xfe", U32, &[0; 4])]), "not a text"),
        (entries(&[entry(b"twice", U32, &[0; 4]), entry(b"twice", U32, &[1; 4])]), "the entry twice twice"),
        (entries(&[entry(b"general.alignment", U32, &0_u32.to_le_bytes())]), "alignment"),
        (entries(&[entry(b"general.alignment", U32, &48_u32.to_le_bytes())]), "alignment"),
        (entries(&[entry(b"general.alignment", 10, &32_u64.to_le_bytes())]), "alignment"),
        // Candle would cut the zero off, and divide by this one.
        (entries(&[entry(b"general.alignment\0", U32, &0_u32.to_le_bytes())]), "not a text"),
        (tensors(&[tensor(b"a", &[], F32, 0)]), "one to four dimensions"),
        (tensors(&[tensor(b"a", &[1; 5], F32, 0)]), "one to four dimensions"),
        (tensors(&[tensor(b"a", &[0, 4], F32, 0)]), "a has an impossible shape"),
        (tensors(&[tensor(b"a", &[u64::MAX, u64::MAX], F32, 0)]), "a has an impossible shape"),
        (tensors(&[tensor(b"a", &[1 << 62, 2], F32, 0)]), "a has an impossible shape"),
        (tensors(&[tensor(b"a", &[100], 12, 0)]), "a has an impossible shape"),
        (tensors(&[tensor(b"a", &[32], 4, 0)]), "a is stored as type 4"),
        (tensors(&[tensor(b"a", &[256], 16, 0)]), "a is stored as type 16"),
        (tensors(&[tensor(b"a", &[16], F32, 4)]), "alignment allows"),
        (tensors(&[tensor(b"a", &[65], F32, 0)]), "a ends after the file"),
        (tensors(&[tensor(b"a", &[16], F32, 224)]), "a ends after the file"),
        (tensors(&[tensor(b"a", &[16], F32, u64::MAX - 31)]), "a ends after the file"),
        (tensors(&[a(), tensor(b"b", &[16], F32, 32)]), "a and b overlap"),
        (tensors(&[a(), tensor(b"b", &[16], F32, 0)]), "a and b overlap"),
        (tensors(&[tensor(b"a", &[64], F32, 0), tensor(b"b", &[8], F32, 96)]), "a and b overlap"),
        (tensors(&[a(), tensor(b"a", &[16], F32, 64)]), "the tensor a twice"),
        (tensors(&[tensor(b"a\0", &[16], F32, 0)]), "not a text"),
    ];
    for (bytes, says) in cases {
        let error = open(&bytes).expect_err(says).to_string();
        assert!(error.contains(says), "{says}: {error}");
        assert!(!error.contains('\n') && error.len() < 400, "{error}");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let raw = Raw {
        entries: vec![entry(b"general.name", 8, &name(b"x")), entry(b"general.alignment", U32, &64_u32.to_le_bytes())],
        tensors: vec![tensor(b"a", &[16], F32, 0), tensor(b"b", &[16], F32, 64)],
        data: 192,
    };
    let whole = raw.bytes();
    let gguf = open(&whole).unwrap();
    let end = gguf.content.tensor_data_offset as usize + 128;
    assert!(end <= whole.len());
    for length in 0..end {
        assert!(open(&whole[..length]).is_err(), "{length} of {end}");
    }
}
