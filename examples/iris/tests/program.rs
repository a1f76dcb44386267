//! `seldon::run`, as the program that it is: flags, environment, file, and what it says.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use seldon::Artifact;

/// The program in an empty folder, with nothing of this process's environment that it reads.
struct Program {
    folder: tempfile::TempDir,
    command: Command,
}

impl Program {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_iris"));
        command
            .current_dir(&folder)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { folder, command }
    }

    /// The same, with ports that the system chooses.
    fn on_any_port() -> Self {
        Self::new().line("--port 0 --admin-port 0")
    }

    /// The same, with the model that is shipped.
    fn serving() -> Self {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
        Self::on_any_port().flag("--model", shipped)
    }

    fn flag(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(name).arg(value);
        self
    }

    fn flags<const N: usize>(mut self, flags: [&str; N]) -> Self {
        self.command.args(flags);
        self
    }

    /// The flags of a command line.
    fn line(mut self, line: &str) -> Self {
        self.command.args(line.split(' '));
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(name), text).expect("written");
        self
    }

    /// Starts the program and reads the first line that it prints. The rest of its output is not
    /// wanted, and that must not matter to it.
    fn start(self) -> Running {
        self.start_with(Stdio::null())
    }

    fn start_with(mut self, stderr: Stdio) -> Running {
        self.command.stderr(stderr);
        let mut child = self.command.spawn().expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let first = lines.next().expect("a line").expect("text");
        let address = first
            .strip_prefix("listening on http://")
            .and_then(|rest| rest.split_whitespace().next())
            .expect("it says where it listens")
            .to_owned();
        Running {
            child,
            address,
            folder: self.folder,
        }
    }

    /// Runs a program that is to fail: its exit code and the one sentence that it says.
    fn fail(mut self) -> (i32, String) {
        let output = self.command.output().expect("it runs");
        assert!(
            output.stdout.is_empty(),
            "only standard error is written to"
        );
        let text = String::from_utf8(output.stderr).expect("text");
        let sentence = text.strip_suffix('\n').expect("a line").to_owned();
        assert!(!sentence.contains('\n'), "{sentence}");
        let sentence = sentence.strip_prefix("error: ").expect("an error");
        (
            output.status.code().expect("it ended by itself"),
            sentence.to_owned(),
        )
    }
}

