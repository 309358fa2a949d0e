//! The body of `POST /start`, as JSON or as a form (protocol.md, "Initiator -> core").

use serde::Deserialize;

use super::{Problem, ProblemCode};
use crate::model::ResultToken;

/// What a client sent.
pub enum StartBody {
    Plain(StartRequest),
    /// The compact token of an initiator.
    Signed(String),
}

/// The fields of a start.
#[derive(Default, Deserialize)]
pub struct StartRequest {
    pub purpose: Option<String>,
    pub auth_method: Option<String>,
    pub comm_method: Option<String>,
    pub auth_result: Option<ResultToken>,
    pub comm_url: Option<String>,
    pub attr_url: Option<String>,
    /// A sealed result, from the page on which the citizen chose a channel.
    pub session: Option<String>,
}

impl StartBody {
    /// Reads a body of this `Content-Type`. Unknown fields are ignored, `null` is the same as
    /// missing, a field given twice is an error.
    ///
    /// # Errors
    /// A [`Problem`] that says where the mistake is and quotes nothing.
    pub fn parse(content_type: Option<&str>, body: &[u8]) -> Result<Self, Problem> {
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            StartRequest::from_json(body).map(Self::Plain)
        } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            StartRequest::from_form(body).map(Self::Plain)
        } else if essence.eq_ignore_ascii_case("application/jwt") {
            let token = std::str::from_utf8(body).unwrap_or_default().trim();
            Ok(Self::Signed(token.to_owned()))
        } else {
            Err(Problem::new(
                ProblemCode::UnsupportedMediaType,
                "send application/json, application/x-www-form-urlencoded or application/jwt",
            ))
        }
    }
}

impl StartRequest {
    fn from_json(body: &[u8]) -> Result<Self, Problem> {
        // Only the place of the mistake is told: serde's own words may quote a result.
        serde_json::from_slice(body).map_err(|error| {
            Problem::new(
                ProblemCode::InvalidRequest,
                format!(
                    "the body is not a JSON object of strings with each field at most once \
                     (line {}, column {})",
                    error.line(),
                    error.column()
                ),
            )
        })
    }

    fn from_form(body: &[u8]) -> Result<Self, Problem> {
        let mut request = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            let value = value.into_owned();
            let twice = match &*name {
                "purpose" => request.purpose.replace(value).is_some(),
                "auth_method" => request.auth_method.replace(value).is_some(),
                "comm_method" => request.comm_method.replace(value).is_some(),
                "auth_result" => request.auth_result.replace(ResultToken::new(value)).is_some(),
                "comm_url" => request.comm_url.replace(value).is_some(),
                "attr_url" => request.attr_url.replace(value).is_some(),
                "session" => request.session.replace(value).is_some(),
                _ => false,
            };
            if twice {
                return Err(Problem::new(ProblemCode::InvalidRequest, "a field of the form is given twice"));
            }
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(content_type: &str, body: &[u8]) -> Result<StartRequest, Problem> {
        match StartBody::parse(Some(content_type), body)? {
            StartBody::Plain(request) => Ok(request),
            StartBody::Signed(_) => panic!("it is not signed"),
        }
    }

    fn json(body: &str) -> Result<StartRequest, Problem> {
        plain("application/json; charset=utf-8", body.as_bytes())
    }

    #[test]
    fn null_is_missing_and_unknown_fields_are_ignored() {
        let request = json(r#"{"purpose":"p","auth_method":null,"extra":[1,{"a":2}]}"#).unwrap();
        assert_eq!(request.purpose.as_deref(), Some("p"));
        assert!(request.auth_method.is_none() && request.comm_method.is_none());
    }

    #[test]
    fn mistakes_are_located_but_never_quoted() {
        for body in [
            r#"{"purpose":"a","purpose":"SECRET"}"#,
            r#"{"auth_result":["SECRET"]}"#,
            r#"{"auth_result":"SECRET"#,
            r#""SECRET""#,
            "",
        ] {
            let problem = json(body).err().unwrap();
            assert_eq!(problem.code, ProblemCode::InvalidRequest, "{body}");
            assert!(!problem.detail.contains("SECRET"), "{}", problem.detail);
            assert!(problem.detail.contains("line 1"), "{}", problem.detail);
        }
    }

    #[test]
    fn a_form_has_the_same_fields() {
        let form = "application/x-www-form-urlencoded";
        let request = plain(form, b"purpose=met+spatie%2F%C3%A9&comm_method=c").unwrap();
        assert_eq!(request.purpose.as_deref(), Some("met spatie/é"));
        assert!(plain(form, b"purpose=a&purpose=b").is_err());
    }

    #[test]
    fn other_types_are_refused() {
        assert_eq!(StartBody::parse(None, b"{}").err().unwrap().code, ProblemCode::UnsupportedMediaType);
        let signed = StartBody::parse(Some("application/jwt"), b"a.b.c\n");
        assert!(matches!(signed, Ok(StartBody::Signed(token)) if token == "a.b.c"));
    }
}
