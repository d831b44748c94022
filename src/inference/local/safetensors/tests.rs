//! The reference models as safetensors: names, rows and settings as `transformers` has them give the logits of the GGUF.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::Device;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::Value;
use serde_json::{Value as Json, json};

use super::super::gguf::Gguf;
use super::super::gguf_error::GgufError;
use super::super::kernels::Pool;
use super::super::model::reference_tests::{self, distance, read};
use super::super::model::{MemoryLimits, Model};
use super::super::vocabulary::{Vocabulary, byte_character};
use super::super::{LocalModel, testing};
use super::open;
use crate::conversation::Role;
use crate::inference::sha256::sha256;
use crate::inference::{ChatModel, Config, Message, Piece, Request, Sampling};

/// Type, shape and content, by name.
type Tensors = BTreeMap<String, (&'static str, Vec<usize>, Vec<u8>)>;

/// A file as the format's description has it (<https://huggingface.co/docs/safetensors>).
fn file(tensors: &Tensors) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    header.insert("__metadata__".to_owned(), json!({"format": "pt"}));
    for (name, (dtype, shape, bytes)) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        header.insert(name.clone(), json!({"dtype": dtype, "shape": shape, "data_offsets": offsets}));
        data.extend(bytes);
    }
    whole(&Json::Object(header).to_string(), &data)
}

fn whole(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// The tensors of a GGUF under the names and in the order of `transformers`.
fn tensors(gguf: &mut Gguf) -> Tensors {
    let architecture = gguf.text("general.architecture").unwrap().to_owned();
    let number = |key: &str| gguf.number(&format!("{architecture}.{key}")).map(|number| number as usize);
    let heads = number("attention.head_count").unwrap();
    let dim = number("attention.key_length").unwrap_or_else(|| number("embedding_length").unwrap() / heads);
    let interleaved = !architecture.starts_with("qwen");
    let names: Vec<String> =
        gguf.content.tensor_infos.keys().filter(|name| *name != "rope_freqs.weight").cloned().collect();
    let mut tensors = Tensors::new();
    for name in names {
        let tensor = gguf.content.tensor(&mut gguf.source, &name, &Device::Cpu).unwrap();
        let dtype = match tensor.dtype() {
            GgmlDType::F32 => "F32",
            GgmlDType::F16 => "F16",
            other => panic!("{other:?}"),
        };
        let (shape, mut bytes) = (tensor.shape().dims().to_vec(), tensor.data().unwrap().into_owned());
        if interleaved && (name.contains("attn_q.") || name.contains("attn_k.")) {
            bytes = halves(&bytes, bytes.len() / shape[0], dim);
        }
        tensors.insert(old_name(&name), (dtype, shape, bytes));
    }
    tensors
}

/// Takes the even rows of each head first, then the odd ones.
fn halves(bytes: &[u8], row: usize, dim: usize) -> Vec<u8> {
    let heads = bytes.chunks(row * dim);
    let split = heads.flat_map(|head| [0, 1].into_iter().flat_map(move |odd| head.chunks(row).skip(odd).step_by(2)));
    split.flatten().copied().collect()
}

fn old_name(name: &str) -> String {
    let table = [
        ("token_embd.", "model.embed_tokens."),
        ("output_norm.", "model.norm."),
        ("output.", "lm_head."),
        ("attn_norm.", "input_layernorm."),
        ("ffn_norm.", "post_attention_layernorm."),
        ("attn_q.", "self_attn.q_proj."),
        ("attn_k.", "self_attn.k_proj."),
        ("attn_v.", "self_attn.v_proj."),
        ("attn_q_norm.", "self_attn.q_norm."),
        ("attn_k_norm.", "self_attn.k_norm."),
        ("attn_output.", "self_attn.o_proj."),
        ("ffn_gate.", "mlp.gate_proj."),
        ("ffn_up.", "mlp.up_proj."),
        ("ffn_down.", "mlp.down_proj."),
    ];
    let (layer, rest) = match name.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) {
        Some((number, rest)) => (format!("model.layers.{number}."), rest),
        None => (String::new(), name),
    };
    let (old, new) = table.iter().find(|(old, _)| rest.starts_with(old)).unwrap();
    format!("{layer}{}", rest.replacen(old, new, 1))
}

