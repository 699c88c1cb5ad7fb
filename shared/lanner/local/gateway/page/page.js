// The local cloud's page. Everything that comes from the cloud goes in as text, never as markup.
"use strict";

const API = "/_local/api/";
const POLL_MS = 1000;

const statusClass = (status) => (status < 400 ? "good" : status < 500 ? "warn" : "bad");
const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString();
const text = (value) =>
  value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);

// A column is [title, cell of a row]; a cell is text, or [text, class].
const VIEWS = {
  requests: {
    title: "Requests",
    empty: "No request yet. Send one, and it appears here.",
    columns: [
      ["time", (row) => [time(row.time), "dim"]],
      ["method", (row) => row.method],
      ["path", (row) => [row.path, "mono"]],
      ["status", (row) => [row.status, statusClass(row.status)]],
      ["ms", (row) => row.duration_ms.toFixed(1)],
      ["start", (row) => (row.function ? (row.cold ? ["cold", "warn"] : ["warm", "dim"]) : "")],
      ["version", (row) => row.version],
      ["cache", (row) => row.cache],
      ["function", (row) => row.function],
      ["note", (row) => [row.note, "dim"]],
    ],
    choose: showRequest,
  },
  functions: { title: "Functions", empty: "The template has no functions.", choose: showRow },
  environments: { title: "Environments", empty: "No environment is running. The first request starts one.", choose: showRow },
  routes: {
    title: "Routes",
    empty: "The template has no routes.",
    columns: [
      ["api", (row) => row.api],
      ["stage", (row) => row.stage],
      ["method", (row) => row.method],
      ["path", (row) => [row.path, "mono"]],
      ["function", (row) => row.function],
    ],
    load: async () => {
      const overview = await read("overview");
      return overview.apis.flatMap((api) =>
        api.routes.map((route) => ({ api: `${api.logical_id} (${api.kind})`, stage: api.stage, ...route })),
      );
    },
  },
  resources: { title: "Resources", empty: "The template has no other resources.", choose: showRow },
  queues: { title: "Queues", empty: "The template has no queues.", choose: showRow },
  mail: {
    title: "Mail",
    empty: "No mail has been sent.",
    columns: [
      ["from", (row) => row.from],
      ["to", (row) => [].concat(row.to).join(", ")],
      ["subject", (row) => row.subject],
    ],
    choose: showMail,
  },
  logs: {
    title: "Logs",
    empty: "Nothing has been logged.",
    columns: [
      ["time", (row) => [typeof row.time === "number" ? time(row.time) : row.time, "dim"]],
      ["function", (row) => row.function],
      ["text", (row) => [row.text, "mono"]],
    ],
  },
  findings: {
    title: "Findings",
    empty: "The template has nothing that is not supported.",
    columns: [
      ["level", (row) => [row.level, row.level === "error" ? "bad" : "warn"]],
      ["resource", (row) => row.resource],
      ["message", (row) => row.message],
      ["where", (row) => [row.where, "mono"]],
    ],
    load: async () => (await read("overview")).findings,
  },
};

const at = (id) => document.getElementById(id);
let view = "requests";
let chosen = null; // key of the row whose details are shown
let shown = ""; // the rows on screen, as JSON: nothing is drawn again while nothing changes

async function read(path, options) {
  const answer = await fetch(API + path, options);
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.message || answer.statusText);
  return document;
}

function element(name, content, className) {
  const made = document.createElement(name);
  if (content !== undefined) made.textContent = text(content);
  if (className) made.className = className;
  return made;
}

function columnsOf(rows) {
  const given = VIEWS[view].columns;
  if (given) return given;
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return names.map((name) => [name.replaceAll("_", " "), (row) => row[name]]);
}

function draw(rows) {
  const { choose, empty } = VIEWS[view];
  const wanted = at("filter").value.toLowerCase();
  const matching = rows.filter((row) => !wanted || JSON.stringify(row).toLowerCase().includes(wanted));
  const columns = columnsOf(rows);
  const head = element("tr");
  for (const [title] of columns) {
    const cell = element("th", title);
    cell.scope = "col";
    head.append(cell);
  }
  at("columns").replaceChildren(head);
  at("rows").replaceChildren(...matching.map((row) => line(row, columns, choose)));
  at("empty").hidden = matching.length > 0;
  at("empty").textContent = rows.length ? "No row matches the filter." : empty;
}

