//! Messages of every shape are payloads, with nothing but seldon in the manifest.

/// The messages.
pub mod every {
    #![allow(missing_docs, reason = "what the .proto says, prost writes")]
    seldon::include_proto!("seldon.test.every");
}

#[cfg(test)]
mod tests {
    use seldon::__private::prost::Message;
    use seldon::Payload;
    use seldon::prelude::*;

    use super::every::order::{Channel, Line, Payment};
    use super::every::{Customer, Empty, Events, Order};

    /// The service of it, which must compile.
    #[seldon::predictor(data = Order)]
    struct Prices {}

    impl Predict<Order> for Prices {
        fn predict(&self, order: &Order) -> Result<Prediction> {
            Ok(Prediction::scores([order.total_price]))
        }
    }

    fn order() -> Order {
        let line = Line {
            product: "tea".to_owned(),
            quantity: 2,
        };
        Order {
            total_price: 4.5,
            lines: vec![line.clone(), Line::default()],
            rates: [("EUR".to_owned(), 1.0)].into(),
            lines_by_id: [(7, line.clone())].into(),
            discount: Some(0.5),
            channel: Channel::Shop as i32,
            payment: Some(Payment::Voucher(line)),
            customer: Some(Customer {
                id: 1,
                r#type: "retail".to_owned(),
                known: true,
            }),
            embedding: vec![0.25, -1.0],
            seen: vec![Channel::Web as i32],
            signature: vec![0, 255],
        }
    }

    #[test]
    fn a_message_of_every_shape_is_scored() {
        let prediction = Prices {}.predict(&order()).expect("scores");
        assert_eq!(prediction.classes()[0].score, 4.5);
    }

    #[test]
    fn names_are_those_of_the_proto() {
        assert_eq!(Order::TYPE_NAME, "seldon.test.every.Order");
        assert_eq!(Line::TYPE_NAME, "seldon.test.every.Order.Line");
        assert_eq!(Empty::TYPE_NAME, "seldon.test.every.Empty");
    }

    #[test]
    fn each_field_has_its_check() {
        // Ten fields, and the oneof.
        assert_eq!(Order::CHECKS.len(), 11);
        assert_eq!(Customer::CHECKS.len(), 3);
        assert_eq!(Empty::CHECKS.len(), 0);
        let [total_price, lines, ..] = Order::CHECKS else {
            panic!("there are eleven");
        };
        assert!(total_price("4.5").is_ok());
        assert!(total_price("\"much\"").is_err());
        assert!(lines(r#"[{"product":"tea","quantity":2}]"#).is_ok());
        assert!(lines(r#"[{"product":"tea","amount":2}]"#).is_err());
    }

    #[test]
    fn json_and_protobuf_carry_the_same_order() {
        let json = serde_json::to_string(&order()).expect("an order has a JSON form");
        assert!(json.contains("\"totalPrice\":4.5"), "{json}");
        let read: Order = serde_json::from_str(&json).expect("what was written can be read");
        assert_eq!(read, order());
        let read = Order::decode(&*order().encode_to_vec()).expect("it can be decoded");
        assert_eq!(read, order());
    }

    #[test]
    fn each_type_is_written_in_json_as_documented() {
        let json = serde_json::to_value(order()).expect("an order has a JSON form");
        assert_eq!(json["channel"], 1);
        assert_eq!(json["seen"], serde_json::json!([0]));
        assert_eq!(json["customer"]["id"], 1);
        assert_eq!(json["linesById"]["7"]["quantity"], 2);
        assert_eq!(json["payment"]["voucher"]["product"], "tea");
        assert_eq!(json["discount"], 0.5);
        assert_eq!(json["signature"], serde_json::json!([0, 255]));
        let optional = ["discount", "payment", "customer"];
        for field in json.as_object().expect("an object").keys() {
            let mut less = json.clone();
            less.as_object_mut().expect("an object").remove(field);
            let read = serde_json::from_value::<Order>(less);
            assert_eq!(read.is_ok(), optional.contains(&&**field), "{field}");
        }
    }

    #[test]
    fn a_message_without_a_json_form_is_compiled_all_the_same() {
        let events = Events::decode(&[][..]).expect("no bytes are the default");
        assert_eq!(events, Events::default());
    }
}
