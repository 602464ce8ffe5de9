import type { QueryClient } from "@tanstack/react-query";
import type { Notice } from "./client";

export interface Change {
  object: string;
  id: string;
  version: number;
}

/** Which queries an object's change makes stale: their keys begin like this. */
const STALE: Record<string, string[][]> = {
  account: [["accounts"]],
  contact: [["contacts"]],
  lead: [["leads"], ["queues"]],
  activity: [["timeline"], ["agenda"], ["activities"]],
  duplicate_set: [["duplicates"]],
};

/** A burst, such as an import's, refreshes a page this often at most. */
const REST = 400;

export class Refresher {
  private waiting = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly client: QueryClient) {}

  changed(change: Change): void {
    if (this.isKnown(change)) return;
    this.waiting.add(change.object);
    this.timer ??= setTimeout(() => this.refresh(), REST);
  }

  /** Our own edits come back as events; a record shown in that version needs no second reading. */
  private isKnown({ object, id, version }: Change): boolean {
    const shown = this.client.getQueryData<{ version: number }>([`${object}s`, "record", id]);
    return shown !== undefined && shown.version >= version && object !== "activity";
  }

  private refresh(): void {
    this.timer = undefined;
    const keys = [...this.waiting].flatMap((object) => STALE[object] ?? []);
    this.waiting.clear();
    for (const queryKey of keys) void this.client.invalidateQueries({ queryKey });
  }
}

/** Listens until the returned function is called. The browser reconnects by itself and says what it has seen last. */
export function listen(client: QueryClient, onNotice: (notice: Notice) => void): () => void {
  const source = new EventSource("/api/notifications/v1/stream");
  const refresher = new Refresher(client);
  source.addEventListener("change", (event) => refresher.changed(JSON.parse(event.data) as Change));
  source.addEventListener("notification", (event) => {
    void client.invalidateQueries({ queryKey: ["notifications"] });
    onNotice(JSON.parse(event.data) as Notice);
  });
  return () => source.close();
}
