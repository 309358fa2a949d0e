//! The variables, secret files and time that configurations in tests refer to. Keys are made anew in
//! each run: none is committed.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use id_contact_gateway::config::{Environment, Unreadable};
use openssl::{
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    symm::Cipher,
};
use secrecy::SecretSlice;

/// No diagnostic and no page may show it.
pub const SECRET: &str = "hunter2";

/// 2027-01-15T08:00:00Z.
pub const NOW: u64 = 1_800_000_000;

#[derive(Clone)]
pub struct World {
    pub variables: HashMap<String, String>,
    pub files: HashMap<PathBuf, Vec<u8>>,
    pub now: u64,
}

impl Environment for World {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn file(&self, path: &Path) -> Result<SecretSlice<u8>, Unreadable> {
        let content = self.files.get(path).ok_or(Unreadable("it does not exist"))?;
        if content.len() as u64 > id_contact_gateway::config::MAX_SECRET_BYTES {
            return Err(Unreadable("it is larger than 64 KiB"));
        }
        Ok(content.clone().into())
    }

    fn now(&self) -> u64 {
        self.now
    }
}

/// Good and bad keys by the names of their files; those in `keys` are generated.
pub fn world() -> World {
    static WORLD: LazyLock<World> = LazyLock::new(make);
    WORLD.clone()
}

fn make() -> World {
    let variables = [
        ("HOST", "irma.internal"),
        ("CREDENTIAL", SECRET),
        ("BAD_URL", "ftp://hunter2"),
        ("STATE_1", "hunter2 hunter2 hunter2 hunter2 hunter2"),
        ("EMPTY", ""),
        ("PIN_TOKEN", SECRET),
        ("HS_TOKEN", SECRET),
        ("HOOK", "hunter2-hunter2-hunter2-hunter2"),
    ];
    let p256 = || private(Nid::X9_62_PRIME256V1);
    let mut files: HashMap<PathBuf, Vec<u8>> = HashMap::new();
    let mut add = |name: &str, content: Vec<u8>| drop(files.insert(PathBuf::from(name), content));
    for name in ["sign.pem", "sign-next.pem", "decrypt.pem"] {
        add(name, p256().private_key_to_pem_pkcs8().unwrap());
    }
    for name in [
        "digid-sign.pub.pem",
        "irma-sign.pub.pem",
        "chat-encrypt.pub.pem",
        "call-encrypt.pub.pem",
        "chat-initiator.pub.pem",
    ] {
        add(name, p256().public_key_to_pem().unwrap());
    }
    add("state-1", b"hunter2-hunter2-hunter2-hunter2-1".to_vec());
    add("state-2", b"hunter2-hunter2-hunter2-hunter2-2\n".to_vec());
    add("jitsi", b"hunter2-hunter2-hunter2-jitsi\n".to_vec());
    add("short", SECRET.into());
    add("empty", b" \n".to_vec());
    add("huge", SECRET.repeat(10_000).into());
    add("p384.pem", private(Nid::SECP384R1).private_key_to_pem_pkcs8().unwrap());
    let weak = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    add("rsa-1024.pub.pem", weak.public_key_to_pem().unwrap());
    add(
        "locked.pem",
        p256().private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), SECRET.as_bytes()).unwrap(),
    );
    add(
        "certificate.pem",
        format!("-----BEGIN CERTIFICATE-----\n{SECRET}\n-----END CERTIFICATE-----").into(),
    );
    World {
        variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        files,
        now: NOW,
    }
}

fn private(curve: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}
