// Keeps a copy of Meridian's records in a file, and prints every event once it is checked against its schema.
//
//     node subscriber.js --schemas ../../../libs/contracts/schemas --topic crm.accounts.account
//
// A new copy starts from the compacted topic <topic>.state; then the facts are followed. The place reached is kept in the
// same line of the same file as the records, so a restart goes on where the copy is.
import { parseArgs } from "node:util";
import kafkajs from "kafkajs";
import { Copy } from "./copy.js";
import { eventOf, NotAnEvent, Schemas } from "./events.js";

const HOUR_MS = 60 * 60 * 1000;
const { values: options } = parseArgs({
  options: {
    kafka: { type: "string", default: "127.0.0.1:9092" }, // host:port of a broker (make up prints it)
    schemas: { type: "string" }, // folder of <ce_type>.json files
    topic: { type: "string", multiple: true, default: [] }, // topic of facts; may be repeated
    copy: { type: "string", default: "copy.jsonl" }, // file that holds the copy and the place reached
    once: { type: "boolean", default: false }, // stop at the end seen at the start
  },
});

if (!options.schemas || !options.topic.length) {
  console.error("usage: node subscriber.js --schemas FOLDER --topic TOPIC [--kafka HOST:PORT] [--copy FILE] [--once]");
  process.exit(2);
}

const kafka = new kafkajs.Kafka({
  clientId: "meridian-example-subscriber",
  brokers: options.kafka.split(","),
  logLevel: kafkajs.logLevel.ERROR,
});
const admin = kafka.admin();
const copy = new Copy(options.copy);
const schemas = new Schemas(options.schemas);
let refused = 0;
let stop = () => {};
const stopping = new Promise((resolve) => (stop = resolve));
process.on("SIGINT", stop).on("SIGTERM", stop);

// --- the copy --------------------------------------------------------------------------------------------------------

// Takes over a state that is newer than ours. A removed record leaves its version behind, to refuse late facts.
function newer(changed, topic, { subject, version, data }) {
  const state = data === null ? null : (data.state ?? data);
  const known = changed.get(subject) ?? copy.records.get(subject);
  if (known && (known.version > version || (known.version === version && state !== null))) return false;
  changed.set(subject, { topic, version, state });
  return true;
}

// Facts from an hour ago on: older ones are in the state topic, and the version decides what is told twice.
async function choosePlaces(topic, hasStates) {
  const places = {};
  const facts = hasStates ? await admin.fetchTopicOffsetsByTimestamp(topic, Date.now() - HOUR_MS) : await ends(topic);
  for (const { partition, offset, low } of facts) places[`${topic}[${partition}]`] = Number(hasStates ? offset : low);
  for (const { partition, low } of hasStates ? await ends(`${topic}.state`) : [])
    places[`${topic}.state[${partition}]`] = Number(low);
  copy.write([], places);
}

// --- following -------------------------------------------------------------------------------------------------------

const ends = (topic) => admin.fetchTopicOffsets(topic);

async function goals(topics) {
  const found = new Map();
  for (const topic of topics)
    for (const { partition, high } of await ends(topic)) found.set(`${topic}[${partition}]`, Number(high));
  return found;
}

// Places before the first record that is still kept: events we have not read are gone.
async function overtaken(topics) {
  const gone = [];
  for (const topic of topics)
    for (const { partition, low } of await ends(topic))
      if (copy.place(topic, partition) < Number(low)) gone.push(`${topic}[${partition}]`);
  return gone;
}

const reached = (wanted) => [...wanted].every(([name, end]) => copy.places.get(name) >= end);

// Reads until `wanted` is reached (null: until stopped).
async function read(topics, wanted, fresh) {
  if (wanted && reached(wanted)) return;
  // kafkajs reads in groups only; the group's own offsets are neither written nor used.
  const consumer = kafka.consumer({ groupId: `meridian-example-${process.pid}-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  const done = new Promise((resolve) => {
    const eachBatch = async ({ batch }) => {
      handleBatch(batch, fresh);
      if (wanted && reached(wanted)) resolve();
    };
    consumer.run({ autoCommit: false, eachBatch }).then(() => seek(consumer, topics));
  });
  await Promise.race([done, stopping]);
  await consumer.disconnect();
}

function seek(consumer, topics) {
  for (const [name, next] of copy.places) {
    const [, topic, partition] = /^(.*)\[(\d+)\]$/.exec(name);
    if (topics.includes(topic)) consumer.seek({ topic, partition: Number(partition), offset: String(next) });
  }
}

// One line in the file: what the records do, and how far we are.
function handleBatch({ topic, partition, messages }, fresh) {
  const changed = new Map();
  const lines = [];
  const due = messages.filter(({ offset }) => Number(offset) >= copy.place(topic, partition));
  if (!due.length) return;
  for (const message of due) handle(topic, partition, message, changed, lines, fresh);
  // Told before it is written down: after a crash a line may come twice, but none is missing.
  for (const line of lines) console.log(line);
  copy.write([...changed], { [`${topic}[${partition}]`]: Number(due.at(-1).offset) + 1 });
}

function handle(topic, partition, message, changed, lines, fresh) {
  const where = `${topic}[${partition}]@${message.offset}`;
  try {
    const event = eventOf(message);
    if (!schemas.check(event)) return lines.push(`skipped  ${event.type}  unknown type  ${where}`);
    const isState = topic.endsWith(".state");
    const isNew = newer(changed, topic.replace(/\.state$/, ""), event);
    if (event.data === null) lines.push(`gone     ${event.subject}  v${event.version}  ${where}`);
    else if (!isState || (fresh && isNew))
      lines.push(`${isState ? "state" : "event"}    ${event.type}  ${event.subject}  v${event.version}  ${label(event)}  ${where}`);
  } catch (error) {
    if (!(error instanceof NotAnEvent)) throw error;
    refused += 1;
    console.error(`REFUSED  ${where}  ${error.message}`);
  }
}

function label({ data }) {
  const state = data.state ?? data;
  return state.name ?? state.last_name ?? state.subject ?? state.title ?? state.filename ?? "";
}

// --- the command -----------------------------------------------------------------------------------------------------

async function main() {
  await admin.connect();
  const existing = new Set(await admin.listTopics());
  const missing = options.topic.filter((topic) => !existing.has(topic));
  if (missing.length) {
    console.error(`There is no topic ${missing.join(", ")} on ${options.kafka}.`);
    return 2;
  }
  const states = options.topic.map((topic) => `${topic}.state`).filter((topic) => existing.has(topic));
  for (const topic of options.topic)
    if (copy.place(topic, 0) === undefined) await choosePlaces(topic, states.includes(`${topic}.state`));
  if ((await overtaken(options.topic)).length) {
    console.error(`Events we have not read are no longer kept. Remove ${options.copy} and start again.`);
    return 3;
  }
  if (states.length) await read(states, await goals(states), true);
  const all = [...states, ...options.topic];
  await read(all, options.once ? await goals(all) : null, false);
  return refused ? 1 : 0;
}

const code = await main().finally(() => admin.disconnect());
process.exit(code);
