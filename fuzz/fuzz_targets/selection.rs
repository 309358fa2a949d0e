//! Whatever an operator writes as a selection, with whatever a service replies. The first byte says what
//! is written: `0` a selection and a JSON document, `1` a claim and a document, `2` a pattern and a value.
//! The first part ends at a NUL.
#![no_main]

use id_contact_gateway::templates::{ClaimPath, Pattern, PatternError, Selection, scalar_text};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fn selection(text: &str, document: &Value) {
    match Selection::parse(text) {
        Ok(selection) => {
            let selected = selection.select(document);
            if let Some(value) = selected {
                assert_text(value);
            }
            assert_eq!(Selection::parse(text), Ok(selection));
        }
        Err(error) => assert!(text.get(error.at..).is_some(), "{error:?}"),
    }
}

/// Null, lists and objects have no text, some numbers have one, and all else has.
fn assert_text(value: &Value) {
    let text = scalar_text(value);
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => assert!(text.is_none()),
        Value::Number(number) if number.is_f64() => assert!(text.is_none_or(|text| !text.contains('e'))),
        _ => assert!(text.is_some()),
    }
}

fn claim(text: &str, document: &Value) {
    match ClaimPath::parse(text) {
        Ok(claim) if text.starts_with('/') => assert_eq!(claim.select(document), document.pointer(text)),
        Ok(claim) => assert_eq!(claim.select(document), document.get(text)),
        Err(error) => assert!(text.get(error.at..).is_some(), "{error:?}"),
    }
}

fn pattern(text: &str, value: &str) {
    match Pattern::parse(text) {
        Ok(pattern) => {
            pattern.matches(value);
        }
        Err(PatternError::Broken(reason)) => assert!(reason.len() < 200 && !reason.contains('\n')),
        Err(PatternError::TooLong | PatternError::TooLarge) => {}
    }
}

fuzz_target!(|data: &[u8]| {
    let data = String::from_utf8_lossy(data);
    let Some((written, given)) = data.split_once('\0') else { return };
    let mut characters = written.chars();
    let (way, written) = (characters.next(), characters.as_str());
    if way == Some('2') {
        return pattern(written, given);
    }
    let Ok(document) = serde_json::from_str(given) else { return };
    match way {
        Some('0') => selection(written, &document),
        _ => claim(written, &document),
    }
});