/// `config.json` of the reference models, as `tests/reference/make.py` asks for them: what is common, and each one's own. The
/// older and the newer way to write rotations are both in use.
fn config(case: &str) -> Json {
    let yarn = json!({"rope_type": "yarn", "rope_theta": 1e4, "factor": 32.0, "original_max_position_embeddings": 256});
    let llama3 = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                        "original_max_position_embeddings": 256});
    let ministral = json!({"rope_type": "yarn", "rope_theta": 1e4, "factor": 16.0, "beta_fast": 8.0, "beta_slow": 0.5,
                           "mscale": 1.0, "mscale_all_dim": 0.5, "llama_4_scaling_beta": 0.1,
                           "original_max_position_embeddings": 256});
    let own = match case {
        "llama-plain" => json!({"model_type": "llama", "rope_theta": 5e5, "rope_scaling": null}),
        "llama-3" => {
            json!({"model_type": "llama", "rope_theta": 1e4, "rope_scaling": llama3, "tie_word_embeddings": true})
        }
        "llama-linear" => json!({"model_type": "llama", "rope_theta": 1e4, "head_dim": 32,
                                 "rope_scaling": {"type": "linear", "factor": 4.0}}),
        "llama-yarn" => json!({"model_type": "llama", "rope_parameters": yarn}),
        "mistral3" => {
            json!({"model_type": "ministral3", "head_dim": 32, "sliding_window": null, "rope_parameters": ministral})
        }
        "qwen2" => {
            json!({"model_type": "qwen2", "tie_word_embeddings": true, "use_sliding_window": false, "sliding_window": 9,
                          "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}})
        }
        "qwen3" => json!({"model_type": "qwen3", "rope_theta": 1e6, "head_dim": 32}),
        "smollm3" => {
            json!({"model_type": "smollm3", "num_hidden_layers": 4, "rope_theta": 5e6, "no_rope_layers": [1, 1, 1, 0]})
        }
        _ => panic!("{case}"),
    };
    let mut config = json!({"vocab_size": 256, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "max_position_embeddings": 8192,
        "hidden_act": "silu", "bos_token_id": 0, "eos_token_id": 0});
    config.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    config
}

/// A tokenizer of as many tokens: the bytes, spelled as GPT-2 does, and reserved ones before them.
fn tokenizer(reserved: &[&str]) -> Json {
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let bytes = (0..=u8::MAX).map(|byte| byte_character(byte).to_string());
    let vocabulary: serde_json::Map<String, Json> =
        bytes.enumerate().map(|(id, text)| (text, json!(id + reserved.len()))).collect();
    let added: Vec<Json> = reserved
        .iter()
        .enumerate()
        .map(|(id, text)| json!({"id": id, "content": text, "special": !text.contains("think"), "normalized": false}))
        .collect();
    json!({"pre_tokenizer": byte_level, "decoder": byte_level, "added_tokens": added,
           "model": {"type": "BPE", "vocab": vocabulary, "merges": []}})
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(config: &Json, tensors: &Tensors, tokenizer: &Json) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("config.json", config.to_string().as_bytes());
        folder.write("tokenizer.json", tokenizer.to_string().as_bytes());
        folder.write("model.safetensors", &file(tensors));
        folder
    }

    fn of(case: &str) -> Self {
        Self::new(&config(case), &tensors(&mut reference_tests::open(case)), &tokenizer(&[]))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.at(name), bytes).unwrap();
    }

    fn open(&self) -> Result<Gguf, GgufError> {
        open(self.path(), None, Some(Path::new("/nowhere")))
    }

    fn logits(&self) -> Vec<f32> {
        read(&mut reference_tests::load(&mut self.open().unwrap()), &[17, 300])
    }
}

#[test]
fn each_family_gives_the_logits_of_its_gguf() {
    for case in reference_tests::CASES {
        let expected = read(&mut reference_tests::load(&mut reference_tests::open(case)), &[17, 300]);
        let apart = distance(&Folder::of(case).logits(), &expected);
        println!("{case}: {apart:.1e} from its GGUF");
        // The same weights: what is left is how a GGUF rounds the rotations' settings to f32.
        assert!(apart < 2e-3, "{case}: {apart}");
    }
}

