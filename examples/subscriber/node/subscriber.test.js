// node --test: the parts that need no broker. The whole program runs in ../python/test_subscriber.py.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Copy } from "./copy.js";
import { eventOf, NotAnEvent, Schemas } from "./events.js";

const contracts = join(import.meta.dirname ?? ".", "../../../libs/contracts");
const schemas = new Schemas(join(contracts, "schemas"));
const examples = readdirSync(join(contracts, "examples")).map((name) =>
  JSON.parse(readFileSync(join(contracts, "examples", name), "utf8")),
);
const message = ({ headers, data }) => ({ headers, value: Buffer.from(JSON.stringify(data)) });
const temporary = () => join(mkdtempSync(join(tmpdir(), "copy-")), "copy.jsonl");

test("every golden example is an event that keeps to its schema", () => {
  assert.ok(examples.length > 50);
  for (const example of examples) {
    const event = eventOf(message(example));
    assert.equal(event.subject, example.key);
    assert.equal(schemas.check(event), true, event.type);
  }
});

test("an event that breaks its schema is refused, an unknown type is not checked", () => {
  const broken = structuredClone(examples[0]);
  delete broken.data.state;
  assert.throws(() => schemas.check(eventOf(message(broken))), NotAnEvent);
  assert.equal(schemas.check({ type: "crm.leads.lead.teleported.v9", data: {} }), false);
  assert.equal(schemas.check({ type: "../package", data: {} }), false);
});

test("structured mode is read like binary mode", () => {
  const { headers, data } = examples[0];
  const document = { specversion: "1.0", type: headers.ce_type, subject: headers.ce_subject, sequence: headers.ce_sequence };
  const record = (more) => ({
    headers: { "Content-Type": Buffer.from("application/cloudevents+json; charset=utf-8") },
    value: Buffer.from(JSON.stringify({ ...document, ...more })),
  });
  assert.deepEqual(eventOf(record({ data })), eventOf(message(examples[0])));
  assert.deepEqual(eventOf(record({ data_base64: btoa('{"a":1}') })).data, { a: 1 });
});

test("what is no CloudEvent is refused", () => {
  const value = Buffer.from("{}");
  for (const broken of [{ headers: {}, value }, { headers: { ce_type: "x" }, value }, { headers: {}, value: Buffer.from("{") }])
    assert.throws(() => eventOf(broken), NotAnEvent);
});

test("a record without value is a removal", () => {
  assert.equal(eventOf({ headers: examples[0].headers, value: null }).data, null);
});

test("records and place are found again, also when a crash tore the last line", () => {
  const file = temporary();
  new Copy(file).write([["a", { topic: "t", version: 1, state: {} }]], { "t[0]": 5 });
  appendFileSync(file, '{"records":[["a",{"topic":"t","version":2');
  const again = new Copy(file);
  assert.equal(again.records.get("a").version, 1);
  assert.equal(again.place("t", 0), 5);
  again.write([], { "t[0]": 6 });
  assert.equal(new Copy(file).place("t", 0), 6);
});
