//! The index of a model whose weights are in several files.

use std::path::{Component, Path};

/// The most files that a model may be in.
const MOST_PARTS: usize = 1024;

/// The files that an index names, each once. `None` where it is no index, names none or too many, or one that is not beside it.
pub(super) fn parts(index: &serde_json::Value) -> Option<Vec<String>> {
    let map = index.get("weight_map")?.as_object()?;
    let mut parts = map.values().map(|part| part.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>()?;
    parts.sort_unstable();
    parts.dedup();
    let plain = |part: &String| matches!(Path::new(part).components().collect::<Vec<_>>()[..], [Component::Normal(_)]);
    (!parts.is_empty() && parts.len() <= MOST_PARTS && parts.iter().all(plain)).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::parts;
    use serde_json::json;

    #[test]
    fn an_index_names_files_beside_it_each_once() {
        let read = |map: serde_json::Value| parts(&json!({ "weight_map": map }));
        let of = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(
            read(json!({"a": "2.safetensors", "b": "1.safetensors", "c": "2.safetensors"})),
            of(&["1.safetensors", "2.safetensors"])
        );
        for bad in
            [json!({}), json!({"a": "../x"}), json!({"a": "/x"}), json!({"a": "x/y"}), json!({"a": 1}), json!([])]
        {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
        let many: serde_json::Map<_, _> = (0..1025).map(|part| (part.to_string(), json!(part.to_string()))).collect();
        assert_eq!(read(json!(many)), None);
    }
}
