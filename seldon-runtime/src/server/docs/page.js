// Shows an OpenAPI document, and sends what the reader writes.
//
// Everything is made of elements and text, never of markup: nothing in the document or in an answer
// is run. Requests go to the page's own origin, below `docs/try`; see `docs.rs`.
"use strict";

let api;

start();

async function start() {
  const main = document.getElementById("operations");
  try {
    const answer = await fetch("openapi.json");
    api = await answer.json();
  } catch (error) {
    main.replaceChildren(el("p", {}, `The document cannot be read: ${error.message}`));
    return;
  }
  document.title = `${api.info.title} – API`;
  document.getElementById("title").textContent = api.info.title;
  document.getElementById("about").append(...prose(api.info.description));
  document.getElementById("server").textContent = api.servers[0].url;
  document.getElementById("key").hidden = !api.components.securitySchemes;

  const sections = api.tags.map((tag) => ({ tag, operations: operations(tag.name) }));
  main.replaceChildren(
    ...sections.map(({ tag, operations }) =>
      el("section", {},
        el("h2", {}, tag.name), el("p", {}, ...prose(tag.description ?? "")), ...operations.map(card))));
  document.getElementById("contents").replaceChildren(
    ...sections.flatMap(({ tag, operations }) => [el("h2", {}, tag.name), links(operations)]));
  const asked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (asked) asked.scrollIntoView();
}

// The operations of a tag, in the order of the document.
function operations(tag) {
  return Object.entries(api.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => ({ path, method, ...operation })));
}

function links(operations) {
  return el("ul", {}, ...operations.map((op) =>
    el("li", {}, el("a", { href: `#${encodeURIComponent(op.operationId)}` },
      badge(op.method), el("span", { class: "mono" }, op.path)))));
}

function badge(method) {
  return el("span", { class: `method ${method}` }, method.toUpperCase());
}

function card(op) {
  return el("article", { id: op.operationId },
    el("h3", {}, badge(op.method), el("span", { class: "path" }, op.path),
      el("span", { class: "summary" }, op.summary)),
    el("div", { class: "halves" }, description(op), trial(op)));
}

// What is read.

function description(op) {
  const parts = el("div", {});
  if (op.description) parts.append(el("p", { class: "note" }, ...prose(op.description)));
  if (op.parameters?.length) {
    parts.append(el("h4", {}, "Parameters"), el("ul", { class: "fields" },
      ...op.parameters.map((p) => field(p.name, schemaOf(p), p.required, p.description))));
  }
  for (const [kind, media] of Object.entries(op.requestBody?.content ?? {})) {
    parts.append(el("h4", {}, "Body, ", el("code", {}, kind)), shape(media.schema));
  }
  const answers = Object.entries(op.responses).map(([status, response]) => [status, resolve(response)]);
  const [good, problems] = [true, false].map((isGood) => el("ul", { class: "fields" },
    ...answers.filter(([status]) => status.startsWith("2") === isGood).map((one) => answerOf(...one))));
  parts.append(el("h4", {}, "Answers"), good,
    el("details", {}, el("summary", {}, "What can go wrong"), problems));
  return parts;
}

function answerOf(status, response) {
  const title = [el("span", { class: "name" }, status), " ", ...prose(response.description)];
  const headers = Object.entries(response.headers ?? {});
  const content = Object.entries(response.content ?? {});
  return el("li", {}, el("details", {}, el("summary", {}, ...title),
    ...content.flatMap(([kind, media]) => [el("code", {}, kind), shape(media.schema)]),
    el("ul", { class: "fields" }, ...headers.map(([name, header]) => {
      const { schema, required, description } = resolve(header);
      return field(name, schema, required, description);
    }))));
}

// A named value of a schema, as an item of a list.
function field(name, schema, required, text, open = [], unfolded = open.length === 0) {
  const item = el("li", {}, el("span", { class: "name" }, name), " ",
    el("span", { class: "type" }, kind(schema)), required ? mark() : "");
  text ??= resolve(schema).description;
  if (text) item.append(el("span", { class: "text" }, ...prose(text)));
  const within = members(schema, open, unfolded);
  if (within) item.append(within);
  return item;
}

function mark() {
  return el("span", { class: "required" }, " required");
}

function shape(schema) {
  return el("ul", { class: "fields" }, el("li", {}, el("span", { class: "type" }, kind(schema)),
    members(schema, []) ?? ""));
}

// What a schema holds, folded where that is another named schema, unless it is the first thing to
// be read. `open` are those that it is within.
function members(schema, open, unfolded = open.length === 0) {
  const name = schema.$ref;
  if (name && open.includes(name)) return el("span", { class: "type" }, " (as above)");
  const within = name ? [...open, name] : open;
  const found = inner(resolve(schema), within, unfolded);
  if (!found || !name) return found;
  const title = name.split("/").pop();
  return el("details", { open: unfolded }, el("summary", { class: "mono" }, title), found);
}

