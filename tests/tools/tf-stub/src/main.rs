//! Stands in for the Scaleway provider, so that the modules can be planned and applied offline.
//!
//! ```text
//! schema.json ──► argument ──► declare ──► terraform: which arguments there are
//!                    ├───────► check   ──► what the provider refuses
//!                    └───────► plan    ──► defaults, "known after apply", made-up results
//! ```
//!
//! It shows that a configuration is well formed, accepted by the provider's own rules, stable from plan
//! to plan and does what its assertions say. It does not show what only the service knows: quotas,
//! types offered in a zone, labels of images, how long anything takes.

mod argument;
mod check;
mod declare;
mod plan;
mod value;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use rmpv::Value;
use serde_json::Value as Json;
use tf_provider::schema::Schema;
use tf_provider::value::ValueEmpty;
use tf_provider::{
    AttributePath, DataSource, Diagnostics, DynamicDataSource, DynamicResource, Provider, Resource,
};

use argument::Definition;

/// From the provider's source at v2.81.0 (commit b2d45ed4): names, types and rules, no descriptions.
const SCHEMA: &str = include_str!("../schema.json");

/// A resource or a data source.
#[derive(Debug)]
struct Stand {
    definition: Arc<Definition>,
}

#[async_trait]
impl Resource for Stand {
    type State<'a> = Value;
    type PrivateState<'a> = ValueEmpty;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        Some(declare::resource(&self.definition))
    }

    async fn validate<'a>(&self, to: &mut Diagnostics, config: Value) -> Option<()> {
        check::arguments(to, &self.definition.arguments, &config, &config, &AttributePath::default());
        Some(())
    }

    async fn read<'a>(
        &self,
        _: &mut Diagnostics,
        state: Value,
        private: ValueEmpty,
        _: ValueEmpty,
    ) -> Option<(Value, ValueEmpty)> {
        Some((state, private))
    }

    async fn plan_create<'a>(
        &self,
        to: &mut Diagnostics,
        mut proposed: Value,
        _: Value,
        _: ValueEmpty,
    ) -> Option<(Value, ValueEmpty)> {
        plan::fill(&self.definition.arguments, &mut proposed);
        check::places(to, &self.definition, &proposed);
        value::put(&mut proposed, "id", value::unknown());
        Some((proposed, ValueEmpty::default()))
    }

    async fn plan_update<'a>(
        &self,
        to: &mut Diagnostics,
        prior: Value,
        mut proposed: Value,
        _: Value,
        private: ValueEmpty,
        _: ValueEmpty,
    ) -> Option<(Value, ValueEmpty, Vec<AttributePath>)> {
        plan::fill(&self.definition.arguments, &mut proposed);
        check::places(to, &self.definition, &proposed);
        let changed = |name: &str| value::field(&prior, name) != value::field(&proposed, name);
        let arguments = self.definition.arguments.iter();
        let replaced = arguments
            .filter(|(name, argument)| argument.force_new && changed(name))
            .map(|(name, _)| AttributePath::new(name.clone()))
            .collect();
        Some((proposed, private, replaced))
    }

    async fn plan_destroy<'a>(
        &self,
        _: &mut Diagnostics,
        _: Value,
        private: ValueEmpty,
        _: ValueEmpty,
    ) -> Option<ValueEmpty> {
        Some(private)
    }

    async fn create<'a>(
        &self,
        to: &mut Diagnostics,
        mut planned: Value,
        _: Value,
        private: ValueEmpty,
        _: ValueEmpty,
    ) -> Option<(Value, ValueEmpty)> {
        check::places(to, &self.definition, &planned);
        plan::resolve(&self.definition.arguments, &mut planned);
        // A network has a zone as well, but only to be read, or of former days: it belongs to its region.
        let is_given = |name: &&&str| {
            let argument = self.definition.arguments.get(**name);
            argument.is_some_and(|argument| argument.optional && !argument.deprecated)
        };
        let names = ["zone", "region"];
        let place = names.iter().filter(is_given).find_map(|name| value::field(&planned, name).as_str());
        let place = place.map(|place| format!("{place}/")).unwrap_or_default();
        let id = format!("{place}00000000-0000-4000-8000-{:012x}", plan::next());
        value::put(&mut planned, "id", id.into());
        Some((planned, private))
    }

    async fn update<'a>(
        &self,
        _: &mut Diagnostics,
        _: Value,
        mut planned: Value,
        _: Value,
        private: ValueEmpty,
        _: ValueEmpty,
    ) -> Option<(Value, ValueEmpty)> {
        plan::resolve(&self.definition.arguments, &mut planned);
        Some((planned, private))
    }

    async fn destroy<'a>(&self, _: &mut Diagnostics, _: Value, _: ValueEmpty, _: ValueEmpty) -> Option<()> {
        Some(())
    }
}

#[async_trait]
impl DataSource for Stand {
    type State<'a> = Value;
    type ProviderMetaState<'a> = ValueEmpty;

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        Some(declare::resource(&self.definition))
    }

    async fn read<'a>(&self, _: &mut Diagnostics, mut config: Value, _: ValueEmpty) -> Option<Value> {
        plan::fill(&self.definition.arguments, &mut config);
        plan::resolve(&self.definition.arguments, &mut config);
        value::put(&mut config, "id", format!("00000000-0000-4000-8000-{:012x}", plan::next()).into());
        Some(config)
    }
}

/// The whole provider.
#[derive(Debug)]
struct Scaleway {
    schema: Json,
}

impl Scaleway {
    /// Definitions by the name after `scaleway_`.
    fn stands(table: &Json) -> impl Iterator<Item = (String, Stand)> {
        table.as_object().into_iter().flatten().filter_map(|(name, json)| {
            let short = name.strip_prefix("scaleway_")?;
            Some((short.to_owned(), Stand { definition: Arc::new(argument::definition(json)) }))
        })
    }
}

#[async_trait]
impl Provider for Scaleway {
    type Config<'a> = Value;
    type MetaState<'a> = ValueEmpty;

    fn schema(&self, _: &mut Diagnostics) -> Option<Schema> {
        Some(declare::provider(&argument::arguments(&self.schema["_provider"])))
    }

    async fn validate<'a>(&self, to: &mut Diagnostics, config: Value) -> Option<()> {
        let arguments = argument::arguments(&self.schema["_provider"]);
        check::arguments(to, &arguments, &config, &config, &AttributePath::default());
        Some(())
    }

    async fn configure<'a>(&self, _: &mut Diagnostics, _: String, _: Value) -> Option<()> {
        Some(())
    }

    fn get_resources(&self, _: &mut Diagnostics) -> Option<HashMap<String, Box<dyn DynamicResource>>> {
        let boxed = |(name, stand)| (name, Box::new(stand) as Box<dyn DynamicResource>);
        Some(Self::stands(&self.schema).map(boxed).collect())
    }

    fn get_data_sources(&self, _: &mut Diagnostics) -> Option<HashMap<String, Box<dyn DynamicDataSource>>> {
        let boxed = |(name, stand)| (name, Box::new(stand) as Box<dyn DynamicDataSource>);
        Some(Self::stands(&self.schema["_data_sources"]).map(boxed).collect())
    }
}

#[tokio::main]
async fn main() {
    let schema = serde_json::from_str(SCHEMA).expect("schema.json is JSON");
    tf_provider::serve("scaleway", Scaleway { schema }).await.expect("terraform speaks to us");
}
