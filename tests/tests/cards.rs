//! The checked-in cards are what the components say of themselves.

use lab_engine::{ArtifactCache, Component, Engine};
use lab_types::Card;

#[tokio::test]
async fn cards_are_up_to_date() {
    let engine = Engine::new().unwrap();
    let plugins = kubectl_lab::builtin();
    assert!(!plugins.is_empty(), "no plugin is built in");
    for plugin in plugins {
        let component =
            Component::load(&engine, &ArtifactCache::none(), plugin.name, plugin.wasm).unwrap();
        let described = component.describe().await.unwrap();
        let stored: Card = serde_json::from_str(plugin.card).unwrap();
        let text = serde_json::to_string_pretty(&described).unwrap() + "\n";
        let same = stored == described && text == plugin.card;
        let line = text.lines().zip(plugin.card.lines()).position(|(new, old)| new != old);
        let line = line.map_or(0, |line| line + 1);
        assert!(same, "plugins/{}/card.json: line {line}: `cargo bless` writes it", plugin.name);
        assert_eq!(lab_cli::complaints(&stored), Vec::<String>::new(), "{}", plugin.name);
        let asks = stored.asks.iter().flat_map(|ask| &ask.scope).count();
        assert!(asks > 0, "{} asks for nothing, so it can know nothing", plugin.name);
    }
}
