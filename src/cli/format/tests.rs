//! What templates render to. The expected texts are the outputs of Go's own text/template and fmt, with docker's
//! functions added, over the same data.

use super::*;
use crate::inspect::view::view;
use proptest::prelude::*;

const DATA: &str = r##"{"ID": "4f2c9d", "Names": ["web", "db"], "Size": 2048, "Ratio": 1.5, "Running": true, "Exit": 0, "Empty": "", "None": null, "Labels": {"app": "shop", "tier": "front"}, "State": {"Pid": 42, "Status": "running"}, "Mounts": [{"Source": "/a", "Target": "/b"}, {"Source": "/c", "Target": "/d"}], "Big": 18014398509481984, "Html": "<a href='x'>\"&\"</a>", "Uni": "grüße\t☺"}"##;

#[rustfmt::skip]
const RENDERED: &[(&str, &str)] = &[
    ("plain", "plain"),
    ("{{.ID}}", "4f2c9d"),
    (" {{- .ID -}} ", "4f2c9d"),
    (r#"a  {{- " " -}}  b"#, "a b"),
    ("{{/* comment */}}x", "x"),
    ("{{- /* comment */ -}} x", "x"),
    ("{{.State.Pid}} {{.State}}", "42 map[Pid:42 Status:running]"),
    ("{{.Names}} {{.Labels}} {{.Mounts}}", "[web db] map[app:shop tier:front] [map[Source:/a Target:/b] map[Source:/c Target:/d]]"),
    ("{{.Size}} {{.Ratio}} {{.Running}} {{.Big}}", "2048 1.5 true 18014398509481984"),
    ("{{.Labels.app}} {{.Labels.none}} {{.Labels.none.deeper}}", "shop <no value> <no value>"),
    ("{{$}}", "map[Big:18014398509481984 Empty: Exit:0 Html:<a href='x'>\"&\"</a> ID:4f2c9d Labels:map[app:shop tier:front] Mounts:[map[Source:/a Target:/b] map[Source:/c Target:/d]] Names:[web db] None:<nil> Ratio:1.5 Running:true Size:2048 State:map[Pid:42 Status:running] Uni:grüße\t☺]"),
    ("{{$.ID}} {{with .State}}{{.Pid}} {{$.ID}}{{end}}", "4f2c9d 42 4f2c9d"),
    ("{{$x := .ID}}{{$x}}", "4f2c9d"),
    ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
    ("{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", "1"),
    ("{{with $x := .ID}}{{$x}}{{end}}", "4f2c9d"),
    ("{{if .Running}}up{{else}}down{{end}}", "up"),
    ("{{if .Exit}}bad{{else if .Empty}}e{{else if eq .Size 2048}}size{{else}}none{{end}}", "size"),
    ("{{if not .Empty}}e{{end}}", "e"),
    (r#"{{if and .Running .ID}}both{{end}} {{and 1 0 3}} {{or 0 "" "x"}} {{or .Empty .ID}}"#, "both 0 x 4f2c9d"),
    ("{{range .Names}}<{{.}}>{{end}}", "<web><db>"),
    ("{{range $i, $n := .Names}}{{$i}}={{$n}} {{end}}", "0=web 1=db "),
    ("{{range $n := .Names}}{{$n}} {{end}}", "web db "),
    ("{{range $k, $v := .Labels}}{{$k}}={{$v}},{{end}}", "app=shop,tier=front,"),
    ("{{range .Labels}}{{.}};{{end}}", "shop;front;"),
    ("{{range .None}}x{{else}}none{{end}}", "none"),
    ("{{range .Mounts}}{{.Source}}:{{.Target}} {{end}}", "/a:/b /c:/d "),
    ("{{range $i, $e := .Names}}{{if $i}}, {{end}}{{$e}}{{end}}", "web, db"),
    (r#"{{range .Names}}{{if eq . "db"}}{{break}}{{end}}{{.}}{{end}}"#, "web"),
    (r#"{{range .Names}}{{if eq . "web"}}{{continue}}{{end}}{{.}}{{end}}"#, "db"),
    (r#"{{$last := ""}}{{range .Names}}{{$last = .}}{{end}}{{$last}}"#, "db"),
    ("{{with .None}}x{{else}}nothing{{end}}", "nothing"),
    ("{{with .State}}{{.Status}}{{end}}", "running"),
    (r#"{{define "t"}}[{{.}}]{{end}}{{template "t" .ID}}{{template "t"}}"#, "[4f2c9d][<no value>]"),
    (r#"{{block "b" .ID}}({{.}}){{end}}"#, "(4f2c9d)"),
    (r#"{{define "l"}}{{range .}}<{{template "i" .}}>{{end}}{{end}}{{define "i"}}{{upper .}}{{end}}{{template "l" .Names}}"#, "<WEB><DB>"),
    (r#"{{.ID | printf "%s-%s" "a"}}"#, "a-4f2c9d"),
    (r#"{{printf "%q" .ID | len}}"#, "8"),
    ("{{(index .Mounts 0).Source}}", "/a"),
    (r#"{{index .Names 1}} {{index .Labels "app"}}"#, "db shop"),
    (r#"{{index .Mounts 1 "Target"}}"#, "/d"),
    ("{{slice .ID 1 3}} {{slice .Names 1}} {{slice .ID 2}}", "f2 [db] 2c9d"),
    ("{{len .Names}} {{len .ID}} {{len .Labels}}", "2 6 2"),
    (r#"{{eq .ID "4f2c9d"}} {{eq .Size 1 2 2048}} {{ne .ID "x"}} {{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1.5 2.5}}"#, "true true true true true true false"),
    ("{{eq .None nil}}", "true"),
    (r#"{{print 1 2 "a" "b" 3 4 nil true 1.5}}"#, "1 2ab3 4 <nil> true 1.5"),
    (r#"{{print "a" 1 2 "b"}}"#, "a1 2b"),
    ("{{println .ID 1}}x", "4f2c9d 1\nx"),
    ("{{print .Names .Labels}}", "[web db] map[app:shop tier:front]"),
    (r#"{{printf "%s %v %d %5d|%-5d|%05d %x %X %o %b %c %U %q" .ID .ID 42 42 42 42 255 255 8 5 65 65 65}}"#, "4f2c9d 4f2c9d 42    42|42   |00042 ff FF 10 101 A U+0041 'A'"),
    (r#"{{printf "%t %v %f %.2f %8.3f %e %g %6.2f%%" true false 1.5 3.14159 2.71828 12345.678 0.00001 99.5}}"#, "true false 1.500000 3.14    2.718 1.234568e+04 1e-05  99.50%"),
    (r#"{{printf "%10s|%-10s|%.2s|%q|%x|% x|%X" "abc" "abc" "abcdef" "a\"b\n" "hi" "hi" "hi"}}"#, r#"       abc|abc       |ab|"a\"b\n"|6869|68 69|6869"#),
    (r#"{{printf "%v %s %d %q" .Names .Names .Names .Names}}"#, r#"[web db] [web db] [%!d(string=web) %!d(string=db)] ["web" "db"]"#),
    (r#"{{printf "%v %s %d" .Labels .Labels .State}}"#, "map[app:shop tier:front] map[app:shop tier:front] map[%!d(string=Pid):42 %!d(string=Status):%!d(string=running)]"),
    (r#"{{printf "%d %s" "x" 5}}"#, "%!d(string=x) %!s(int=5)"),
    (r#"{{printf "%d"}}"#, "%!d(MISSING)"),
    (r#"{{printf "%d %d" 1}}"#, "1 %!d(MISSING)"),
    (r#"{{printf "x" 1 "a"}}"#, "x%!(EXTRA int=1, string=a)"),
    (r#"{{printf "%!"}}"#, "%!!(MISSING)"),
    (r#"{{printf "%z" 1}}"#, "%!z(int=1)"),
    (r#"{{printf "%[2]d %[1]d" 1 2}}"#, "2 1"),
    (r#"{{printf "%[3]d" 1}}"#, "%!d(BADINDEX)"),
    (r#"{{printf "%*d|%-*d|" 5 1 5 2}}"#, "    1|2    |"),
    (r#"{{printf "%+d % d %+.1f" 5 5 1.0}}"#, "+5  5 +1.0"),
    (r#"{{printf "%#x %#o %#q %#v" 255 8 "x" "y"}}"#, r#"0xff 010 `x` "y""#),
    (r#"{{printf "%T %T %T %T" 1 "a" 1.5 true}}"#, "int string float64 bool"),
    (r#"{{printf "%v %s %d" nil nil nil}}"#, "<nil> %!s(<nil>) %!d(<nil>)"),
    (r#"{{printf "%6v|%-6v|%06d|%+v" true 12 -12 "s"}}"#, "  true|12    |-00012|s"),
    (r#"{{printf "%.3g %g %G %.10g" 1234567.0 1e21 1e-7 0.1}}"#, "1.23e+06 1e+21 1E-07 0.1"),
    (r#"{{printf "%5t|%-7t|" true false}}"#, " true|false  |"),
    (r#"{{printf "%3c|%-3c|%q" 'x' 'y' "☺"}}"#, r#"  x|y  |"☺""#),
    (r#"{{printf "%+q %q" "☺" 'x'}}"#, r#""\u263a" 'x'"#),
    (r#"{{printf "%08.3f|%-8.2f|%+e" 3.14159 2.5 100.0}}"#, "0003.142|2.50    |+1.000000e+02"),
    (r#"{{printf "%x %X" .Names "ÿ"}}"#, "[776562 6462] C3BF"),
    ("{{1}} {{-1}} {{+2}} {{0x1F}} {{017}} {{0b101}} {{1_000}} {{'a'}} {{1.50}} {{.5}} {{1e3}} {{true}}", "1 -1 2 31 15 5 1000 97 1.5 0.5 1000 true"),
    ("{{1e6}} {{123456789.0}} {{1e20}} {{1e21}} {{0.0001}} {{0.00001}} {{100000.0}} {{1234567.5}}", "1e+06 1.23456789e+08 1e+20 1e+21 0.0001 1e-05 100000 1.2345675e+06"),
    (r#"{{"a\tb\"\\\u263a\x41\101"}} {{`raw\n`}}"#, "a\tb\"\\☺AA raw\\n"),
    ("{{3 | print}}", "3"),
    ("{{print (print 1 2) (print 3)}}", "1 23"),
    (r#"{{not 0}} {{not "x"}} {{not nil}}"#, "true false true"),
    ("{{html .Html}} {{.Html | html}}", "&lt;a href=&#39;x&#39;&gt;&#34;&amp;&#34;&lt;/a&gt; &lt;a href=&#39;x&#39;&gt;&#34;&amp;&#34;&lt;/a&gt;"),
    ("{{js .Html}}", r#"\u003Ca href\u003D\'x\'\u003E\"\u0026\"\u003C/a\u003E"#),
    (r#"{{urlquery "a b&c=d/é"}}"#, "a+b%26c%3Dd%2F%C3%A9"),
    (r#"{{html "a" 1 2 "<"}}"#, "a1 2&lt;"),
    ("{{json .}}", r#"{"Big":18014398509481984,"Empty":"","Exit":0,"Html":"<a href='x'>\"&\"</a>","ID":"4f2c9d","Labels":{"app":"shop","tier":"front"},"Mounts":[{"Source":"/a","Target":"/b"},{"Source":"/c","Target":"/d"}],"Names":["web","db"],"None":null,"Ratio":1.5,"Running":true,"Size":2048,"State":{"Pid":42,"Status":"running"},"Uni":"grüße\t☺"}"#),
    ("{{json .Labels}} {{json .Names}} {{json .ID}} {{json .None}} {{json .Html}}", r#"{"app":"shop","tier":"front"} ["web","db"] "4f2c9d" null "<a href='x'>\"&\"</a>""#),
    (r#"{{join .Names ", "}}"#, "web, db"),
    (r#"{{split "a,b,c" ","}} {{split "abc" ""}} {{index (split "x/y" "/") 1}}"#, "[a b c] [a b c] y"),
    (r#"{{upper .ID}} {{lower "ABC"}} {{title "hello wörld foo_bar x-y"}}"#, "4F2C9D abc Hello Wörld Foo_bar X-Y"),
    (r#"{{truncate .ID 3}} {{truncate "ab" 5}} {{pad "x" 2 1}}|{{pad "" 2 2}}|"#, "4f2 ab   x ||"),
    ("{{.}}{{.ID}}", "map[Big:18014398509481984 Empty: Exit:0 Html:<a href='x'>\"&\"</a> ID:4f2c9d Labels:map[app:shop tier:front] Mounts:[map[Source:/a Target:/b] map[Source:/c Target:/d]] Names:[web db] None:<nil> Ratio:1.5 Running:true Size:2048 State:map[Pid:42 Status:running] Uni:grüße\t☺]4f2c9d"),
    ("{{ $ }}", "map[Big:18014398509481984 Empty: Exit:0 Html:<a href='x'>\"&\"</a> ID:4f2c9d Labels:map[app:shop tier:front] Mounts:[map[Source:/a Target:/b] map[Source:/c Target:/d]] Names:[web db] None:<nil> Ratio:1.5 Running:true Size:2048 State:map[Pid:42 Status:running] Uni:grüße\t☺]"),
    (r#"{{.Uni}} {{printf "%q" .Uni}} {{len .Uni}}"#, "grüße\t☺ \"grüße\\t☺\" 11"),
    ("{{range $i, $c := .State}}{{$i}}{{$c}}{{end}}", "Pid42Statusrunning"),
    ("{{with .Labels}}{{.app}}{{end}} {{with $l := .Labels}}{{$l.tier}}{{end}}", "shop front"),
    ("{{$m := .Mounts}}{{(index $m 0).Target}}", "/b"),
    ("{{if and .None .None.Foo}}x{{else}}y{{end}}", "y"),
    ("{{or .ID .None.Foo}}", "4f2c9d"),
    (r#"{{printf "%v" (and .ID .Names)}}"#, "[web db]"),
    (r#"{{eq "a" "b" "a"}} {{eq 1 1 }} {{ne 1 2}}"#, "true true true"),
    (r#"{{"quoted" | printf "%s %s" "x" | upper | printf "%12s"}}"#, "    X QUOTED"),
    ("{{/* a */}}{{/* b */ -}}   c", "c"),
    ("{{- 3}} {{3 -}} x", "3 3x"),
    ("{{print nil}}", "<nil>"),
    ("{{print .None}}", "<nil>"),
    ("{{print .Labels.none}}", "<nil>"),
    (r#"{{printf "%s" .Labels.none}}"#, "%!s(<nil>)"),
    (r#"{{printf "%v %v" 1.0 100.0}}"#, "1 100"),
    (r#"{{printf "%d" 1.5}}"#, "%!d(float64=1.5)"),
    (r#"{{printf "%s" true}}"#, "%!s(bool=true)"),
    (r#"{{printf "%t" 1}}"#, "%!t(int=1)"),
    (r#"{{printf "%-5s|%5.1f|%-8v|" "ab" 2.25 .Names}}"#, "ab   |  2.2|[web      db      ]|"),
    (r#"{{printf "%03d|%+03d|%x|%.3d" 7 7 -255 5}}"#, "007|+07|-ff|005"),
    (r#"{{printf "%05s|%.0f|%5%|" "ab" 2.5}}"#, "000ab|2|%|"),
    (r#"{{index "abc" 1}} {{len "é"}}"#, "98 2"),
    (r#"{{slice .Names 0 1}} {{slice "abcdef" 1 2}}"#, "[web] b"),
    ("{{range $i, $x := .Mounts}}{{range $k, $v := $x}}{{$i}}{{$k}}{{$v}} {{end}}{{end}}", "0Source/a 0Target/b 1Source/c 1Target/d "),
    ("{{with $x := 5}}{{$x}}{{else}}0{{end}}", "5"),
    ("{{if $n := len .Names}}{{$n}}{{end}}", "2"),
    ("{{range $i, $n := .Names}}{{else}}x{{end}}.", "."),
    ("{{$x := 0}}{{range $i, $n := .Names}}{{$x = $i}}{{end}}{{$x}}", "1"),
    ("{{range $k, $v := .}}{{$k}} {{end}}", "Big Empty Exit Html ID Labels Mounts Names None Ratio Running Size State Uni "),
    (r#"{{ if eq .State.Status "running" "paused" }}ok{{ end }}"#, "ok"),
    ("{{range .Mounts}}{{println .Source}}{{end}}", "/a\n/c\n"),
    (r#"{{range $i, $m := .Mounts}}{{if gt $i 0}},{{end}}{{printf "%s:%s" $m.Source $m.Target}}{{end}}"#, "/a:/b,/c:/d"),
    ("{{with .State}}{{with .Pid}}{{.}} {{$.ID}}{{end}}{{end}}", "42 4f2c9d"),
    (r#"{{(printf "%s" .ID) | upper | printf "%q"}}"#, r#""4F2C9D""#),
    ("{{(.State).Pid}} {{(index .Mounts 0).Source | upper}}", "42 /A"),
    (r#"{{range split "a b c" " "}}[{{.}}]{{end}}"#, "[a][b][c]"),
    (r#"{{json .Mounts | printf "%.20s"}}"#, r#"[{"Source":"/a","Tar"#),
    (r#"{{if (and (eq .ID "4f2c9d") (or .Empty .Running))}}yes{{end}}"#, "yes"),
    (r#"{{printf "%v %v" .Running .None}}"#, "true <nil>"),
    (r#"{{printf "%8.3s|%-8.3s|%08d|%+.3e" "abcdef" "abcdef" -42 12345.678}}"#, "     abc|abc     |-0000042|+1.235e+04"),
    (r#"{{printf "%6.2f|%-8.1f|%g" .Ratio .Ratio .Ratio}}"#, "  1.50|1.5     |1.5"),
    (r#"{{printf "%s" (slice .ID 0 4)}}"#, "4f2c"),
    ("{{println}}", "\n"),
    ("{{print}}", ""),
    (r#"{{len ""}} {{not .Names}} {{and true}} {{or false}}"#, "0 false true false"),
    (r#"{{ge 2 2}} {{lt "a" "b"}} {{eq true true}} {{ne 1.5 1.5}}"#, "true true true false"),
    (r#"{{index .State "Pid"}} {{index .}}"#, "42 map[Big:18014398509481984 Empty: Exit:0 Html:<a href='x'>\"&\"</a> ID:4f2c9d Labels:map[app:shop tier:front] Mounts:[map[Source:/a Target:/b] map[Source:/c Target:/d]] Names:[web db] None:<nil> Ratio:1.5 Running:true Size:2048 State:map[Pid:42 Status:running] Uni:grüße\t☺]"),
    ("{{if true -}}   a   {{- else -}} b {{- end}} c", "a c"),
    (r#"{{"a" -}}"#, "a"),
    (" b", " b"),
    ("{{with $}}{{.ID}}{{end}}", "4f2c9d"),
    (r#"{{template "x" "arg"}}{{define "x"}}<{{.}}>{{with $y := "z"}}{{$y}}{{end}}{{end}}"#, "<arg>z"),
    (r#"{{range .Names}}{{template "n" .}}{{end}}{{define "n"}}({{$}}){{end}}"#, "(web)(db)"),
    ("{{.1}}", "0.1"),
    (r#"{{``}}|{{""}}"#, "|"),
];

/// Templates that Go refuses, in parsing or in rendering.
#[rustfmt::skip]
const REFUSED: &[&str] = &[
    "{{range .Empty}}x{{else}}empty{{end}}",
    r#"{{template "none"}}"#,
    "{{index .Names 5}}",
    "{{slice .ID 4 2}}",
    "{{len 3}}",
    "{{eq .Names .Names}}",
    "{{eq .ID 1}}",
    "{{lt true false}}",
    "{{nil}}",
    "{{.ID.Foo}}",
    "{{.None.Foo}}",
    r#"{{.ID "x"}}"#,
    r#"{{"x" | .ID}}"#,
    "{{nofunc 1}}",
    "{{.ID",
    "{{end}}",
    "{{if .ID}}",
    "{{else}}",
    "{{if}}x{{end}}",
    "{{range}}x{{end}}",
    "{{break}}",
    "{{$undefined}}",
    r#"{{"unclosed}}"#,
    "{{(.ID}}",
    "{{.ID)}}",
    "{{.ID | 3}}",
    "{{.ID..X}}",
    "{{. ID}}",
    "{{len}}",
    "{{not 1 2}}",
    "{{$x, $y := .ID}}",
    r#"{{if true}}{{define "x"}}{{end}}{{end}}"#,
    "{{printf 1}}",
    "{{end}}x",
    "{{if .ID}}{{end}}{{end}}",
    r#"{{define "a"}}"#,
    "{{template}}",
    "{{define x}}{{end}}",
    "{{0x}}",
    r#"{{"\z"}}"#,
    "{{'ab'}}",
    "{{/* unclosed",
    "{{/* a */ b}}",
    "{{ | print}}",
    "{{()}}",
    "{{(1).X}}",
    "{{$x = 1}}",
    "{{if $x := 1}}{{end}}{{$x}}",
    "{{range $a, $b, $c := .Names}}{{end}}",
    "{{continue}}",
    "{{else if}}",
    "{{range .ID}}x{{end}}",
    r#"{{index .ID "x"}} "#,
    r#"{{index .Names "0"}}"#,
    "{{index .Names -1}}",
    "{{slice .Names 3}}",
    "{{truncate .ID -1}}",
    "{{upper 3}}",
    r#"{{join .ID ","}}"#,
    r#"{{lt 1 "a"}}"#,
    "{{lt .None 1}}",
    "{{and}}",
    "{{printf}}",
    "{{1 2}}",
    "{{true false}}",
    r#"{{"a" "b"}}"#,
    "{{.ID.}}",
    "{{.Names.0}}",
    r#"{{print"a"}}"#,
    r#"{{"a""b"}}"#,
];

fn data() -> View {
    serde_json::from_str::<serde_json::Value>(DATA).unwrap().into()
}

fn render(template: &str, data: &View) -> Result<String> {
    Template::parse(template)?.render_with(data, Names::Exact)
}

fn message(template: &str, data: &View) -> String {
    let error = render(template, data).unwrap_err();
    let hint = crate::error::hint(&error).map(|hint| format!(" ({hint})")).unwrap_or_default();
    crate::error::line(&error) + &hint
}

#[test]
fn renders_what_go_renders() {
    let data = data();
    let wrong: Vec<String> = RENDERED
        .iter()
        .filter_map(|(template, expected)| match render(template, &data) {
            Ok(text) if text == *expected => None,
            Ok(text) => Some(format!("{template}\n  go   {expected:?}\n  ours {text:?}")),
            Err(error) => Some(format!("{template}\n  go   {expected:?}\n  ours {}", crate::error::line(&error))),
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn refuses_what_go_refuses() {
    let data = data();
    for template in REFUSED {
        assert!(render(template, &data).is_err(), "{template}");
    }
}

// Newer than the Go that the tables come from: range over an integer (1.22), else with (1.23).
#[test]
fn newer_syntax_is_known() {
    assert_eq!(render("{{range 3}}{{.}}{{end}}", &data()).unwrap(), "012");
    assert_eq!(render("{{with .Empty}}a{{else with .ID}}{{.}}{{end}}", &data()).unwrap(), "4f2c9d");
}

#[test]
fn labels_are_looked_up_by_key() {
    let data = data();
    assert_eq!(render(r#"{{.Label "app"}}|{{.Label "none"}}|{{"tier" | .Label}}"#, &data).unwrap(), "shop||front");
    assert_eq!(message(r#"{{.ID "x"}}"#, &data), "template: ID has arguments but is not a function");
}

#[test]
fn absent_keys_of_maps_are_empty_as_in_typed_go() {
    let ports = view!({"Ports": {"80/tcp": [view!({"HostPort": "8080"})]}, "Labels": null});
    assert_eq!(render(r#"{{(index (index .Ports "80/tcp") 0).HostPort}}"#, &ports).unwrap(), "8080");
    assert_eq!(render(r#"{{index .Ports "81/tcp"}}{{index .Labels "x"}}"#, &ports).unwrap(), "[]");
}

#[test]
fn an_unknown_field_names_the_known_ones() {
    let row = view!({"ID": "1", "Names": [], "State": null, "Config": {"Labels": {}}});
    let known = "Config, ID, Names, State";
    assert_eq!(
        message("{{.Nams}}", &row),
        format!("template: can't evaluate field Nams: the fields are {known} (write .Names)")
    );
    assert_eq!(message("{{.Foo}}", &row), format!("template: can't evaluate field Foo: the fields are {known}"));
    assert_eq!(
        message("{{.State.Pid}}", &row),
        "template: can't evaluate field Pid: .State is nil (test it first: {{if .State}} or {{with .State}})"
    );
    assert_eq!(render("{{.Config.Labels.X}}", &row).unwrap(), "<no value>");
    assert_eq!(message("{{uper 1}}", &row), "template: line 1: there is no function \"uper\" (write upper)");
    assert_eq!(message("a\n{{if}}", &row), "template: line 2: a value is missing");
}

#[test]
fn names_may_differ_in_case_where_asked() {
    let info = view!({"host": {"ociRuntime": {"name": "crun"}, "arch": "amd64"}});
    let template = Template::parse("{{.Host.OCIRuntime.Name}} {{.host.arch}}").unwrap();
    assert_eq!(template.render_with(&info, Names::AnyCase).unwrap(), "crun amd64");
    let template = Template::parse("{{.Host.Arhc}}").unwrap();
    let error = template.render_with(&info, Names::AnyCase).unwrap_err();
    assert_eq!(crate::error::hint(&error), Some("write .arch"));
}

fn rows() -> Vec<View> {
    vec![
        view!({"ID": "4f2c", "Names": "web", "CreatedAt": "now", "Labels": {"a.tier": "x"}}),
        view!({"ID": "77aa", "Names": "database", "CreatedAt": "then", "Labels": {}}),
    ]
}

fn formatted(argument: &str) -> String {
    let given = |name: &str| (name == "ID").then(|| "CONTAINER ID".to_owned());
    Format::parse(argument).unwrap().rows(&rows(), Names::Exact, &given).unwrap()
}

// The texts are those of podman for the same arguments.
#[test]
fn rows_and_tables_are_laid_out_as_podman_does() {
    assert_eq!(formatted("{{.ID}}"), "4f2c\n77aa\n");
    assert_eq!(formatted(r"{{.ID}}\t{{.Names}}"), "4f2c\tweb\n77aa\tdatabase\n");
    assert_eq!(formatted(r#"{{printf "%s\t" .ID}}"#), "4f2c\t\n77aa\t\n");
    assert_eq!(formatted(r"{{range .}}{{.ID}} {{end}}"), "4f2c 77aa \n");
    let table = "CONTAINER ID  NAMES       CREATED AT\n\
                 4f2c          web         now\n\
                 77aa          database    then\n";
    assert_eq!(formatted(r"table {{.ID}}\t{{.Names}}\t{{.CreatedAt}}"), table);
    assert_eq!(formatted("table {{.ID}} {{.Names}} {{.CreatedAt}}"), table);
    assert_eq!(
        formatted(r#"table {{upper .Names}}\t{{.Label "a.tier"}}"#),
        "NAMES       tier\nWEB         x\nDATABASE    \n"
    );
}

// Outputs of `podman volume ls --format …` over the same two volumes.
#[test]
fn volumes_are_listed_as_podman_lists_them() {
    let rows = [
        view!({"Name": "vola", "Driver": "local", "MountCount": 0, "Labels": {"x": "1"}}),
        view!({"Name": "volumetwo-longer", "Driver": "local", "MountCount": 0, "Labels": {}}),
    ];
    let given = |name: &str| (name == "Name").then(|| "VOLUME NAME".to_owned());
    let long = "VOLUME NAME       DRIVER\nvola              LOCAL\nvolumetwo-longer  LOCAL\n";
    let wide = "VOLUME NAME           DRIVER\nvola                  local\nvolumetwo-longer      local\n";
    let gap = "VOLUME NAME                   DRIVER\nvola                          local\n\
               volumetwo-longer              local\n";
    for (argument, expected) in [
        ("table {{.Name}} {{upper .Driver}}", long),
        (r#"table {{printf "%-20s" .Name}} {{.Driver}}"#, wide),
        ("table {{.Name}}  {{.Driver}}", gap),
        ("table {{.Name}}", "VOLUME NAME\nvola\nvolumetwo-longer\n"),
        (r"table {{.Name}}\n", "VOLUME NAME\nvola\nvolumetwo-longer\n"),
        (r"{{.Name}}\n", "vola\nvolumetwo-longer\n"),
        ("{{range .}}{{.Name}} {{end}}", "vola volumetwo-longer \n"),
        (r#"{{printf "%s\t" .Name}}x"#, "vola\tx\nvolumetwo-longer\tx\n"),
        (r#"{{.Labels.x}} {{index .Labels "x"}}"#, "1 1\n<no value> \n"),
        ("{{ .Name }} {{ json .Labels }}", "vola {\"x\":\"1\"}\nvolumetwo-longer {}\n"),
        ("{{.Name}}{{println}}", "vola\n\nvolumetwo-longer\n\n"),
        (r#"{{json .Name | printf "%s"}}"#, "\"vola\"\n\"volumetwo-longer\"\n"),
        ("{{truncate .Name 4}} {{pad .Name 2 2}}", "vola   vola  \nvolu   volumetwo-longer  \n"),
        (r#"{{split .Name "l"}} {{title .Name}}"#, "[vo a] Vola\n[vo umetwo- onger] Volumetwo-Longer\n"),
    ] {
        let shown = Format::parse(argument).unwrap().rows(&rows, Names::Exact, &given).unwrap();
        assert_eq!(shown, expected, "{argument}");
    }
    let podman_refuses = ["{{.Nme}}", "{{nofunc}}", "{{.Name", r#"{{join .Names ","}}"#];
    for argument in podman_refuses {
        assert!(Format::parse(argument).and_then(|format| format.rows(&rows, Names::Exact, &given)).is_err());
    }
}

#[test]
fn headings_are_the_words_of_the_names() {
    let none = |_: &str| None;
    for (template, heading) in [
        ("{{.ImageID}} {{.IPAddress}}", "IMAGE ID\tIP ADDRESS\n"),
        ("{{.RunningFor}} {{json .Ports}}", "RUNNING FOR\tPORTS\n"),
        ("{{.State.Health.Status}} {{.Size | printf \"%s\"}}", "STATUS\tSIZE\n"),
        ("{{range .Mounts}}{{.Source}}{{end}} {{if .A}}{{.B}}{{end}}", "MOUNTS\tB\n"),
    ] {
        assert_eq!(Format::parse(&format!("table {template}")).unwrap().heading(&none), heading, "{template}");
    }
}

/// Templates that would run for ever, fill the memory or overflow the stack if nothing stopped them.
#[test]
fn bombs_are_stopped() {
    let many = "{{range 999999}}".repeat(3) + "x" + &"{{end}}".repeat(3);
    let doubling = r#"{{$x := "aaaaaaaaaaaaaaaa"}}{{range 999}}{{$x = print $x $x}}{{end}}"#;
    let deep = "(".repeat(5000);
    let deep_if = "{{if true}}".repeat(2000);
    let chain = format!("{{{{if 0}}}}{}{{{{end}}}}", "{{else if 0}}".repeat(2000));
    let bombs = [
        many.as_str(),
        doubling,
        r#"{{define "r"}}{{template "r"}}{{end}}{{template "r"}}"#,
        r#"{{define "r"}}{{range 9}}{{if true}}{{template "r"}}{{end}}{{end}}{{end}}{{template "r"}}"#,
        r#"{{range 9999999}}{{printf "%1000000d" 1}}{{end}}"#,
        r#"{{range 9999999}}{{$x := printf "%1000000d" 1}}{{end}}"#,
        r#"{{$x := printf "%1000000d" 1}}{{range 9999999}}{{$y := eq $x $x}}{{end}}"#,
        r#"{{$x := printf "%1000000d" 1}}{{range 9999999}}{{$y := split $x ""}}{{end}}"#,
        r#"{{range 9999999}}{{pad "x" 65536 65536}}{{end}}"#,
        r#"{{range 170141183460469231731687303715884105727}}{{end}}"#,
        &format!("{{{{{deep}"),
        &deep_if,
        &chain,
    ];
    for bomb in bombs {
        let started = std::time::Instant::now();
        assert!(render(bomb, &data()).is_err(), "{}", &bomb[..bomb.len().min(100)]);
        assert!(started.elapsed().as_secs() < 20, "{}", &bomb[..bomb.len().min(100)]);
    }
    assert!(Template::parse(&"x".repeat(TEMPLATE_BYTES_MAX + 1)).is_err());
}

/// Pieces that make a random template likely to parse.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{- ",
    " -}}",
    "text",
    " ",
    "\n",
    ".",
    ".ID",
    ".Names",
    ".Labels",
    ".None",
    "$",
    "$x",
    " := ",
    " = ",
    "|",
    ",",
    "(",
    ")",
    "\"s\"",
    "`r`",
    "'c'",
    "\"\\u263a\"",
    "0",
    "-1",
    "99999",
    "1.5",
    "1e300",
    "true",
    "nil",
    "{{if .ID}}",
    "{{else}}",
    "{{end}}",
    "{{range .Names}}",
    "{{range 9}}",
    "{{with .Labels}}",
    "{{break}}",
    "{{define \"t\"}}",
    "{{template \"t\" .}}",
    "{{block \"b\" .}}",
    "printf ",
    "\"%*.*d%[2]v%q%x\" ",
    "print ",
    "len ",
    "index ",
    "slice ",
    "eq ",
    "lt ",
    "and ",
    "or ",
    "not ",
    "json ",
    "join ",
    "split ",
    "title ",
    "truncate ",
    "pad ",
    "html ",
    "js ",
    "urlquery ",
    "/* c */",
    "ö",
    "\u{0}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_text_panics(template in any::<String>()) {
        let _ = render(&template, &data());
        let _ = render(&format!("{{{{{template}}}}}"), &data());
        let _ = Format::parse(&template).map(|format| format.rows(&rows(), Names::AnyCase, &|_| None));
    }

    #[test]
    fn no_likely_template_panics(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
        let template = pieces.concat();
        let _ = render(&template, &data());
        let _ = render(&format!("{{{{{template}}}}}"), &data());
        let _ = Format::parse(&template).map(|format| format.rows(&rows(), Names::AnyCase, &|_| None));
    }

    #[test]
    fn no_call_panics(name in prop::sample::select(functions::names().collect::<Vec<_>>()),
                      arguments in prop::collection::vec(prop::sample::select(&["0", "-1", "3", "9223372036854775807", "1.5", "\"\"", "\"aß%d\"", "\"%[9]*.[1]*f\"", "nil", "true", ".Names", ".Labels", "."][..]), 0..5)) {
        let _ = render(&format!("{{{{{name} {}}}}}", arguments.join(" ")), &data());
    }

    #[test]
    fn no_form_panics(form in "[%a-zA-Z0-9.*+# \\-\\[\\]]{0,12}", float in any::<f64>(), int in any::<i64>()) {
        let data = view!({"F": form, "X": float, "N": int, "S": "grüße"});
        let text = render("{{printf .F .X .N .S .}}", &data);
        prop_assert!(text.is_ok());
    }

    #[test]
    fn plain_text_is_itself(text in "[^{]*") {
        prop_assert_eq!(render(&text, &View::Null).unwrap(), text);
    }

    #[test]
    fn quoted_strings_come_back(text in any::<String>()) {
        let quoted = render("{{printf \"%q\" .}}", &View::from(text.clone())).unwrap();
        prop_assert_eq!(render(&format!("{{{{{quoted}}}}}"), &View::Null).unwrap(), text);
    }
}
