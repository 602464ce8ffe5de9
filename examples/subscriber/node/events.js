// CloudEvents from Kafka records, checked against the JSON Schema that their type names.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

// The record breaks the contract. It is reported and left out; reading it again cannot help.
export class NotAnEvent extends Error {}

// Binary mode (attributes are headers) or structured mode (all in the value).
export function eventOf(message) {
  const headers = Object.fromEntries(
    Object.entries(message.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value.toString()]),
  );
  try {
    if (headers["content-type"]?.startsWith("application/cloudevents+json")) return structured(JSON.parse(message.value));
    const data = message.value === null ? null : JSON.parse(message.value);
    return complete({ type: headers.ce_type, subject: headers.ce_subject, version: Number(headers.ce_sequence ?? 0), data });
  } catch (error) {
    throw error instanceof NotAnEvent ? error : new NotAnEvent(`no CloudEvent: ${error.message}`);
  }
}

function structured({ type, subject, sequence, data, data_base64 }) {
  const decoded = data_base64 === undefined ? (data ?? null) : JSON.parse(Buffer.from(data_base64, "base64"));
  return complete({ type, subject, version: Number(sequence ?? 0), data: decoded });
}

function complete(event) {
  if (!event.type || !event.subject) throw new NotAnEvent("no CloudEvent: type or subject is missing");
  return event;
}

export class Schemas {
  #ajv = addFormats(new Ajv2020({ strict: false }));
  #validators = new Map();

  constructor(folder) {
    this.folder = folder;
  }

  // True when the data keep to the schema, false when the type is unknown; NotAnEvent when they break it.
  check({ type, data }) {
    const validate = this.#validator(type);
    if (!validate) return false;
    if (data !== null && !validate(data)) {
      const [problem] = validate.errors;
      throw new NotAnEvent(`${type}: ${problem.instancePath || "/"} ${problem.message}`);
    }
    return true;
  }

  // The schema of a type is the file of its name.
  #validator(type) {
    if (!this.#validators.has(type)) {
      const path = join(this.folder, `${type}.json`);
      const known = /^[a-z0-9_.]+$/.test(type) && existsSync(path);
      this.#validators.set(type, known ? this.#ajv.compile(JSON.parse(readFileSync(path, "utf8"))) : null);
    }
    return this.#validators.get(type);
  }
}