function line(row, columns, choose) {
  const made = element("tr");
  for (const [, cell] of columns) {
    const value = cell(row);
    made.append(Array.isArray(value) ? element("td", value[0], value[1]) : element("td", value));
  }
  if (!choose) return made;
  const key = keyOf(row);
  made.className = key === chosen ? "choice chosen" : "choice";
  made.tabIndex = 0;
  made.dataset.key = key;
  const act = () => {
    chosen = key;
    for (const other of at("rows").children) other.classList.toggle("chosen", other === made);
    choose(row).catch(failed);
  };
  made.addEventListener("click", act);
  made.addEventListener("keydown", (event) => event.key === "Enter" && act());
  return made;
}

const keyOf = (row) => String(row.id ?? row.logical_id ?? JSON.stringify(row));

function details(...parts) {
  at("details").replaceChildren(...parts);
  at("details").hidden = false;
}

function block(title, value) {
  const body = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return [element("h2", title), element("pre", body)];
}

async function showRequest(row) {
  const request = await read(`requests/${encodeURIComponent(row.id)}`);
  const parts = [element("h2", `${request.method} ${request.path}`)];
  const facts = [request.status, `${request.duration_ms.toFixed(1)} ms`, request.api, request.route, request.function];
  parts.push(element("p", facts.filter(Boolean).join(" · ")));
  if (request.note) parts.push(element("p", request.note, "warn"));
  if (request.function && request.event) {
    const button = element("button", "Replay", "action");
    button.id = "replay";
    button.addEventListener("click", () => replay(request.id, button).catch(failed));
    parts.push(button);
  }
  if (request.event) parts.push(...block("Event", request.event));
  if (request.answer !== null) parts.push(...block("Answer", request.answer));
  if (request.logs) parts.push(...block("Logs", request.logs));
  details(...parts);
}

async function replay(id, button) {
  button.disabled = true;
  try {
    const made = await read(`requests/${encodeURIComponent(id)}/replay`, { method: "POST" });
    chosen = made.id;
    await showRequest(made);
    await refresh();
  } finally {
    button.disabled = false;
  }
}

async function showRow(row) {
  details(...block(keyOf(row), row));
}

async function showMail(mail) {
  const parts = [element("h2", mail.subject), element("p", `${mail.from} to ${[].concat(mail.to).join(", ")}`)];
  if (mail.text) parts.push(...block("Text", mail.text));
  if (mail.html) parts.push(...block("HTML, as source", mail.html));
  for (const [title, pairs] of [["Headers", mail.headers], ["Tags", mail.tags]])
    if (pairs && Object.keys(pairs).length) parts.push(...block(title, pairs));
  details(...parts);
}

function failed(error) {
  at("state").textContent = error.message;
  at("state").className = "lost";
}

async function refresh() {
  const asked = view;
  const rows = await (VIEWS[asked].load ? VIEWS[asked].load() : read(asked).then((answer) => answer.rows));
  if (asked !== view) return;
  const now = JSON.stringify([asked, rows, at("filter").value]);
  if (now !== shown) {
    shown = now;
    draw(rows);
  }
  at("state").textContent = "live";
  at("state").className = "";
}

function show(name) {
  view = name;
  chosen = null;
  shown = "";
  at("details").hidden = true;
  for (const tab of at("tabs").children) tab.setAttribute("aria-selected", String(tab.dataset.view === name));
  location.hash = name;
  refresh().catch(failed);
}

async function start() {
  for (const [name, { title }] of Object.entries(VIEWS)) {
    const tab = element("button", title);
    tab.type = "button";
    tab.dataset.view = name;
    tab.setAttribute("role", "tab");
    tab.addEventListener("click", () => show(name));
    at("tabs").append(tab);
  }
  at("filter").addEventListener("input", () => refresh().catch(failed));
  show(VIEWS[location.hash.slice(1)] ? location.hash.slice(1) : "requests");
  const overview = await read("overview");
  at("stack").textContent = overview.stack;
  document.title = `${overview.stack}: local cloud`;
}

async function poll() {
  if (!document.hidden) await refresh().catch(failed);
  setTimeout(poll, POLL_MS);
}

start().catch(failed).then(() => setTimeout(poll, POLL_MS));
