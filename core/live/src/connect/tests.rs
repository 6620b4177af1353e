//! Kubeconfigs as values and as files in a directory of their own.

use super::*;

const ONE: &str = "
apiVersion: v1
kind: Config
current-context: HomeLab
clusters: [{name: lab, cluster: {server: 'https://192.168.10.100:6443'}}, {name: other, cluster: {server: 'https://o'}}]
users: [{name: admin, user: {token: secret}}, {name: dev, user: {}}]
contexts:
- {name: HomeLab, context: {cluster: lab, user: admin, namespace: team}}
- {name: kind-dev, context: {cluster: other, user: dev}}
- {name: broken, context: {cluster: gone, user: dev}}
";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lab-live-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn nowhere() -> Environment {
    Environment::default()
}

async fn with(
    text: &str,
    change: impl FnOnce(&mut LiveOptions),
) -> Answer<(Config, Option<String>)> {
    // One folder for each caller: tests run side by side.
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let nth = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = Folder::new(&format!("with-{nth}"));
    let mut options =
        LiveOptions { kubeconfig: Some(folder.file("config", text)), ..LiveOptions::default() };
    change(&mut options);
    choose(&options, &nowhere()).await
}

#[tokio::test]
async fn the_current_context_and_another_one() {
    let (config, context) = with(ONE, |_| {}).await.unwrap();
    assert_eq!(context.as_deref(), Some("HomeLab"));
    assert_eq!(config.cluster_url.host(), Some("192.168.10.100"));
    assert_eq!(config.default_namespace, "team");
    let (config, _) = with(ONE, |options| options.context = Some("kind-dev".into())).await.unwrap();
    assert_eq!(config.cluster_url.host(), Some("o"));
}

#[tokio::test]
async fn flags_come_before_the_file() {
    let (config, _) = with(ONE, |options| {
        options.server = Some("http://127.0.0.1:1".into());
        options.cluster = Some("other".into());
        options.user = Some("dev".into());
        options.as_user = Some("jane".into());
        options.as_groups = vec!["viewers".into()];
        options.tls_server_name = Some("k8s".into());
        options.insecure_skip_tls_verify = true;
    })
    .await
    .unwrap();
    assert_eq!(config.cluster_url, "http://127.0.0.1:1");
    assert_eq!(config.auth_info.impersonate.as_deref(), Some("jane"));
    assert_eq!(config.auth_info.impersonate_groups, Some(vec!["viewers".to_owned()]));
    assert_eq!(config.tls_server_name.as_deref(), Some("k8s"));
    assert!(config.accept_invalid_certs);
}

#[tokio::test]
async fn a_wrong_context_names_the_known_ones_nearest_first() {
    let failure =
        with(ONE, |options| options.context = Some("homelab".into())).await.err().unwrap();
    assert_eq!(failure.message, "context `homelab` is not in the kubeconfig");
    assert_eq!(failure.hint.unwrap(), "it has: `HomeLab`, `broken`, `kind-dev`");
    let failure = with(ONE, |options| options.user = Some("admim".into())).await.err().unwrap();
    assert_eq!(failure.hint.unwrap(), "it has: `admin`, `dev`");
    let failure = with(ONE, |options| options.context = Some("broken".into())).await.err().unwrap();
    assert_eq!(failure.message, "cluster `gone` is not in the kubeconfig");
}

#[tokio::test]
async fn no_kubeconfig_at_all_says_where_it_looked() {
    let environment = Environment { home: Some("/nonexistent".into()), ..nowhere() };
    let failure = choose(&LiveOptions::default(), &environment).await.err().unwrap();
    assert_eq!(failure.message, "no cluster is configured: looked in /nonexistent/.kube/config");
    assert!(failure.hint.unwrap().contains("--demo"));
}

#[tokio::test]
async fn a_server_alone_is_enough() {
    let options = LiveOptions {
        server: Some("https://127.0.0.1:6443".into()),
        token: Some("t".into()),
        ..LiveOptions::default()
    };
    let (config, context) = choose(&options, &nowhere()).await.unwrap();
    assert_eq!((config.cluster_url.port_u16(), context), (Some(6443), None));
    assert!(config.auth_info.token.is_some());
}

#[tokio::test]
async fn a_list_of_files_is_merged_first_wins_and_missing_ones_are_passed_over() {
    let folder = Folder::new("list");
    let first = folder.file("a", "current-context: kind-dev\ncontexts: []\n");
    let second = folder.file("b", ONE);
    let list = std::env::join_paths([folder.0.join("missing"), first, second]).unwrap();
    let environment = Environment { kubeconfig: Some(list), ..nowhere() };
    let (_, context) = choose(&LiveOptions::default(), &environment).await.unwrap();
    assert_eq!(context.as_deref(), Some("kind-dev"));
    let missing =
        LiveOptions { kubeconfig: Some(folder.0.join("missing")), ..LiveOptions::default() };
    let failure = choose(&missing, &environment).await.err().unwrap();
    assert!(failure.message.starts_with("cannot read kubeconfig "), "{}", failure.message);
}

#[tokio::test]
async fn a_file_that_is_no_kubeconfig() {
    let failure = with("{: ::", |_| {}).await.err().unwrap();
    assert!(failure.message.starts_with("cannot read kubeconfig "), "{}", failure.message);
    assert!(!failure.message.contains('\n'));
}

#[test]
fn distances() {
    for (a, b, expected) in [("", "", 0), ("ab", "ab", 0), ("ab", "", 2), ("kitten", "sitting", 3)]
    {
        assert_eq!(distance(a, b), expected, "{a} {b}");
        assert_eq!(distance(b, a), expected, "{b} {a}");
    }
}