struct Running {
    child: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Running {
    /// The status and the body of the answer to `GET path`.
    fn get(&self, path: &str) -> (u16, String) {
        self.get_with(path, "")
    }

    /// The same, with `headers` in the request.
    fn get_with(&self, path: &str, headers: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let status = answer[9..12].parse().expect("a status");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        (status, body.to_owned())
    }

    fn predict(&self) -> String {
        let (status, body) = self.get(FLOWER);
        assert_eq!(status, 200, "{body}");
        body
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As the documentation shows it.
const FLOWER: &str = "/predict?client=test1&json=%7B%22f1%22%3A4.8%2C%22f2%22%3A3.0%2C%22f3%22%3A1.4%2C%22f4%22%3A0.1%7D";

#[test]
fn it_serves_without_a_file_or_a_variable() {
    let body = Program::serving().start().predict();
    assert!(
        body.starts_with(r#"{"predictions":[{"score":0.9"#),
        "{body}"
    );
    assert!(body.contains(r#""classId":"setosa""#), "{body}");
}

#[test]
fn the_model_is_looked_for_in_the_working_folder() {
    let program = Program::on_any_port();
    let (from, to) = (
        Path::new(env!("CARGO_MANIFEST_DIR")).join("model"),
        program.folder.path().join("model"),
    );
    fs::create_dir(&to).expect("a folder");
    for file in ["manifest.json", "weights.msgpack", "bias.msgpack"] {
        fs::copy(from.join(file), to.join(file)).expect("copied");
    }
    program.start().predict();
}

#[test]
fn pipeline_is_another_name_of_the_model_flag() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
    let program = Program::new()
        .flags(["--port", "0"])
        .flag("--pipeline", shipped);
    program.start().predict();
}

#[test]
fn a_flag_counts_before_a_variable_and_a_variable_before_the_file() {
    let classic =
        || Program::serving().file("seldon.toml", "reply = \"classic\"\nmodel_name = \"file\"");
    let name = |program: Program| {
        let body = program.start().predict();
        let (_, rest) = body
            .split_once("\"modelName\":\"")
            .expect("the classic reply");
        rest.split('"').next().expect("a name").to_owned()
    };
    assert_eq!(
        name(Program::serving().flags(["--reply", "classic"])),
        "iris"
    );
    assert_eq!(name(classic()), "file");
    let variable = classic().variable("SELDON_MODEL_NAME", "variable");
    assert_eq!(name(variable), "variable");
    let flag = classic()
        .variable("SELDON_MODEL_NAME", "variable")
        .flags(["--model-name", "flag"]);
    assert_eq!(name(flag), "flag");
}

#[test]
fn the_file_may_be_named_by_a_flag_or_by_a_variable() {
    let other = || Program::serving().file("other.toml", "variation = \"b\"\nreply = \"classic\"");
    for program in [
        other().flags(["--config", "other.toml"]),
        other().variable("SELDON_CONFIG", "other.toml"),
    ] {
        let body = program.start().predict();
        assert!(body.contains(r#""variation":"b""#), "{body}");
    }
}

#[test]
fn help_names_every_flag_and_variable() {
    for ask in ["--help", "-h"] {
        let mut program = Program::new().flags([ask]);
        program.command.env("SELDON_MEMCACHED", "a-secret-host:1");
        let output = program.command.output().expect("it runs");
        assert!(output.status.success());
        let help = String::from_utf8(output.stdout).expect("text");
        for name in [
            "config",
            "model",
            "model-name",
            "variation",
            "host",
            "port",
            "grpc-port",
            "reply",
            "log",
            "memcached",
            "admin-host",
            "admin-port",
            "tls-cert",
            "tls-key",
            "tls-client-ca",
            "api-keys",
            "aws-key",
            "aws-secret",
            "s3-endpoint",
            "s3-region",
            "staging",
        ] {
            assert!(help.contains(&format!("--{name} <")), "{name}: {help}");
            let variable = name.to_uppercase().replace('-', "_");
            assert!(
                help.contains(&format!("[env: SELDON_{variable}]")),
                "{name}: {help}"
            );
        }
        assert!(help.contains("--pipeline"));
        assert!(help.contains("[env: SELDON_NO_ADMIN]"), "{help}");
        assert!(help.contains("[env: SELDON_API_KEY_OAUTH_TOKEN]"), "{help}");
        assert!(help.contains("--new-api-key <NAME>"), "{help}");
        assert!(help.contains("--watch [<PERIOD>]") && help.contains("[env: SELDON_WATCH]"));
        assert!(!help.contains("a-secret-host"), "what is set is not shown");
    }
}

#[test]
fn a_wrong_flag_is_said_in_one_sentence() {
    for (flags, says) in [
        ("--prot 1", "'--prot'; a similar one is '--port'"),
        ("--port x", "invalid value 'x' for '--port <PORT>'"),
        ("--port 65536", "a port is a number from 0 to 65535"),
        (
            "--host localhost",
            "invalid value 'localhost' for '--host <ADDRESS>'",
        ),
        ("--reply fancy", "it is documented or classic"),
        ("--log debg", "`debg` is no log level"),
        ("--log info,hyper=loud", "`info,hyper=loud` is no log level"),
        (
            "--log info --port",
            "a value is required for '--port <PORT>'",
        ),
        (
            "--watch soon",
            "it is a time as `5s` or `1m 30s`, or true or false",
        ),
        ("--watch 1ms", "every 10 ms to a day, not every 1ms"),
        ("now please", "unexpected argument 'now'"),
    ] {
        let (code, sentence) = Program::new().line(flags).fail();
        assert_eq!(code, 2, "{sentence}");
        assert!(sentence.contains(says), "{sentence}");
    }
}

/// Kubernetes sets `SELDON_PORT=tcp://…` where a service is called `seldon`.
#[test]
fn a_wrong_variable_is_named() {
    for (name, value) in [
        ("SELDON_PORT", "tcp://10.0.0.1:5000"),
        ("SELDON_PORT", ""),
        ("SELDON_GRPC_PORT", "-1"),
        ("SELDON_HOST", "here"),
        ("SELDON_REPLY", "fancy"),
        ("SELDON_WATCH", "often"),
    ] {
        let (code, sentence) = Program::new().variable(name, value).fail();
        assert_eq!(code, 2);
        assert!(sentence.contains(&format!("'{value}'")), "{sentence}");
        assert!(
            sentence.ends_with(&format!("from the environment's {name}")),
            "{sentence}"
        );
    }
}

#[test]
fn a_wrong_file_is_said_in_one_sentence() {
    for (text, says) in [
        (
            "prot = 1",
            "line 1: `prot`: unknown field `prot`, expected one of `model`, `model_name`,",
        ),
        (
            "\nport = \"x\"",
            "line 2: `port`: invalid type: string \"x\", expected u16",
        ),
        (
            "port = 70000",
            "line 1: `port`: invalid value: integer `70000`, expected u16",
        ),
        ("port = 1\nhost =", "line 2: "),
        (
            "reply = \"fancy\"",
            "line 1: `reply`: unknown variant `fancy`, expected `documented` or `classic`",
        ),
        (
            "host = \"here\"",
            "line 1: `host`: invalid IP address syntax",
        ),
        (
            "[limits]\nbodyy = 1",
            "line 2: `limits.bodyy`: unknown field `bodyy`, expected one of `head_time`,",
        ),
        ("[limits]\n\nidle = \"x\"", "line 3: `limits.idle`: "),
    ] {
        let (code, sentence) = Program::new().file("seldon.toml", text).fail();
        assert_eq!(code, 2, "{sentence}");
        let says = format!("seldon.toml, {says}");
        assert!(sentence.starts_with(&says), "{sentence}");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let (code, sentence) = Program::new().flags(["--config", "none.toml"]).fail();
    assert_eq!(code, 2);
    assert_eq!(sentence, "there is no configuration file none.toml");
}

#[test]
fn a_missing_model_is_said_with_what_to_do() {
    let (code, sentence) = Program::new().fail();
    assert_eq!(code, 1);
    assert!(
        sentence.starts_with("there is no model folder /"),
        "{sentence}"
    );
    assert!(sentence.ends_with("name another by --model"), "{sentence}");
}

#[test]
fn a_damaged_model_is_said() {
    let program = Program::new()
        .flags(["--model", "."])
        .file("manifest.json", "{}");
    let (code, sentence) = program.fail();
    assert_eq!(code, 1);
    assert!(
        sentence.contains("manifest.json is no manifest of a model folder"),
        "{sentence}"
    );
}

#[test]
fn a_port_that_is_taken_is_said() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = other.local_addr().expect("an address").port().to_string();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
    let program = Program::new()
        .flag("--model", shipped)
        .flag("--port", &port);
    let (code, sentence) = program.line("--log error --no-admin").fail();
    assert_eq!(code, 1);
    assert!(
        sentence.contains(&format!("127.0.0.1:{port}")),
        "{sentence}"
    );
}

/// The line of a file of keys, and the key, as the program makes them.
fn new_key(name: &str) -> (String, String) {
    let output = (Program::new().flag("--new-api-key", name).command.output()).expect("it runs");
    assert!(output.status.success());
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let said = text(output.stderr);
    let (_, key) = said
        .trim_end()
        .rsplit_once(' ')
        .expect("the key comes last");
    (text(output.stdout), key.to_owned())
}

#[test]
fn a_key_that_it_makes_opens_it() {
    let (line, key) = new_key("alice");
    assert!(!line.contains(&key), "the file never holds a key");
    let program = Program::serving().file("keys", &line);
    let running = program.flags(["--api-keys", "keys"]).start();
    assert_eq!(running.get("/health/ready").0, 200);
    assert_eq!(running.get(FLOWER).0, 401);
    let header = format!("x-api-key: {key}\r\n");
    assert_eq!(running.get_with(FLOWER, &header).0, 200);
    let token = format!("{FLOWER}&oauth_token={key}");
    assert_eq!(running.get(&token).0, 401);
}

#[test]
fn the_originals_token_is_taken_where_a_setting_says_so() {
    let (line, key) = new_key("alice");
    let file = "api_keys = \"keys\"\napi_key_oauth_token = true\n";
    let program = Program::serving()
        .file("keys", &line)
        .file("seldon.toml", file);
    let running = program.start();
    assert_eq!(running.get(&format!("{FLOWER}&oauth_token={key}")).0, 200);
    assert_eq!(running.get(FLOWER).0, 401);
}

#[test]
fn a_key_needs_a_name() {
    let (code, sentence) = Program::new().flags(["--new-api-key", "a b"]).fail();
    assert_eq!(code, 2);
    assert!(sentence.starts_with("the name of a key is"), "{sentence}");
}

#[test]
fn a_file_of_keys_that_cannot_be_used_is_said() {
    for (file, text, says) in [
        ("none", "", "none: cannot be read: "),
        (
            "keys",
            "alice secret",
            "keys: line 1: is not a name and a SHA-256 digest",
        ),
        ("keys", "", "keys: holds no API key"),
        (".", "", ".: is no file"),
    ] {
        let program = Program::serving().file("keys", text);
        let (code, sentence) = program.flags(["--log", "error", "--api-keys", file]).fail();
        assert_eq!(code, 1, "{sentence}");
        assert!(sentence.starts_with(says), "{sentence}");
        assert!(!sentence.contains("secret"), "{sentence}");
    }
}

#[test]
fn settings_that_guard_nothing_are_refused() {
    for (line, says) in [
        ("--tls-cert a", "--tls-cert is of no use without --tls-key"),
        ("--tls-key a", "--tls-key is of no use without --tls-cert"),
        (
            "--tls-client-ca a",
            "--tls-client-ca is of no use without --tls-cert",
        ),
        (
            "--api-key-oauth-token",
            "--api-key-oauth-token is of no use without --api-keys",
        ),
    ] {
        let (code, sentence) = Program::new().line(line).fail();
        assert_eq!(code, 2, "{sentence}");
        assert!(sentence.starts_with(says), "{sentence}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn a_certificate_that_is_not_there_is_said() {
    let program = Program::serving().line("--log error --tls-cert c.pem --tls-key k.pem");
    let (code, sentence) = program.fail();
    assert_eq!(code, 1);
    assert!(
        sentence.starts_with("c.pem: cannot be read: "),
        "{sentence}"
    );
}

/// Never in plain text where a certificate was asked for.
#[cfg(not(feature = "tls"))]
#[test]
fn tls_that_is_not_built_in_is_said() {
    let program = Program::serving().line("--log error --tls-cert c.pem --tls-key k.pem");
    let (code, sentence) = program.fail();
    assert_eq!(code, 1);
    assert!(
        sentence.contains("built without TLS: build it with the feature `tls`"),
        "{sentence}"
    );
}

#[cfg(not(feature = "s3"))]
#[test]
fn a_location_that_is_not_built_in_is_said() {
    let program = Program::on_any_port().line("--model s3n://bucket/iris");
    assert_eq!(
        program.fail(),
        (
            1,
            "this program cannot fetch s3://bucket/iris: build it with seldon's feature `s3`"
                .to_owned()
        )
    );
}

#[test]
fn a_password_in_a_location_is_not_repeated() {
    let url = "s3://key:HUSH@bucket/iris";
    let flag = Program::on_any_port().flags(["--model", url]);
    let variable = Program::on_any_port().variable("SELDON_MODEL", url);
    let file = Program::on_any_port().file("seldon.toml", &format!("model = \"{url}\""));
    for (program, begins) in [
        (flag, "--model: "),
        (variable, "--model: "),
        (file, "seldon.toml, line 1: `model`: "),
    ] {
        let (code, sentence) = program.fail();
        assert_eq!(code, 2);
        assert!(!sentence.contains("HUSH"), "{sentence}");
        let begins = format!("{begins}a s3:// location takes no user and no password");
        assert!(sentence.starts_with(&begins), "{sentence}");
    }
}

#[test]
fn a_wrong_setting_of_storage_is_said_without_a_secret() {
    for (text, says) in [
        (
            "[storage]\naws_access_key_id = \"HUSH\"",
            "unknown field `aws_access_key_id`",
        ),
        (
            "[storage]\naws_secret = 271828",
            "a secret must be a string",
        ),
        (
            "[storage]\naws_secret = \"HUSH\"",
            "--aws-secret is of no use without --aws-key",
        ),
        (
            "[storage]\ns3_endpoint = \"HUSH\"",
            "--s3-endpoint is no URL",
        ),
        ("[storage]\nsilence = \"0s\"", "must be over 0"),
    ] {
        let (code, sentence) = Program::serving().file("seldon.toml", text).fail();
        assert_eq!(code, 2);
        assert!(sentence.contains(says), "{sentence}");
        assert!(
            !sentence.contains("HUSH") && !sentence.contains("271828"),
            "{sentence}"
        );
    }
}

/// What it has logged by the time that it serves.
fn logged(program: Program) -> String {
    let mut running = program.start_with(Stdio::piped());
    assert_eq!(running.get("/health/ready").0, 200);
    running.child.kill().expect("it runs");
    let mut log = String::new();
    let mut stderr = running.child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut log).expect("text");
    log
}

#[test]
fn what_other_machines_reach_unguarded_is_warned_of() {
    const OPEN: &str = "served without TLS and without API keys";
    const READ_ALONG: &str = "API keys come in without TLS";
    let (line, _) = new_key("alice");
    let on = |host| Program::serving().flags(["--host", host]);
    let log = logged(on("127.0.0.1"));
    assert!(!log.contains("WARN"), "{log}");
    let log = logged(on("0.0.0.0"));
    assert_eq!(log.matches(OPEN).count(), 1, "{log}");
    let log = logged(
        on("0.0.0.0")
            .file("keys", &line)
            .flags(["--api-keys", "keys"]),
    );
    assert!(log.contains(READ_ALONG) && !log.contains(OPEN), "{log}");
    // The figures are another address.
    let log = logged(on("127.0.0.1").flags(["--admin-host", "0.0.0.0"]));
    assert_eq!(log.matches(OPEN).count(), 1, "{log}");
}

/// Not even where everything is logged, the libraries below included.
#[test]
fn a_key_is_in_no_log_and_its_name_is() {
    let (line, key) = new_key("alice");
    let program = Program::serving().file("keys", &line).line("--log trace");
    let program = program.line("--api-keys keys --api-key-oauth-token");
    let path = program.folder.path().join("log");
    let running = program.start_with(fs::File::create(&path).expect("a file").into());
    for (path, headers) in [
        (FLOWER, format!("x-api-key: {key}\r\n")),
        (FLOWER, format!("authorization: Bearer {key}\r\n")),
        (&format!("{FLOWER}&oauth_token={key}"), String::new()),
    ] {
        assert_eq!(running.get_with(path, &headers).0, 200);
    }
    let nowhere = running.get(&format!("/nowhere?oauth_token={key}"));
    assert_eq!(nowhere.0, 404);
    assert!(!nowhere.1.contains(&key), "{nowhere:?}");
    let log = fs::read_to_string(&path).expect("text");
    assert!(log.contains(r#""caller":"alice""#), "{log}");
    assert!(!log.contains(&key), "a key is in the log");
}

#[test]
fn the_index_and_the_metrics_say_which_model_it_is() {
    let mut running = Program::serving().start();
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("model/manifest.json");
    let sum = Command::new("sha256sum").arg(manifest).output();
    let sum = String::from_utf8(sum.expect("it runs").stdout).expect("text");
    let digest = sum.split(' ').next().expect("a digest");

    let (_, index) = running.get("/");
    assert!(
        index.contains(&format!(r#""version":"{}""#, &digest[..12])),
        "{index}"
    );
    let (_, admin) = (index.split_once(r#""admin":{"address":""#)).expect("it is there");
    running.address = admin.split('"').next().expect("an address").to_owned();
    let (_, figures) = running.get("/metrics");
    let info = format!(
        "seldon_model_info{{service=\"iris\",variation=\"default\",digest=\"{digest}\"}} 1\n"
    );
    assert!(figures.contains(&info), "{figures}");
    let took = (figures.lines())
        .find_map(|line| line.strip_prefix("seldon_model_load_seconds{service=\"iris\"} "));
    let took: f64 = took.expect("it was loaded").parse().expect("a number");
    assert!(took > 0.0 && took < 60.0, "{took}");
}

/// A model that scores all flowers alike, and this class highest.
fn always(class: usize) -> iris::Iris {
    let mut bias = [0.0; 3];
    bias[class] = 100.0;
    iris::Iris::new([[0.0; 4]; 3], bias)
}

/// Waits until a program answers with this text.
fn until(running: &Running, path: &str, text: &str) {
    while !running.get(path).1.contains(text) {
        std::thread::yield_now();
    }
}

#[test]
fn a_new_version_is_taken_in_where_a_setting_says_so() {
    let best = |class: &str| format!("{{\"score\":1.0,\"classId\":\"{class}\"");
    let by_file = Program::on_any_port().file("seldon.toml", "watch = \"10ms\"");
    for program in [
        Program::on_any_port().line("--watch 10ms"),
        Program::on_any_port().variable("SELDON_WATCH", "10ms"),
        by_file,
    ] {
        let model = program.folder.path().join("model");
        always(0).save(&model).expect("saved");
        let running = program.start();
        until(&running, FLOWER, &best("setosa"));
        always(1).save(&model).expect("saved");
        until(&running, FLOWER, &best("versicolor"));
    }
}

/// A variable can switch off what a file has on.
#[test]
fn a_version_is_not_looked_for_where_nobody_says_so() {
    let file = || Program::serving().file("seldon.toml", "watch = true");
    for program in [Program::serving(), file().variable("SELDON_WATCH", "false")] {
        assert!(!logged(program).contains("watched"));
    }
    for program in [file(), Program::serving().line("--watch")] {
        let log = logged(program);
        assert!(log.contains("watched") && log.contains("5s"), "{log}");
    }
}

#[test]
fn what_goes_on_being_wrong_is_said_once() {
    let program = Program::on_any_port().line("--watch 10ms");
    let path = program.folder.path().join("log");
    let model = program.folder.path().join("model");
    always(0).save(&model).expect("saved");
    let mut running = program.start_with(fs::File::create(&path).expect("a file").into());
    let (_, index) = running.get("/");
    let (_, admin) = (index.split_once(r#""admin":{"address":""#)).expect("it is there");
    let service = std::mem::replace(
        &mut running.address,
        admin.split('"').next().expect("an address").to_owned(),
    );
    let refused = |count: &str| {
        format!("seldon_model_reloads_total{{service=\"iris\",outcome=\"refused\"}} {count}\n")
    };
    let next = running.folder.path().join("next");
    always(1).save(&next).expect("saved");
    fs::write(next.join("bias.msgpack"), "altered").expect("written");
    fs::remove_dir_all(&model).expect("removed");
    fs::rename(next, model).expect("renamed");
    // It is tried again, and again.
    let count = || {
        let (_, figures) = running.get("/metrics");
        (0..3).all(|few| !figures.contains(&refused(&few.to_string())))
    };
    while !count() {
        std::thread::yield_now();
    }
    running.address = service;
    let log = fs::read_to_string(&path).expect("text");
    let warnings: Vec<&str> = (log.lines())
        .filter(|line| line.contains("a new version is refused") && line.contains("bias"))
        .collect();
    assert_eq!(warnings.len(), 1, "{log}");
    assert!(warnings[0].contains("bias.msgpack was truncated"), "{log}");
    assert!(warnings[0].contains("WARN"), "{log}");
    until(&running, FLOWER, "\"classId\":\"setosa\"");
}
