//! The start of a plugin: go-plugin's handshake and its automatic mutual TLS.
//!
//! Terraform starts the provider with a certificate in `PLUGIN_CLIENT_CERT` and
//! waits for one line on standard output, whose sixth field is the provider's own.
//! From then on both sides accept exactly the other's certificate.

use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{AlpnError, Ssl, SslAcceptor, SslMethod, SslVerifyMode, select_next_proto};
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509NameBuilder};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio_openssl::SslStream;
use tonic::transport::server::Connected;

/// The environment variable that tells a plugin it was started by Terraform.
pub const COOKIE_VARIABLE: &str = "TF_PLUGIN_MAGIC_COOKIE";
/// What Terraform puts there.
pub const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
/// The environment variable with Terraform's certificate; absent without TLS.
pub const CLIENT_CERTIFICATE_VARIABLE: &str = "PLUGIN_CLIENT_CERT";

// A list of protocol names, each behind its length.
const HTTP2: &[u8] = b"\x02h2";
const SERVER_NAME: &str = "localhost";
const VALID_DAYS: u32 = 7;

/// Why a connection from Terraform failed.
#[derive(Debug, Error)]
pub enum HandshakeError {
    /// A certificate or the TLS settings are of no use.
    #[error("cannot set TLS up")]
    Setup(#[from] ErrorStack),
    /// The connection failed.
    #[error("the TLS handshake failed")]
    Connection(#[from] openssl::ssl::Error),
}

/// The provider's side of mutual TLS.
pub struct Identity {
    acceptor: SslAcceptor,
    certificate: Vec<u8>,
}

/// A connection from Terraform.
#[derive(Debug)]
pub enum Connection {
    /// Terraform was told not to use TLS.
    Plain(UnixStream),
    /// Mutual TLS.
    Encrypted(SslStream<UnixStream>),
}

impl Identity {
    /// Makes a certificate of our own, and accepts only `client`, which is PEM.
    pub fn new(client: &str) -> Result<Self, HandshakeError> {
        let client = X509::from_pem(client.as_bytes())?.to_der()?;
        let (key, certificate) = self_signed()?;
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        builder.set_private_key(&key)?;
        builder.set_certificate(&certificate)?;
        builder.set_alpn_select_callback(|_, offered| {
            select_next_proto(HTTP2, offered).ok_or(AlpnError::NOACK)
        });
        // No chain to check: the certificate is right if it is the very one that
        // Terraform announced. OpenSSL still checks that the key belongs to it.
        builder.set_verify_callback(
            SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
            move |_, context| {
                let presented = context.current_cert().and_then(|own| own.to_der().ok());
                presented.is_some_and(|presented| presented == client)
            },
        );
        Ok(Self { acceptor: builder.build(), certificate: certificate.to_der()? })
    }

    /// Answers the TLS handshake of one connection.
    pub async fn accept(&self, stream: UnixStream) -> Result<Connection, HandshakeError> {
        let mut encrypted = SslStream::new(Ssl::new(self.acceptor.context())?, stream)?;
        Pin::new(&mut encrypted).accept().await?;
        Ok(Connection::Encrypted(encrypted))
    }
}

/// The line that tells Terraform where and how to connect.
pub fn line(socket: &Path, identity: Option<&Identity>) -> String {
    let certificate = identity.map(|own| STANDARD_NO_PAD.encode(&own.certificate));
    format!("1|6|unix|{}|grpc|{}", socket.display(), certificate.unwrap_or_default())
}

fn self_signed() -> Result<(PKey<Private>, X509), ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, SERVER_NAME)?;
    let name = name.build();
    let mut builder = X509::builder()?;
    builder.set_version(2)?; // counted from zero: version 3
    let serial = BigNum::from_u32(1)?.to_asn1_integer()?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(&key)?;
    let (from, until) = (Asn1Time::days_from_now(0)?, Asn1Time::days_from_now(VALID_DAYS)?);
    builder.set_not_before(&from)?;
    builder.set_not_after(&until)?;
    let names = SubjectAlternativeName::new()
        .dns(SERVER_NAME)
        .build(&builder.x509v3_context(None, None))?;
    builder.append_extension(names)?;
    builder.sign(&key, MessageDigest::sha256())?;
    Ok((key, builder.build()))
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
