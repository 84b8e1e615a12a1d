//! Points read without ranking them.

use serde_json::Value;
use vane_wire::qdrant::{CountPoints, GetPoints, ScrollPoints};

use super::filter::maybe;
use super::rank::order_by;
use super::select::{among, point_id, point_ids, want};
use super::{Fields, Form, Lists, put};
use crate::error::Error;
use crate::rest::read::{Count, Retrieve, ScrollRequest};

impl Form for GetPoints {
    type Body = Retrieve;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let mut fields = Fields::new();
        put(&mut fields, "ids", Some(point_ids(self.ids)?));
        want(&mut fields, self.with_payload, self.with_vectors)?;
        among(&mut fields, self.shard_key_selector)?;
        Ok(fields.into())
    }
}

impl Form for ScrollPoints {
    type Body = ScrollRequest;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let mut fields = Fields::new();
        put(&mut fields, "offset", self.offset.map(|id| point_id(Some(id))).transpose()?);
        put(&mut fields, "limit", self.limit);
        put(&mut fields, "order_by", self.order_by.map(order_by).transpose()?);
        maybe(&mut fields, self.filter)?;
        want(&mut fields, self.with_payload, self.with_vectors)?;
        among(&mut fields, self.shard_key_selector)?;
        Ok(fields.into())
    }
}

impl Form for CountPoints {
    type Body = Count;

    fn form(self, _: &mut Lists) -> Result<Value, Error> {
        let mut fields = Fields::new();
        put(&mut fields, "exact", self.exact);
        maybe(&mut fields, self.filter)?;
        among(&mut fields, self.shard_key_selector)?;
        Ok(fields.into())
    }
}