/// Beyond 256 positions each of these moves the logits by far more than what is allowed above.
#[test]
fn each_setting_matters() {
    let moved = |case: &str, change: &dyn Fn(&mut Json)| {
        let (mut config, tensors) = (config(case), tensors(&mut reference_tests::open(case)));
        let right = Folder::new(&config, &tensors, &tokenizer(&[])).logits();
        change(&mut config);
        distance(&Folder::new(&config, &tensors, &tokenizer(&[])).logits(), &right)
    };
    #[allow(clippy::type_complexity)] // A table, named nowhere else.
    let changes: [(&str, &dyn Fn(&mut Json)); 6] = [
        ("llama-3", &|config| config["rope_scaling"]["low_freq_factor"] = json!(2.0)),
        ("llama-3", &|config| config["rope_scaling"] = Json::Null),
        ("llama-linear", &|config| config["rope_scaling"]["factor"] = json!(2.0)),
        ("llama-yarn", &|config| config["rope_parameters"]["attention_factor"] = json!(1.0)),
        ("mistral3", &|config| config["rope_parameters"]["mscale_all_dim"] = json!(0.0)),
        ("qwen3", &|config| config["rope_theta"] = json!(9e5)),
    ];
    for (case, change) in changes {
        let moved = moved(case, change);
        assert!(moved > 0.05, "{case}: {moved}");
    }
    // The order of rows as well: the same weights read as those of a family whose halves stay apart.
    let mut spoiled = tensors(&mut reference_tests::open("llama-plain"));
    for (name, (_, shape, bytes)) in &mut spoiled {
        if name.contains("q_proj") || name.contains("k_proj") {
            *bytes = halves(bytes, bytes.len() / shape[0], 16);
        }
    }
    let spoiled = Folder::new(&config("llama-plain"), &spoiled, &tokenizer(&[])).logits();
    assert!(distance(&spoiled, &Folder::of("llama-plain").logits()) > 0.05);
}

#[test]
fn several_files_and_a_decoder_that_sees_are_read_alike() {
    let expected = Folder::of("mistral3").logits();
    let all = tensors(&mut reference_tests::open("mistral3"));
    for prefix in ["language_model.", "model.language_model."] {
        let mut shards = [Tensors::new(), Tensors::new()];
        let mut map = serde_json::Map::new();
        for (index, (name, tensor)) in all.clone().into_iter().enumerate() {
            let inner = if prefix == "language_model." { name } else { name.replacen("model.", "", 1) };
            let name = if inner.starts_with("lm_head") && prefix != "language_model." {
                inner
            } else {
                format!("{prefix}{inner}")
            };
            map.insert(name.clone(), json!(format!("part-{}.safetensors", index % 2)));
            shards[index % 2].insert(name, tensor);
        }
        shards[0].insert("vision_tower.patch_conv.weight".to_owned(), ("I64", vec![1], vec![0; 8]));
        let text = config("mistral3");
        let folder = Folder::new(&json!({"model_type": "mistral3", "text_config": text}), &shards[0], &tokenizer(&[]));
        fs::rename(folder.at("model.safetensors"), folder.at("part-0.safetensors")).unwrap();
        folder.write("part-1.safetensors", &file(&shards[1]));
        folder.write("model.safetensors.index.json", json!({"weight_map": map}).to_string().as_bytes());
        assert_eq!(folder.logits(), expected, "{prefix}");
        let sum = "0".repeat(64);
        let error = open(folder.path(), Some(&sum), Some(Path::new("/nowhere"))).unwrap_err().to_string();
        assert!(error.contains("several files"), "{error}");
        for bad in [json!({"weight_map": {"a": "../part-0.safetensors"}}), json!({"weight_map": {}}), json!({})] {
            folder.write("model.safetensors.index.json", bad.to_string().as_bytes());
            assert!(folder.open().unwrap_err().to_string().contains("index"), "{bad}");
        }
    }
}

#[test]
fn one_file_may_be_named_and_its_sum_asked_for() {
    let folder = Folder::of("qwen3");
    let path = folder.at("model.safetensors");
    let right = sha256(&mut File::open(&path).unwrap()).unwrap();
    assert!(open(&path, Some(&right), Some(Path::new("/nowhere"))).is_ok());
    let error = open(&path, Some(&"0".repeat(64)), Some(Path::new("/nowhere"))).unwrap_err();
    assert!(matches!(error, GgufError::Checksum { .. }));
}

#[test]
fn bf16_and_f32_are_read_too() {
    let bits = |half: &[u8]| {
        candle_core::Tensor::from_raw_buffer(half, candle_core::DType::F16, &[half.len() / 2], &Device::Cpu)
    };
    let mut wide = tensors(&mut reference_tests::open("qwen3"));
    for (dtype, shape, bytes) in wide.values_mut().filter(|tensor| tensor.0 == "F16") {
        let values = bits(bytes).unwrap().to_dtype(candle_core::DType::F32).unwrap().to_vec1::<f32>().unwrap();
        *bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        *dtype = if shape[0] == 256 { "F32" } else { "BF16" };
        if *dtype == "BF16" {
            *bytes = bytes.chunks(4).flat_map(|four| [four[2], four[3]]).collect();
        }
    }
    let folder = Folder::new(&config("qwen3"), &wide, &tokenizer(&[]));
    let apart = distance(&folder.logits(), &Folder::of("qwen3").logits());
    // bf16 drops three bits of f16's ten: close, and not the same.
    assert!(apart > 0.0 && apart < 20.0, "{apart}");
}

