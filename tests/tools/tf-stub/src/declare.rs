//! The schema as Terraform wants to hear it.

use tf_provider::schema::{Attribute, AttributeConstraint, AttributeType, Block, NestedBlock, Schema};

use crate::argument::{Argument, Arguments, Definition, Scalar, Shape};

/// A resource: its arguments, an `id`, its timeouts.
pub fn resource(definition: &Definition) -> Schema {
    let mut block = block(&definition.arguments);
    let id = Attribute {
        attr_type: AttributeType::String,
        constraint: AttributeConstraint::OptionalComputed,
        ..Attribute::default()
    };
    block.attributes.insert("id".to_owned(), id);
    if !definition.timeouts.is_empty() {
        let mut timeouts = Block::default();
        for name in &definition.timeouts {
            let text = Attribute {
                attr_type: AttributeType::String,
                constraint: AttributeConstraint::Optional,
                ..Attribute::default()
            };
            timeouts.attributes.insert(name.clone(), text);
        }
        block.blocks.insert("timeouts".to_owned(), NestedBlock::Optional(timeouts));
    }
    Schema { version: definition.version, block }
}

/// The provider's own settings.
pub fn provider(arguments: &Arguments) -> Schema {
    Schema { version: 0, block: block(arguments) }
}

fn block(arguments: &Arguments) -> Block {
    let mut made = Block::default();
    for (name, argument) in arguments {
        if argument.block {
            let inner = block(&argument.nested);
            let nested = match (argument.shape, argument.max_items) {
                (Shape::Set, _) => NestedBlock::Set(inner),
                (_, Some(1)) => NestedBlock::Optional(inner),
                _ => NestedBlock::List(inner),
            };
            made.blocks.insert(name.clone(), nested);
        } else {
            made.attributes.insert(name.clone(), attribute(argument));
        }
    }
    made
}

fn attribute(argument: &Argument) -> Attribute {
    let filled = argument.computed || argument.default.is_some();
    let constraint = match (argument.required, argument.optional) {
        (true, _) => AttributeConstraint::Required,
        (_, true) if filled => AttributeConstraint::OptionalComputed,
        (_, true) => AttributeConstraint::Optional,
        _ => AttributeConstraint::Computed,
    };
    Attribute {
        attr_type: kind(argument),
        constraint,
        sensitive: argument.sensitive,
        deprecated: argument.deprecated,
        ..Attribute::default()
    }
}

fn kind(argument: &Argument) -> AttributeType {
    let inner = match argument.scalar {
        Scalar::Text => AttributeType::String,
        Scalar::Number => AttributeType::Number,
        Scalar::Flag => AttributeType::Bool,
        Scalar::Object => {
            let fields = argument.nested.iter().map(|(name, field)| (name.clone(), kind(field)));
            AttributeType::Object(fields.collect())
        }
    };
    match argument.shape {
        Shape::One => inner,
        Shape::List => AttributeType::List(Box::new(inner)),
        Shape::Set => AttributeType::Set(Box::new(inner)),
        Shape::Map => AttributeType::Map(Box::new(inner)),
    }
}
