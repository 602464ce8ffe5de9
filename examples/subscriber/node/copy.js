// A copy of Meridian's records and the place reached in every partition, in one file.
//
// Each batch appends one line that holds both, so they cannot disagree: a line torn by a crash is left out when the file
// is read again, and the batch is simply read again from Kafka.
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

export class Copy {
  records = new Map(); // id -> { topic, version, state }; state null: removed
  places = new Map(); // "topic[partition]" -> next offset

  constructor(file) {
    this.file = file;
    if (existsSync(file)) for (const line of readFileSync(file, "utf8").split("\n")) this.#replay(line);
    this.#rewrite();
  }

  place(topic, partition) {
    return this.places.get(`${topic}[${partition}]`);
  }

  // One batch: [[id, {topic, version, state}], …] and {"topic[partition]": next offset}.
  write(records, places) {
    appendFileSync(this.file, JSON.stringify({ records, places }) + "\n");
    this.#take({ records, places });
  }

  #take({ records, places }) {
    for (const [id, record] of records) this.records.set(id, record);
    for (const [name, next] of Object.entries(places)) this.places.set(name, next);
  }

  #replay(line) {
    try {
      this.#take(JSON.parse(line));
    } catch {
      // the end of a file that a crash tore
    }
  }

  // Old versions of records leave the file; the new file replaces the old one at once or not at all.
  #rewrite() {
    const whole = { records: [...this.records], places: Object.fromEntries(this.places) };
    writeFileSync(`${this.file}.new`, JSON.stringify(whole) + "\n");
    renameSync(`${this.file}.new`, this.file);
  }
}