fn changed(config: &Json, key: &str, value: Json) -> Json {
    let mut config = config.clone();
    config[key] = value;
    config
}

#[test]
fn settings_that_would_be_computed_wrongly_are_refused() {
    let (qwen, llama, smollm) = (config("qwen3"), config("llama-plain"), config("smollm3"));
    let cases = [
        (changed(&qwen, "model_type", json!("gemma3")), "gemma3"),
        (changed(&qwen, "quantization_config", json!({"bits": 4})), "quantised"),
        (changed(&qwen, "hidden_act", json!("gelu")), "gelu"),
        (changed(&qwen, "hidden_size", json!("a")), "hidden_size"),
        (changed(&qwen, "num_attention_heads", json!(0)), "head"),
        (changed(&qwen, "num_key_value_heads", Json::Null), "num_key_value_heads"),
        (changed(&qwen, "rope_theta", Json::Null), "rope_theta"),
        (changed(&qwen, "head_dim", json!(1 << 20)), "head_dim"),
        (changed(&qwen, "head_dim", json!(48)), "attn_k.weight has the shape"),
        (changed(&qwen, "num_hidden_layers", json!(3)), "blk.2.attn_k.weight is missing"),
        (changed(&qwen, "num_hidden_layers", json!(1)), "blk.1."),
        (changed(&qwen, "partial_rotary_factor", json!(0.5)), "partial_rotary_factor"),
        (changed(&qwen, "layer_types", json!(["linear_attention"])), "layer_types"),
        (changed(&llama, "rope_scaling", json!({"rope_type": "dynamic", "factor": 2.0})), "dynamic"),
        (changed(&llama, "rope_scaling", json!({"rope_type": "llama3", "factor": 8.0})), "original_max_position"),
        (changed(&llama, "rope_scaling", json!({"full_attention": {"rope_type": "default"}})), "several ways"),
        (changed(&llama, "rope_scaling", json!({"type": "yarn", "factor": 4.0, "truncate": false})), "truncated"),
        (changed(&smollm, "no_rope_layers", json!([1, 1, 0, 1])), "no_rope_layers"),
    ];
    let of = |config: &Json| match config["model_type"].as_str() {
        Some("llama") => "llama-plain",
        Some("smollm3") => "smollm3",
        _ => "qwen3",
    };
    for (config, says) in cases {
        let folder = Folder::new(&config, &tensors(&mut reference_tests::open(of(&config))), &tokenizer(&[]));
        let limits = MemoryLimits { context: 64, memory: 1 << 20 };
        let loaded = folder
            .open()
            .and_then(|mut gguf| Model::load(&mut gguf, 256, limits, Arc::new(Pool::new(1).unwrap())).map(|_| ()));
        let error = loaded.expect_err(says).to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{says}: {error}");
    }
}

#[test]
fn files_that_lie_are_refused() {
    let folder = Folder::of("qwen3");
    let sound = fs::read(folder.at("model.safetensors")).unwrap();
    let length = u64::from_le_bytes(sound[..8].try_into().unwrap()) as usize;
    let (header, data) = (std::str::from_utf8(&sound[8..8 + length]).unwrap(), &sound[8 + length..]);
    let norm = "\"model.norm.weight\"";
    let hole = header.replacen("\"data_offsets\":[0,", "\"data_offsets\":[4,", 1);
    let cases = [
        (Vec::new(), "cut short"),
        (b"GGUF\x03\0\0\0".to_vec(), "cut short"),
        (sound[..sound.len() - 1].to_vec(), "cut short"),
        ([&sound[..], b"x"].concat(), "cut short"),
        (sound[..100].to_vec(), "cut short"),
        (whole("{", data), "header cannot be read"),
        (whole("[]", data), "header cannot be read"),
        (whole(&hole, data), "header cannot be read"),
        (whole(&header.replacen("[64]", "[65]", 1), data), "header cannot be read"),
        (whole(&header.replace("model.norm.weight", "model.final_norm.weight"), data), "model.final_norm.weight"),
        (whole(&header.replace(norm, "\"model.layers.0.input_layernorm.weight\""), data), "twice"),
        (whole(&header.replace("\"F16\"", "\"I16\""), data), "I16"),
    ];
    for (bytes, says) in cases {
        folder.write("model.safetensors", &bytes);
        let error = folder.open().expect_err(says).to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{says}: {error}");
    }
    folder.write("model.safetensors", &sound);
    for (name, says) in [("tokenizer.json", "no tokenizer.json"), ("config.json", "no config.json")] {
        let text = fs::read(folder.at(name)).unwrap();
        folder.write(name, b"{");
        assert!(folder.open().unwrap_err().to_string().contains(&format!("{name} cannot be read")));
        fs::remove_file(folder.at(name)).unwrap();
        assert!(folder.open().unwrap_err().to_string().contains(says));
        folder.write(name, &text);
    }
    fs::remove_file(folder.at("model.safetensors")).unwrap();
    assert!(folder.open().unwrap_err().to_string().contains("neither"));
}

