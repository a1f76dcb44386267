//! The kinds of error, and what each is called on either transport.

use http::StatusCode;

/// The kind of an [`Error`](super::Error): a closed set, the same on both transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A parameter is missing, malformed, out of range, given twice or badly encoded.
    InvalidParameter,
    /// The text is no JSON.
    MalformedJson,
    /// A feature is missing, unknown, of the wrong type or not finite.
    InvalidFeature,
    /// The `google.protobuf.Any` is absent, of another type or does not decode.
    InvalidMessage,
    /// What came is no message as gRPC frames it, or its caller has left in the middle of it.
    MalformedMessage,
    /// The model says that its input is at fault.
    InvalidInput,
    /// Credentials are missing or wrong.
    Unauthenticated,
    /// Nothing is served at this path.
    NotFound,
    /// No model of this name or for this message is served here.
    ModelNotFound,
    /// The path exists, and not with this method.
    MethodNotAllowed,
    /// The request did not come in within the time for it.
    RequestTimeout,
    /// What a model's folder holds cannot be served; what answers goes on.
    ReloadRefused,
    /// The body or message is over the limit.
    TooLarge,
    /// The body is of a kind that is not read here.
    UnsupportedMediaType,
    /// The message is compressed in a way that is not read here.
    UnsupportedEncoding,
    /// The request target is over the limit.
    UriTooLong,
    /// The header section is over the limit.
    HeadersTooLarge,
    /// Too many requests are in flight, and the queue is full.
    Overloaded,
    /// The caller's deadline, or the service's, has passed.
    DeadlineExceeded,
    /// The model returned an error.
    ModelFailed,
    /// The model panicked.
    ModelPanicked,
    /// The model gave an answer that cannot be sent: a NaN, or a class that it does not have.
    InvalidAnswer,
    /// The candidates to score cannot be had.
    CandidatesUnavailable,
    /// The service is starting, draining or otherwise not in a state to answer.
    Unavailable,
    /// The service is not set up to run: configuration, model folder, address.
    Setup,
    /// A fault of the framework's own.
    Internal,
}

/// What one code is on the wire.
pub(super) struct Face {
    /// The `code` of a problem document, and the `reason` of a `google.rpc.ErrorInfo`.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) status: StatusCode,
    pub(super) grpc: tonic::Code,
}

impl Code {
    /// All of them, in their order.
    pub(crate) const ALL: [Self; 26] = [
        Self::InvalidParameter,
        Self::MalformedJson,
        Self::InvalidFeature,
        Self::InvalidMessage,
        Self::MalformedMessage,
        Self::InvalidInput,
        Self::Unauthenticated,
        Self::NotFound,
        Self::ModelNotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::ReloadRefused,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::UnsupportedEncoding,
        Self::UriTooLong,
        Self::HeadersTooLarge,
        Self::Overloaded,
        Self::DeadlineExceeded,
        Self::ModelFailed,
        Self::ModelPanicked,
        Self::InvalidAnswer,
        Self::CandidatesUnavailable,
        Self::Unavailable,
        Self::Setup,
        Self::Internal,
    ];

    /// The code's name on the wire, `INVALID_PARAMETER` for example.
    pub fn as_str(self) -> &'static str {
        self.face().name
    }

    /// The HTTP status that the code answers with.
    pub fn status(self) -> StatusCode {
        self.face().status
    }

    /// The table of the wire contract, in one place.
    #[rustfmt::skip]
    pub(super) fn face(self) -> Face {
        use StatusCode as S;
        use tonic::Code as G;
        let (name, title, status, grpc) = match self {
            Code::InvalidParameter => ("INVALID_PARAMETER", "Invalid parameter", S::BAD_REQUEST, G::InvalidArgument),
            Code::MalformedJson => ("MALFORMED_JSON", "Malformed JSON", S::BAD_REQUEST, G::InvalidArgument),
            Code::InvalidFeature => ("INVALID_FEATURE", "Invalid feature", S::BAD_REQUEST, G::InvalidArgument),
            Code::InvalidMessage => ("INVALID_MESSAGE", "Invalid message", S::BAD_REQUEST, G::InvalidArgument),
            Code::MalformedMessage => ("MALFORMED_MESSAGE", "Malformed message", S::BAD_REQUEST, G::Internal),
            Code::InvalidInput => ("INVALID_INPUT", "Invalid input", S::BAD_REQUEST, G::InvalidArgument),
            Code::Unauthenticated => ("UNAUTHENTICATED", "Unauthenticated", S::UNAUTHORIZED, G::Unauthenticated),
            Code::NotFound => ("NOT_FOUND", "Not found", S::NOT_FOUND, G::Unimplemented),
            Code::ModelNotFound => ("MODEL_NOT_FOUND", "Model not found", S::NOT_FOUND, G::NotFound),
            Code::MethodNotAllowed => ("METHOD_NOT_ALLOWED", "Method not allowed", S::METHOD_NOT_ALLOWED, G::Unimplemented),
            Code::RequestTimeout => ("REQUEST_TIMEOUT", "Request timeout", S::REQUEST_TIMEOUT, G::DeadlineExceeded),
            Code::ReloadRefused => ("RELOAD_REFUSED", "Reload refused", S::CONFLICT, G::FailedPrecondition),
            Code::TooLarge => ("TOO_LARGE", "Content too large", S::PAYLOAD_TOO_LARGE, G::ResourceExhausted),
            Code::UnsupportedMediaType => ("UNSUPPORTED_MEDIA_TYPE", "Unsupported media type", S::UNSUPPORTED_MEDIA_TYPE, G::InvalidArgument),
            Code::UnsupportedEncoding => ("UNSUPPORTED_ENCODING", "Unsupported encoding", S::UNSUPPORTED_MEDIA_TYPE, G::Unimplemented),
            Code::UriTooLong => ("URI_TOO_LONG", "URI too long", S::URI_TOO_LONG, G::ResourceExhausted),
            Code::HeadersTooLarge => ("HEADERS_TOO_LARGE", "Header section too large", S::REQUEST_HEADER_FIELDS_TOO_LARGE, G::ResourceExhausted),
            Code::Overloaded => ("OVERLOADED", "Overloaded", S::SERVICE_UNAVAILABLE, G::ResourceExhausted),
            Code::DeadlineExceeded => ("DEADLINE_EXCEEDED", "Deadline exceeded", S::GATEWAY_TIMEOUT, G::DeadlineExceeded),
            Code::ModelFailed => ("MODEL_FAILED", "Model failed", S::INTERNAL_SERVER_ERROR, G::Internal),
            Code::ModelPanicked => ("MODEL_PANICKED", "Model panicked", S::INTERNAL_SERVER_ERROR, G::Internal),
            Code::InvalidAnswer => ("INVALID_ANSWER", "Invalid answer", S::INTERNAL_SERVER_ERROR, G::Internal),
            Code::CandidatesUnavailable => ("CANDIDATES_UNAVAILABLE", "Candidates unavailable", S::SERVICE_UNAVAILABLE, G::Unavailable),
            Code::Unavailable => ("UNAVAILABLE", "Unavailable", S::SERVICE_UNAVAILABLE, G::Unavailable),
            Code::Setup => ("SETUP", "Service not set up", S::INTERNAL_SERVER_ERROR, G::Internal),
            Code::Internal => ("INTERNAL", "Internal error", S::INTERNAL_SERVER_ERROR, G::Internal),
        };
        Face { name, title, status, grpc }
    }
}
