//! `Classify`, on the service that tonic generates.

use prost::Message;
use tonic::{Request, Response, Status};

use crate::iris::{CLASSES, probabilities};

#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "what tonic generates"
)]
mod rpc {
    tonic::include_proto!("io.seldon.api.rpc");
}

#[allow(missing_docs, unreachable_pub, reason = "what prost generates")]
mod flower {
    tonic::include_proto!("io.seldon.microservice.iris");
}

use rpc::seldon_server::{Seldon, SeldonServer};
use rpc::{
    ClassificationReply, ClassificationReplyMeta, ClassificationRequest, ClassificationResult,
};

pub(crate) fn service() -> SeldonServer<impl Seldon> {
    SeldonServer::new(Classifier)
}

struct Classifier;

#[tonic::async_trait]
impl Seldon for Classifier {
    async fn classify(
        &self,
        request: Request<ClassificationRequest>,
    ) -> Result<Response<ClassificationReply>, Status> {
        let request = request.into_inner();
        let data = request
            .data
            .ok_or_else(|| Status::invalid_argument("`data` is missing"))?;
        if !data
            .type_url
            .ends_with("/io.seldon.microservice.iris.IrisPredictRequest")
        {
            return Err(Status::invalid_argument("`data` is of another type"));
        }
        let flower = flower::IrisPredictRequest::decode(&*data.value)
            .map_err(|e| Status::invalid_argument(e.to_string()))?;
        let scores = probabilities([flower.f1, flower.f2, flower.f3, flower.f4]);
        let puid = (request.meta.map(|meta| meta.puid))
            .filter(|puid| !puid.is_empty())
            .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let result = |(class, score): (&str, f64)| ClassificationResult {
            prediction: score,
            predicted_class: class.to_owned(),
            confidence: score,
        };
        Ok(Response::new(ClassificationReply {
            meta: Some(ClassificationReplyMeta {
                puid,
                model_name: "iris".to_owned(),
                variation: "default".to_owned(),
            }),
            predictions: CLASSES.into_iter().zip(scores).map(result).collect(),
            custom: None,
        }))
    }
}