#[test]
fn the_vocabulary_has_its_kinds_ends_and_padding() {
    let reserved = ["<s>", "</s>", "<|im_end|>", "<think>"];
    let mut tokens = tokenizer(&reserved);
    tokens["post_processor"] = json!({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {}}]});
    let mut config = config("llama-3");
    config["eos_token_id"] = json!([1, 2]);
    let mut tensors = tensors(&mut reference_tests::open("llama-3"));
    let (_, shape, bytes) = tensors.get_mut("model.embed_tokens.weight").unwrap();
    shape[0] = 264;
    bytes.resize(264 * 64 * 2, 0);
    let folder = Folder::new(&config, &tensors, &tokens);
    folder.write("chat_template.jinja", b"{{ messages[0].content }}");
    let gguf = folder.open().unwrap();
    let number = |key: &str| gguf.number(&format!("tokenizer.ggml.{key}"));
    assert_eq!(["bos_token_id", "eos_token_id", "eot_token_id"].map(number), [Some(0), Some(1), Some(2)]);
    assert_eq!(gguf.flag("tokenizer.ggml.add_bos_token"), Some(true));
    assert_eq!(gguf.text("tokenizer.chat_template"), Some("{{ messages[0].content }}"));
    let vocabulary = Vocabulary::read(&gguf).unwrap();
    assert_eq!(vocabulary.tokens.len(), 264);
    assert!((0..4).all(|id| vocabulary.is_reserved(id)) && (260..264).all(|id| vocabulary.is_reserved(id)));
    assert!((4..260).all(|id| !vocabulary.is_reserved(id)));
    assert!(vocabulary.ends(1) && vocabulary.ends(2) && !vocabulary.ends(0));
    assert_eq!((vocabulary.bytes(4 + 65), vocabulary.bytes(3)), (&b"A"[..], &b"<think>"[..]));
    // More tokens than the embedding has rows are somebody else's.
    folder.write("tokenizer.json", tokenizer(&["<x>"; 20]).to_string().as_bytes());
    assert!(folder.open().unwrap_err().to_string().contains("tokenizer.json has tokens"));
}

#[test]
fn a_folder_answers_as_its_gguf_does() {
    let mut tiny = testing::tiny();
    tiny.metadata.insert("tokenizer.ggml.merges".to_owned(), Value::Array(Vec::new()));
    let bytes = tiny.bytes();
    let tokens = tiny.metadata["tokenizer.ggml.tokens"].to_vec().unwrap().clone();
    let mut json = tokenizer(&["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>"]);
    for (id, token) in tokens.iter().enumerate().skip(260) {
        json["model"]["vocab"][token.to_string().unwrap()] = json!(id);
    }
    let config = json!({"model_type": "llama", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "rms_norm_eps": 1e-5, "max_position_embeddings": 256,
        "bos_token_id": 0, "eos_token_id": 2});
    let folder = Folder::new(&config, &tensors(&mut tiny.gguf()), &json);
    let template = json!({"eos_token": {"content": "<|im_end|>"}, "chat_template": super::super::template::CHATML});
    folder.write("tokenizer_config.json", template.to_string().as_bytes());
    folder.write("model.gguf", &bytes);
    let answer = |path: &Path| {
        let config = Config { file: Some(path.to_owned()), context: 256, ..Config::default() };
        let model = LocalModel::open(&config, folder.path()).unwrap();
        let sampling = Sampling { temperature: 0.0, max_tokens: 20, ..Sampling::default() };
        let request = Request::new(vec![Message::new(Role::User, "Bonjour, l'ours")], sampling);
        let mut generation = model.generate(request).unwrap();
        let mut text = String::new();
        while let Some(Piece::Text(piece)) = generation.blocking_next().map(Result::unwrap) {
            text.push_str(&piece);
        }
        text
    };
    // The GGUF beside the tokenizer.json reads that as well: the difference is the weights' way here.
    let expected = answer(&folder.at("model.gguf"));
    assert!(!expected.is_empty());
    for path in [folder.path(), &folder.at("model.safetensors")] {
        assert_eq!(answer(path), expected, "{}", path.display());
    }
}
