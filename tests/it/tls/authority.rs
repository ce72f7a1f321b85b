//! Certificates, good and bad.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, PEM.
pub struct Credentials {
    pub cert: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A server on this machine.
    pub fn server(&self) -> Credentials {
        self.issue(server())
    }

    /// A server whose time is over.
    pub fn expired_server(&self) -> Credentials {
        self.issue(expired(server()))
    }

    /// A client of these names: URIs, and hosts for the rest.
    pub fn client(&self, names: &[&str]) -> Credentials {
        self.issue(client(names))
    }

    /// A client whose time is over.
    pub fn expired_client(&self, names: &[&str]) -> Credentials {
        self.issue(expired(client(names)))
    }

    fn issue(&self, params: CertificateParams) -> Credentials {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Credentials {
            cert: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn server() -> CertificateParams {
    let mut params = named("a server");
    params.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into().expect("a name")),
        SanType::IpAddress([127, 0, 0, 1].into()),
    ];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn client(names: &[&str]) -> CertificateParams {
    let mut params = named("a client");
    params.subject_alt_names = names
        .iter()
        .map(|name| {
            let text = (*name).try_into().expect("a name");
            match name.contains("://") {
                true => SanType::URI(text),
                false => SanType::DnsName(text),
            }
        })
        .collect();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn expired(mut params: CertificateParams) -> CertificateParams {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    params
}
