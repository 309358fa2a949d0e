//! Both adapters `http` as they are in force, in the shape of plugins.yaml, for operators to read. No
//! secret is shown, nor a text that stands where a secret should.
//! May import: `effective`, `mask`, `templates`.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    super::{
        effective::duration,
        mask::{MASKED, shown_text, shown_url},
    },
    Call, CallBody, Hmac, HttpAuth, HttpComm, OnFailure, Save, SaveKind, Service, StartCall,
};
use crate::templates::{JsonTemplate, Selection, Template};

pub fn shown_http_auth(http: &HttpAuth) -> Value {
    let HttpAuth { service, start, redirect, finish, poll, updates } = http;
    let attributes = finish.attributes.iter().map(|(tag, from)| (tag.to_string(), selection(from)));
    let mut shown_finish = call(&finish.call);
    shown_finish["outcome"] = json!({
        "from": selection(&finish.outcome.from),
        "ok": finish.outcome.ok,
        "cancelled": finish.outcome.cancelled,
        "failed": finish.outcome.failed,
        "pending": finish.outcome.pending,
    });
    shown_finish["attributes"] = attributes.collect::<Map<_, _>>().into();
    let mut shown = of_service(service);
    shown["start"] = start_call(start);
    shown["finish"] = shown_finish;
    if let Some(redirect) = redirect {
        shown["redirect"] = json!(shown_url(redirect.as_str()));
    }
    if let Some(poll) = poll {
        shown["poll"] = json!({ "every": duration(poll.every), "for": duration(poll.timeout) });
    }
    let updates = [("user_active", &updates.user_active), ("logout", &updates.logout)];
    let updates =
        updates.into_iter().filter_map(|(name, update)| Some((name.to_owned(), call(update.as_ref()?))));
    shown["update"] = updates.collect::<Map<_, _>>().into();
    shown
}

pub fn shown_http_comm(http: &HttpComm) -> Value {
    let HttpComm { service, start, deliver, client_url, on_failure } = http;
    let mut shown = of_service(service);
    if let Some(start) = start {
        shown["start"] = start_call(start);
    }
    if let Some(deliver) = deliver {
        shown["deliver"] = call(&deliver.call);
        if let Some(Hmac { header, .. }) = &deliver.hmac {
            shown["deliver"]["hmac"] = json!({ "header": header.as_str(), "secret": MASKED });
        }
    }
    shown["client_url"] = json!(shown_url(client_url.as_str()));
    shown["on_failure"] = json!(match on_failure {
        OnFailure::Block => "block",
        OnFailure::Continue => "continue",
    });
    shown
}

fn of_service(Service { base, secrets }: &Service) -> Value {
    let secrets = secrets.iter().map(|(name, _)| (name.clone(), json!(MASKED)));
    json!({ "base": base.as_str(), "secrets": secrets.collect::<Map<_, _>>() })
}

fn start_call(StartCall { call: request, save }: &StartCall) -> Value {
    let mut shown = call(request);
    shown["save"] = save.iter().map(|save| (save.name.clone(), saved(save))).collect::<Map<_, _>>().into();
    shown
}

fn call(Call { method, path, headers, body, expect }: &Call) -> Value {
    let mut request = json!({ "method": method.as_str(), "path": shown_url(path.as_str()) });
    let headers = headers.iter().map(|(name, value)| (name.to_string(), text(name.as_str(), value)));
    request["headers"] = headers.collect::<Map<_, _>>().into();
    match body {
        CallBody::None => {}
        CallBody::Json(template) => request["json"] = document("", template),
        CallBody::Form(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), text(name, value)));
            request["form"] = fields.collect::<Map<_, _>>().into();
        }
    }
    let mut shown = json!({ "request": request });
    if !expect.is_empty() {
        shown["expect"] = json!({ "status": expect.iter().map(StatusCode::as_u16).collect::<Vec<_>>() });
    }
    shown
}

fn saved(Save { from, kind, .. }: &Save) -> Value {
    let from = selection(from);
    match kind {
        SaveKind::Text { pattern: None } => json!({ "from": from }),
        SaveKind::Text { pattern: Some(pattern) } => json!({ "from": from, "pattern": pattern.as_str() }),
        SaveKind::Url { hosts } => json!({ "from": from, "type": "url", "hosts": hosts }),
        SaveKind::Number => json!({ "from": from, "type": "number" }),
        SaveKind::Boolean => json!({ "from": from, "type": "boolean" }),
    }
}

fn selection(selection: &Selection) -> Value {
    json!(selection.as_str())
}

/// A text under this name. Whatever is written out where a secret should be named may be one.
fn text(name: &str, template: &Template) -> Value {
    json!(shown_text(name, template.as_str()))
}

/// A document, or a part of one that has this name.
fn document(name: &str, template: &JsonTemplate) -> Value {
    match template {
        JsonTemplate::String(template) => text(name, template),
        JsonTemplate::List(items) => items.iter().map(|item| document(name, item)).collect(),
        JsonTemplate::Object(members) => {
            let members = members.iter().map(|(name, member)| (name.clone(), document(name, member)));
            members.collect::<Map<_, _>>().into()
        }
        JsonTemplate::Null | JsonTemplate::Bool(_) | JsonTemplate::Number(_) => template.to_json(),
    }
}