function inner(schema, open, unfolded) {
  const several = schema.anyOf ?? schema.oneOf;
  if (several) {
    return el("ul", { class: "fields" }, ...several.filter((s) => s.type !== "null").map((one, at) =>
      field(resolve(one).title ?? "", one, false, undefined, open, unfolded && at === 0)));
  }
  if (schema.allOf) return members(schema.allOf[0], open, unfolded);
  if (schema.properties) {
    return el("ul", { class: "fields" }, ...Object.entries(schema.properties).map(([name, value]) =>
      field(name, value, schema.required?.includes(name), undefined, open, unfolded)));
  }
  const element = schema.items ?? schema.additionalProperties;
  return element && typeof element === "object" ? members(element, open, unfolded) : null;
}

// A schema's type in some words.
function kind(given) {
  const schema = resolve(given);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.anyOf || schema.oneOf) return "one of these";
  const types = [schema.type ?? []].flat();
  const words = types.map((type) => {
    if (type === "array") return `array of ${schema.items ? kind(schema.items) : "anything"}`;
    return schema.format && type !== "null" ? `${type} (${schema.format})` : type;
  });
  return [words.join(" or ") || "object", ...bounds(schema)].join(", ");
}

function bounds(schema) {
  const said = [];
  // The limits of a type go without saying.
  const tells = (bound) => bound !== undefined && Math.abs(bound) < 2 ** 31 - 1;
  if (tells(schema.minimum)) said.push(`at least ${schema.minimum}`);
  if (tells(schema.maximum)) said.push(`at most ${schema.maximum}`);
  if (schema.minItems && schema.minItems !== schema.maxItems) said.push(`${schema.minItems} or more`);
  if (schema.maxItems) said.push(`up to ${schema.maxItems}`);
  return said;
}

// What is tried.

function trial(op) {
  const form = el("form", {}, ...(op.parameters ?? []).map((p) => input(op, p)));
  const kinds = Object.keys(op.requestBody?.content ?? {});
  const body = el("div", {});
  let chosen = kinds[0];
  const choose = (kind) => {
    chosen = kind;
    body.replaceChildren(...bodyInputs(op, kind));
  };
  if (kinds.length > 1) {
    const id = `${op.operationId}-kind`;
    const select = el("select", { id }, ...kinds.map((kind) => el("option", {}, kind)));
    select.addEventListener("change", () => { choose(select.value); show(); });
    form.append(el("div", {}, el("label", { for: id }, "Body"), select));
  }
  if (chosen) choose(chosen);

  const curl = el("pre", {}, "");
  const answer = el("div", { class: "answer", role: "status" });
  const copy = el("button", { type: "button" }, "Copy curl");
  const show = () => { curl.textContent = command(op, form, chosen); };
  form.append(body, el("div", { class: "buttons" },
    el("button", { class: "send" }, "Send"), copy));
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(op, form, chosen, answer);
  });
  copy.addEventListener("click", async () => {
    const copied = await toClipboard(curl);
    copy.textContent = copied ? "Copied" : "Select it above";
    setTimeout(() => { copy.textContent = "Copy curl"; }, 2000);
  });
  show();
  return el("div", { class: "try" }, el("h4", {}, "Try it"), form,
    el("h4", {}, "curl"), curl, answer);
}

// An input for a parameter, or for a property of a form.
function input(op, parameter) {
  const id = `${op.operationId}-${parameter.in ?? "form"}-${parameter.name}`;
  const schema = schemaOf(parameter);
  const example = exampleOf(parameter);
  const attributes = { id, name: parameter.name, "data-in": parameter.in ?? "form" };
  let control;
  if (resolve(schema).enum) {
    control = el("select", attributes, ...schema.enum.map((value) => el("option", {}, value)));
  } else if (parameter.content || typeof example === "object") {
    control = el("textarea", { ...attributes, spellcheck: "false", rows: rows(example) }, pretty(example));
  } else {
    control = el("input", { ...attributes, value: example ?? "", autocomplete: "off" });
    if (resolve(schema).type === "array") control.placeholder = "separated by commas";
  }
  return el("div", {}, el("label", { for: id }, parameter.name, parameter.required ? mark() : ""), control);
}

function bodyInputs(op, kind) {
  const media = op.requestBody.content[kind];
  if (kind === "application/json") {
    const id = `${op.operationId}-body`;
    return [el("label", { for: id }, "JSON"),
      el("textarea", { id, "data-in": "body", spellcheck: "false", rows: rows(media.example) }, pretty(media.example))];
  }
  const { properties, required } = resolve(media.schema);
  return Object.entries(properties).map(([name, schema]) => input(op, {
    name, schema, required: required?.includes(name), example: media.example?.[name],
  }));
}

