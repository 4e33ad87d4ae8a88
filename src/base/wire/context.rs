//! Contexts: what spans share of their resource and their scope.

use crate::base::error::Result;
use crate::base::model::{EntityRef, Resource, ResourceContext, Scope, ScopeContext};
use crate::base::text::Str;
use crate::base::wire::cursor::{Cursor, known};
use crate::base::wire::owned::{own_attributes, view_attributes};
use crate::base::wire::read::read_attributes;
use crate::base::wire::write::{put_attributes, put_bytes, put_count, put_message, put_text};

/// Appends a context as a `ResourceSpans` message without spans. Canonical if its raw values and
/// unknown fields are. Fails as [`Span::view`](crate::base::model::Span::view) does.
pub fn encode_resource_context(context: &ResourceContext, out: &mut Vec<u8>) -> Result<()> {
    if let Some(resource) = &context.resource {
        put_message(out, 0x0a, |out| put_resource(out, resource))?;
    }
    put_text(out, 0x1a, &context.schema_url);
    out.extend_from_slice(&context.unknown);
    Ok(())
}

/// Appends a context as a `ScopeSpans` message without spans, as [`encode_resource_context`] does.
pub fn encode_scope_context(context: &ScopeContext, out: &mut Vec<u8>) -> Result<()> {
    if let Some(scope) = &context.scope {
        put_message(out, 0x0a, |out| put_scope(out, scope))?;
    }
    put_text(out, 0x1a, &context.schema_url);
    out.extend_from_slice(&context.unknown);
    Ok(())
}

fn put_resource(out: &mut Vec<u8>, resource: &Resource) -> Result<()> {
    put_attributes(out, 0x0a, &view_attributes(&resource.attributes)?);
    put_count(out, 0x10, resource.dropped_attributes_count);
    for entity in &resource.entity_refs {
        put_message(out, 0x1a, |out| put_entity(out, entity));
    }
    out.extend_from_slice(&resource.unknown);
    Ok(())
}

fn put_entity(out: &mut Vec<u8>, entity: &EntityRef) {
    put_text(out, 0x0a, &entity.schema_url);
    put_text(out, 0x12, &entity.entity_type);
    for key in &entity.id_keys {
        put_bytes(out, 0x1a, key.as_bytes());
    }
    for key in &entity.description_keys {
        put_bytes(out, 0x22, key.as_bytes());
    }
    out.extend_from_slice(&entity.unknown);
}

fn put_scope(out: &mut Vec<u8>, scope: &Scope) -> Result<()> {
    put_text(out, 0x0a, &scope.name);
    put_text(out, 0x12, &scope.version);
    put_attributes(out, 0x1a, &view_attributes(&scope.attributes)?);
    put_count(out, 0x20, scope.dropped_attributes_count);
    out.extend_from_slice(&scope.unknown);
    Ok(())
}

/// Reads the canonical bytes of a resource's context; `None` if they are not canonical.
pub fn decode_resource_context(canonical: &[u8]) -> Option<ResourceContext> {
    let mut c = Cursor::new(canonical);
    Some(ResourceContext {
        resource: if c.eat(0x0a) { Some(read_resource(c.delimited()?)?) } else { None },
        schema_url: c.text::<true>(0x1a)?.into_str(),
        unknown: c.unknown(known(1, 3))?.to_vec(),
    })
}

/// Reads the canonical bytes of a scope's context; `None` if they are not canonical.
pub fn decode_scope_context(canonical: &[u8]) -> Option<ScopeContext> {
    let mut c = Cursor::new(canonical);
    Some(ScopeContext {
        scope: if c.eat(0x0a) { Some(read_scope(c.delimited()?)?) } else { None },
        schema_url: c.text::<true>(0x1a)?.into_str(),
        unknown: c.unknown(known(1, 3))?.to_vec(),
    })
}

fn read_resource(bytes: &[u8]) -> Option<Resource> {
    let mut c = Cursor::new(bytes);
    let attributes = own_attributes(read_attributes(&mut c, 0x0a)?)?;
    let dropped_attributes_count = c.count(0x10)?;
    let mut entity_refs = Vec::new();
    while c.eat(0x1a) {
        entity_refs.push(read_entity(c.delimited()?)?);
    }
    let unknown = c.unknown(known(1, 3))?.to_vec();
    Some(Resource { attributes, dropped_attributes_count, entity_refs, unknown })
}

fn read_entity(bytes: &[u8]) -> Option<EntityRef> {
    let mut c = Cursor::new(bytes);
    Some(EntityRef {
        schema_url: c.text::<true>(0x0a)?.into_str(),
        entity_type: c.text::<true>(0x12)?.into_str(),
        id_keys: read_keys(&mut c, 0x1a)?,
        description_keys: read_keys(&mut c, 0x22)?,
        unknown: c.unknown(known(1, 4))?.to_vec(),
    })
}

fn read_keys(c: &mut Cursor<'_>, tag: u8) -> Option<Vec<Str>> {
    let mut keys = Vec::new();
    while c.eat(tag) {
        keys.push(Str::from(std::str::from_utf8(c.delimited()?).ok()?));
    }
    Some(keys)
}

fn read_scope(bytes: &[u8]) -> Option<Scope> {
    let mut c = Cursor::new(bytes);
    Some(Scope {
        name: c.text::<true>(0x0a)?.into_str(),
        version: c.text::<true>(0x12)?.into_str(),
        attributes: own_attributes(read_attributes(&mut c, 0x1a)?)?,
        dropped_attributes_count: c.count(0x20)?,
        unknown: c.unknown(known(1, 4))?.to_vec(),
    })
}