// The request that a form makes: what is left empty is left out.
function request(op, form, kind) {
  const of = (where) => [...form.querySelectorAll(`[data-in="${where}"]`)]
    .filter((control) => control.value !== "");
  const pairs = (where) => of(where).map((control) => [control.name, compact(control.value)]);
  let path = op.path;
  for (const control of of("path")) {
    path = path.replace(`{${control.name}}`, encodeURIComponent(control.value));
  }
  const body = kind === "application/json" ? of("body")[0]?.value ?? "" : pairs("form");
  return { path, query: pairs("query"), kind, body };
}

async function send(op, form, kind, answer) {
  const { path, query, body } = request(op, form, kind);
  const search = query.length ? `?${new URLSearchParams(query)}` : "";
  const headers = {};
  const key = document.getElementById("key-text").value;
  if (key) headers["x-api-key"] = key;
  if (kind) headers["content-type"] = kind;
  const sent = typeof body === "string" ? body : new URLSearchParams(body).toString();
  const begun = performance.now();
  answer.replaceChildren("Sent…");
  try {
    const got = await fetch(`docs/try${path}${search}`, {
      method: op.method.toUpperCase(), headers, body: kind ? sent : undefined,
    });
    const text = await got.text();
    const took = Math.round(performance.now() - begun);
    const lines = [...got.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    answer.replaceChildren(
      el("p", {}, el("span", { class: `status ${got.ok ? "good" : "bad"}` }, `${got.status} ${got.statusText}`),
        ` in ${took} ms`),
      el("pre", { tabindex: "0", "aria-label": "Body" }, readable(text)),
      el("details", {}, el("summary", {}, "Headers"), el("pre", {}, lines)));
  } catch (error) {
    answer.replaceChildren(el("p", { class: "status bad" }, `There is no answer: ${error.message}`));
  }
}

// The same request to the service itself, from a shell.
function command(op, form, kind) {
  const { path, query, body } = request(op, form, kind);
  const words = ["curl"];
  const url = api.servers[0].url + path;
  if (op.method === "get" && query.length) {
    words.push("-G", quoted(url));
    for (const [name, value] of query) words.push("\\\n  --data-urlencode", quoted(`${name}=${value}`));
  } else {
    words.push(quoted(query.length ? `${url}?${new URLSearchParams(query)}` : url));
  }
  if (api.components.securitySchemes) words.push("\\\n  -H", "\"x-api-key: $KEY\"");
  if (typeof body === "string" && kind) {
    words.push("\\\n  -H", quoted(`content-type: ${kind}`), "\\\n  --data-raw", quoted(compact(body)));
  } else if (kind) {
    for (const [name, value] of body) words.push("\\\n  --data-urlencode", quoted(`${name}=${value}`));
  }
  return words.join(" ");
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

async function toClipboard(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // Not on a page without TLS that is not local: the reader copies what is selected.
    getSelection().selectAllChildren(element);
    return false;
  }
}

// JSON.

function resolve(value) {
  let at = value ?? {};
  while (at.$ref) {
    const { $ref, ...beside } = at;
    at = { ...$ref.slice(2).split("/").reduce((within, step) => within[step], api), ...beside };
  }
  return at;
}

function schemaOf(parameter) {
  return parameter.schema ?? Object.values(parameter.content)[0].schema;
}

function exampleOf(parameter) {
  return parameter.example ?? Object.values(parameter.content ?? {})[0]?.example;
}

function pretty(value) {
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}

function rows(value) {
  return Math.min(16, pretty(value).split("\n").length + 1);
}

// JSON on one line, and over several: by its words, so that numbers stay as they are written, which
// a parser would not keep. What is no JSON stays as it is, for the service to say what is wrong.

function words(text) {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  return text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g);
}

function compact(text) {
  const spaced = { ",": ", ", ":": ": " };
  return words(text)?.map((word) => spaced[word] ?? word).join("") ?? text;
}

function readable(text) {
  const found = words(text);
  if (!found) return text;
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  return found.map((word, at) => {
    const isEmpty = /[{[]/.test(found[at - 1]) && found[at - 1].length === 1;
    switch (word) {
      case "{": case "[":
        depth += 1;
        return /[}\]]/.test(found[at + 1]) && found[at + 1].length === 1 ? word : word + line();
      case "}": case "]":
        depth -= 1;
        return isEmpty ? word : line() + word;
      case ",": return word + line();
      case ":": return ": ";
      default: return word;
    }
  }).join("");
}

// A text with what is between backticks as code.
function prose(text) {
  return text.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));
}

// An element with attributes and children.
function el(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}
